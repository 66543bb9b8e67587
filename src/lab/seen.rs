//! Whose packet is it? One datagram from one namespace to a socket in another, and the source that is seen there.
//! A ping tells that packets arrive; this tells that nobody rewrote them (or that somebody did).

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use super::ns;

/// How often a datagram is sent before nobody is taken to hear it.
const TRIES: u32 = 4;

/// The source address that `at`'s namespace sees of a datagram which `from` sends to `to`, one of its addresses.
pub fn source(from: &str, at: &str, to: IpAddr) -> io::Result<IpAddr> {
    let ear = ns::within(at, || UdpSocket::bind((to, 0)))?;
    ear.set_read_timeout(Some(Duration::from_millis(500)))?;
    let port = ear.local_addr()?.port();
    let any: IpAddr = if to.is_ipv4() { [0; 4].into() } else { [0u8; 16].into() };
    let mouth = ns::within(from, || UdpSocket::bind((any, 0)))?;
    for _ in 0..TRIES {
        mouth.send_to(b"flanctl lab", SocketAddr::new(to, port))?;
        match ear.recv_from(&mut [0; 16]) {
            Ok((_, seen)) => return Ok(seen.ip()),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(e) => return Err(e),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, format!("nothing arrives at {to}")))
}
