//! The system's `ping`, from inside a namespace: started, waited for, its output read.
//! Never sends a packet itself.
#![expect(clippy::disallowed_methods, reason = "a room of hands: starts ping")]

use std::io;
use std::net::IpAddr;
use std::process::{Child, Command, Output, Stdio};

use super::ns;
use crate::error::Failure;

/// What came of pinging one address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reply {
    /// The average round trip in milliseconds.
    Rtt(f64),
    /// Nobody answered.
    Silence,
}

/// Starts `ping` from `netns` to `to`: three packets, at most about three seconds.
pub fn start(netns: &str, to: IpAddr) -> Result<Child, Failure> {
    let started = ns::within(netns, || {
        Command::new("ping")
            .args(["-n", "-q", "-c", "3", "-i", "0.2", "-W", "2", &to.to_string()])
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    });
    started.map_err(|e| {
        let missing = e.kind() == io::ErrorKind::NotFound;
        let failure = Failure::unreadable(format!("starting ping in {netns}")).because(e);
        if missing {
            failure.hint("install it: apt-get install iputils-ping, or dnf install iputils")
        } else {
            failure
        }
    })
}

/// Reads what a finished `ping` said. No summary at all is an error of ping's own.
pub fn read(output: &Output) -> Result<Reply, Failure> {
    let text = String::from_utf8_lossy(&output.stdout);
    match (parse(&text), output.status.code()) {
        (Some(rtt), _) => Ok(Reply::Rtt(rtt)),
        // 1: sent, and no reply. "Network is unreachable" is 2 in some versions, and no reply either.
        (None, Some(1)) => Ok(Reply::Silence),
        (None, _) if String::from_utf8_lossy(&output.stderr).contains("unreachable") => Ok(Reply::Silence),
        (None, _) => {
            let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(Failure::unreadable("ping did not run").because(words))
        }
    }
}

/// The average of `rtt min/avg/max/mdev = 0.041/0.052/0.060/0.008 ms` (iputils) or of
/// `round-trip min/avg/max = 0.041/0.052/0.060 ms` (busybox, BSD).
fn parse(text: &str) -> Option<f64> {
    let line = text.lines().find(|l| l.contains("min/avg/max"))?;
    let (_, figures) = line.split_once('=')?;
    figures.trim().split('/').nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_average_is_read_from_every_known_ping() {
        for (text, want) in [
            (
                "--- 10.244.1.2 ping statistics ---\n3 packets transmitted, 3 received, 0% packet loss, time 402ms\n\
              rtt min/avg/max/mdev = 0.041/0.052/0.060/0.008 ms\n",
                Some(0.052),
            ),
            (
                "3 packets transmitted, 3 packets received\nround-trip min/avg/max = 0.041/1.5/9.060 ms\n",
                Some(1.5),
            ),
            (
                "3 packets transmitted, 1 received, 66% packet loss\nrtt min/avg/max/mdev = 1/2.25/3/0 ms, pipe 2\n",
                Some(2.25),
            ),
            ("3 packets transmitted, 0 received, 100% packet loss, time 402ms\n\n", None),
            ("rtt min/avg/max/mdev =", None),
            ("", None),
        ] {
            assert_eq!(parse(text), want, "{text:?}");
        }
    }
}
