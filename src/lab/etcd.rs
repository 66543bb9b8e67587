//! A lab on an etcd outside: its own prefix there, and a relay by which the nodes reach it.
//! Never reads or writes a key outside that prefix.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use etcd_client::{Client, ConnectOptions, DeleteOptions, Error};

use super::interrupt::heed_signals;
use super::ns;
use super::process::Process;
use crate::error::Failure;

/// How long etcd may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The lab's own `--etcd-prefix`: what else lives in that etcd, such as a real cluster, is out of reach.
pub fn prefix(lab: &str) -> String {
    format!("/flanctl-lab/{lab}/network")
}

/// `host:port` of an `http://` URL.
pub fn authority(url: &str) -> Result<String, Failure> {
    let rest = url.strip_prefix("http://").unwrap_or_default().trim_end_matches('/');
    match rest.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(rest.to_owned()),
        _ => Err(Failure::usage(format!("--store etcd={url}: not an address like http://127.0.0.1:2379"))
            .hint("the lab relays plain HTTP only")),
    }
}

/// Writes the network config under the lab's prefix, where nothing else may be.
pub fn seed(url: &str, lab: &str, config: &str) -> Result<(), Failure> {
    let key = format!("{}/config", prefix(lab));
    talk(url, async |client| {
        client.delete(prefix(lab) + "/", Some(DeleteOptions::new().with_prefix())).await?;
        client.put(key.as_str(), config, None).await.map(|_| ())
    })
}

/// Removes everything under the lab's prefix.
pub fn clear(url: &str, lab: &str) -> Result<(), Failure> {
    talk(url, async |client| {
        client.delete(prefix(lab) + "/", Some(DeleteOptions::new().with_prefix())).await.map(|_| ())
    })
}

fn talk(url: &str, work: impl AsyncFnOnce(&mut Client) -> Result<(), Error>) -> Result<(), Failure> {
    let failed = |e: Box<dyn std::error::Error + Send + Sync>| {
        Failure::unreadable(format!("etcd at {url}")).because(e).hint("is etcd running there?")
    };
    // The status alone: the rest of it is the same once more, as Debug prints it.
    let refused = |e: Error| match e {
        Error::GRpcStatus(status) => failed(status.message().into()),
        other => failed(other.into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| failed(e.into()))?.block_on(async {
        let options = ConnectOptions::new().with_connect_timeout(PATIENCE).with_timeout(PATIENCE);
        let mut client = Client::connect([url], Some(options)).await.map_err(refused)?;
        work(&mut client).await.map_err(refused)
    })
}

/// Listens inside `netns`, connects from the namespace it was started in. Never comes back while all is well.
pub fn relay(netns: &str, listen: SocketAddr, to: &str, pid_file: &Path) -> io::Result<()> {
    let me = Process::running(std::process::id().cast_signed());
    me.ok_or_else(|| io::Error::other("/proc does not show this process"))?.note(pid_file)?;
    let _ = nix::unistd::setsid();
    heed_signals()?;
    let ear = ns::within(netns, || TcpListener::bind(listen))?;
    ear.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let ear = tokio::net::TcpListener::from_std(ear)?;
        loop {
            let (mut near, _) = ear.accept().await?;
            let to = to.to_owned();
            tokio::spawn(async move {
                // A connection that breaks is for its two ends to notice.
                if let Ok(mut far) = tokio::net::TcpStream::connect(to).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn only_plain_http_with_a_port_is_relayed() {
        for (url, want) in [
            ("http://127.0.0.1:2379", Some("127.0.0.1:2379")),
            ("http://etcd.local:2379/", Some("etcd.local:2379")),
            ("https://127.0.0.1:2379", None),
            ("http://127.0.0.1", None),
            ("127.0.0.1:2379", None),
        ] {
            assert_eq!(authority(url).ok().as_deref(), want, "{url}");
        }
    }
}
