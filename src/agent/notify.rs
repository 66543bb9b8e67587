//! Tells the service manager how it goes (sd_notify(3)): READY, STATUS, WATCHDOG. Silent without `NOTIFY_SOCKET`.
#![expect(clippy::disallowed_methods, reason = "NOTIFY_SOCKET and WATCHDOG_USEC are this protocol's input")]

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// The way to the service manager, if there is one.
pub struct Notifier {
    socket: Option<UnixDatagram>,
    /// How often the manager wants a sign of life: half of `WATCHDOG_USEC`.
    pub watchdog: Option<Duration>,
}

impl Notifier {
    /// Reads `NOTIFY_SOCKET` and `WATCHDOG_USEC`.
    pub fn from_env() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|path| connect(&path.to_string_lossy()).ok());
        let micros =
            std::env::var("WATCHDOG_USEC").ok().and_then(|t| t.parse::<u64>().ok()).filter(|n| *n > 1);
        Self { socket, watchdog: micros.map(|n| Duration::from_micros(n / 2)) }
    }

    /// Sends one message, such as `READY=1\nSTATUS=3 peers`. A manager that went away is not our problem.
    pub fn send(&self, message: &str) {
        if let Some(socket) = &self.socket {
            let _ = socket.send(message.as_bytes());
        }
    }
}

/// A leading `@` stands for the abstract namespace.
fn connect(path: &str) -> std::io::Result<UnixDatagram> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    let socket = UnixDatagram::unbound()?;
    match path.strip_prefix('@') {
        Some(name) => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        None => socket.connect(path)?,
    }
    Ok(socket)
}
