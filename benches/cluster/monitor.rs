//! A second listener on the kernel's notices: what an onlooker sees of the agent's work, and when.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flanctl::net::Mac;
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_ROUTE;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{setsockopt, sockopt};

/// A row that a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    Fdb(Mac),
    Neigh(Ipv4Addr),
    Route(Ipv4Addr),
    Nexthop(u32),
}

/// One notice: when it was read, whether the row came (or went), which row.
#[derive(Clone, Copy, Debug)]
pub struct Notice {
    pub at: Instant,
    pub new: bool,
    pub row: Seen,
}

/// Listens on a thread of its own until it is dropped.
pub struct Monitor {
    notices: Receiver<Notice>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Monitor {
    /// Listens in the namespace of the calling thread.
    pub fn open() -> Self {
        let mut socket = Socket::new(NETLINK_ROUTE).unwrap();
        socket.bind_auto().unwrap();
        socket.set_non_blocking(true).unwrap();
        if setsockopt(&socket, sockopt::RcvBufForce, &(256 << 20)).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &(256 << 20)).unwrap();
        }
        // RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE, RTNLGRP_NEXTHOP.
        for group in [3, 7, 32] {
            socket.add_membership(group).unwrap();
        }
        let (tell, notices) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&stop);
        let thread = thread::spawn(move || listen(&socket, &tell, &ends));
        Self { notices, stop, thread: Some(thread) }
    }

    /// Hands notices over until one satisfies `done`; `None` if that takes longer than `patience`.
    pub fn until(&self, patience: Duration, mut done: impl FnMut(Notice) -> bool) -> Option<Notice> {
        let end = Instant::now() + patience;
        loop {
            let notice = self.notices.recv_timeout(end.saturating_duration_since(Instant::now())).ok()?;
            if done(notice) {
                return Some(notice);
            }
        }
    }

    /// What has come so far.
    pub fn drain(&self) -> usize {
        self.notices.try_iter().count()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(socket: &Socket, tell: &Sender<Notice>, stop: &AtomicBool) {
    let mut room = Vec::with_capacity(64 << 10);
    while !stop.load(Ordering::Relaxed) {
        let mut wait = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut wait, PollTimeout::from(50u8));
        loop {
            room.clear();
            match socket.recv(&mut room, 0) {
                Ok(_) => {}
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(e) => panic!("the onlooker lost notices: {e}"),
            }
            if let Some((new, row)) = read(&room) {
                let _ = tell.send(Notice { at: Instant::now(), new, row });
            }
        }
    }
}

/// One multicast message is one datagram.
fn read(bytes: &[u8]) -> Option<(bool, Seen)> {
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let body = bytes.get(16..)?;
    let family = *body.first()?;
    let (head, wanted) = match kind {
        28 | 29 if family == 7 => (12, 2),
        28 | 29 if family == 2 => (12, 1),
        24 | 25 if family == 2 => (12, 1),
        104 | 105 => (8, 1),
        _ => return None,
    };
    let value = attribute(body.get(head..)?, wanted)?;
    let row = match (kind, family) {
        (28 | 29, 7) => Seen::Fdb(Mac(value.try_into().ok()?)),
        (28 | 29, _) => Seen::Neigh(four(value)?.into()),
        (24 | 25, _) => Seen::Route(four(value)?.into()),
        _ => Seen::Nexthop(u32::from_ne_bytes(four(value)?)),
    };
    // A neighbour on its way out is announced as new once more, in state FAILED.
    let fails =
        matches!(row, Seen::Neigh(_)) && u16::from_ne_bytes(body.get(8..10)?.try_into().ok()?) & 0x80 == 0;
    Some((kind % 2 == 0 && !fails, row))
}

fn four(value: &[u8]) -> Option<[u8; 4]> {
    value.try_into().ok()
}

fn attribute(mut rest: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let len = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?) & 0x3fff;
        let value = rest.get(4..len)?;
        if kind == wanted {
            return Some(value);
        }
        rest = rest.get((len + 3) & !3..)?;
    }
}
