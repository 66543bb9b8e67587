//! One echo request, and how long its answer takes.
#![expect(clippy::disallowed_methods, reason = "measures time")]

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};

use super::Wire;

/// What came of it: the answer's time, or what the kernel here said to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Once {
    /// How long the answer took; `None` if none came in time.
    pub rtt: Option<Duration>,
    /// Why it was not sent.
    pub refused: Option<String>,
}

/// Sends one echo request of `size` bytes, which may be fragmented unless `df` is set, with a firewall mark if that is
/// not 0, and waits for its answer.
pub fn once(to: IpAddr, size: u32, df: bool, mark: u32, patience: Duration) -> io::Result<Once> {
    let wire = Wire::open(to.is_ipv6())?;
    if !df {
        wire.allow_fragments()?;
    }
    if mark != 0 {
        setsockopt(&wire.socket, sockopt::Mark, &mark)?;
    }
    let sent = Instant::now();
    if let Err(errno) = wire.send(to, 0, size) {
        return Ok(Once { rtt: None, refused: Some(io::Error::from(errno).to_string()) });
    }
    loop {
        let left = patience.saturating_sub(sent.elapsed());
        if left.is_zero() {
            return Ok(Once::default());
        }
        let mut fds = [PollFd::new(wire.socket.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        while let Some((from, seq)) = wire.receive()? {
            if from == to && seq == 0 {
                return Ok(Once { rtt: Some(sent.elapsed()), refused: None });
            }
        }
    }
}

impl Wire {
    /// Lets the kernel, and routers, take packets apart.
    fn allow_fragments(&self) -> io::Result<()> {
        match self.v6 {
            false => set_ip_mtu_discover(&self.socket, Ipv4PathMtuDiscovery::DONT)?,
            true => set_ipv6_mtu_discover(&self.socket, Ipv6PathMtuDiscovery::DONT)?,
        }
        Ok(())
    }
}
