//! A small blocking netlink socket: batches out, answers in; dumps; and one that only listens.
//! Knows frames and errno, nothing of routes or links.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use netlink_sys::protocols::{NETLINK_GENERIC, NETLINK_ROUTE};
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};

use super::wire::{Message, Messages, NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST};
use super::wire::{NLMSG_DONE, NLMSG_ERROR, verdict};
use super::{KernelError, Refusal};

/// The kernel puts up to 32 KiB into a dump's datagram if the reader offers the room (`netlink_dump`).
const ROOM: usize = 64 * 1024;

/// Receive buffer of a socket that sends requests: room for a batch of refusals.
const ASKING: usize = 1 << 20;

/// Receive buffer of the listening socket: 40,000 notices (four rows for each of 10,000 peers) of about 800 bytes.
const LISTENING: usize = 32 << 20;

fn broken(what: &'static str) -> impl FnOnce(io::Error) -> KernelError {
    move |source| KernelError::Io { what: what.to_owned(), source }
}

/// How a dump ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dump {
    /// The table held still.
    Whole,
    /// The kernel says that the table changed meanwhile.
    Interrupted,
}

/// A socket for requests and dumps.
pub(crate) struct Asker {
    socket: Socket,
    seq: u32,
    room: Vec<u8>,
}

impl std::fmt::Debug for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asker(seq {})", self.seq)
    }
}

impl Asker {
    /// Opens one in the namespace of the calling thread.
    pub(crate) fn open() -> Result<Self, KernelError> {
        Self::of(NETLINK_ROUTE)
    }

    /// Opens one for generic netlink families.
    pub(crate) fn generic() -> Result<Self, KernelError> {
        Self::of(NETLINK_GENERIC)
    }

    fn of(protocol: isize) -> Result<Self, KernelError> {
        let mut socket = Socket::new(protocol).map_err(broken("opening a netlink socket"))?;
        socket.bind_auto().map_err(broken("binding a netlink socket"))?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(broken("connecting a netlink socket"))?;
        // Strict: the kernel refuses what it does not understand instead of guessing, and filters dumps.
        socket.set_netlink_get_strict_chk(true).map_err(broken("asking for strict checking"))?;
        socket.set_ext_ack(true).map_err(broken("asking for the kernel's words"))?;
        socket.set_cap_ack(true).map_err(broken("asking for short answers"))?;
        room(&socket, ASKING)?;
        Ok(Self { socket, seq: 0, room: Vec::with_capacity(ROOM) })
    }

    /// The next sequence number.
    pub(crate) fn next_seq(&mut self) -> u32 {
        self.seq = self.seq.wrapping_add(1).max(1);
        self.seq
    }

    /// Sends a batch whose last message (`last`) asks for an acknowledgement, and gathers every refusal by its
    /// sequence number. The kernel works a datagram off in order and inside `send`, so the last answer is the end.
    pub(crate) fn batch(&mut self, bytes: &[u8], last: u32) -> io::Result<BTreeMap<u32, Refusal>> {
        self.batch_with(bytes, last, |_| {})
    }

    /// The same, and hands over what else comes back (the answer to a get).
    pub(crate) fn batch_with(
        &mut self,
        bytes: &[u8],
        last: u32,
        mut answer: impl FnMut(Message<'_>),
    ) -> io::Result<BTreeMap<u32, Refusal>> {
        let mut refused = BTreeMap::new();
        send(&self.socket, bytes)?;
        loop {
            receive(&self.socket, &mut self.room)?;
            for message in Messages(&self.room) {
                if message.kind != NLMSG_ERROR {
                    answer(message);
                    continue;
                }
                if let Some(Err(refusal)) = verdict(message) {
                    refused.insert(message.seq, refusal);
                }
                if message.seq == last {
                    return Ok(refused);
                }
            }
        }
    }

    /// Dumps one table once; `body` is the family header of the request. `each` sees every row's message.
    pub(crate) fn dump(
        &mut self,
        kind: u16,
        body: &[u8],
        mut each: impl FnMut(Message<'_>),
    ) -> Result<Dump, KernelError> {
        let seq = self.next_seq();
        let mut bytes = Vec::with_capacity(64);
        super::wire::put_message(&mut bytes, kind, NLM_F_REQUEST | NLM_F_DUMP, seq, |b| {
            b.extend_from_slice(body);
        });
        send(&self.socket, &bytes).map_err(broken("sending a dump request"))?;
        let mut end = Dump::Whole;
        loop {
            receive(&self.socket, &mut self.room).map_err(broken("reading a dump"))?;
            for message in Messages(&self.room).filter(|m| m.seq == seq) {
                if message.flags & NLM_F_DUMP_INTR != 0 {
                    end = Dump::Interrupted;
                }
                match message.kind {
                    NLMSG_DONE => return done(message, end),
                    NLMSG_ERROR => return refused_dump(message, end),
                    _ => each(message),
                }
            }
        }
    }

    /// One get: the answering message, or the refusal.
    pub(crate) fn get<T>(
        &mut self,
        kind: u16,
        fill: impl FnOnce(&mut Vec<u8>),
        mut read: impl FnMut(Message<'_>) -> Option<T>,
    ) -> io::Result<Result<Option<T>, Refusal>> {
        let seq = self.next_seq();
        let mut bytes = Vec::with_capacity(128);
        super::wire::put_message(&mut bytes, kind, NLM_F_REQUEST | NLM_F_ACK, seq, fill);
        let mut found = None;
        let refused = self.batch_with(&bytes, seq, |m| {
            if m.seq == seq && found.is_none() {
                found = read(m);
            }
        })?;
        Ok(match refused.into_values().next() {
            Some(refusal) => Err(refusal),
            None => Ok(found),
        })
    }
}

/// A dump can end with an errno in its last message (`netlink_dump_done`).
fn done(message: Message<'_>, end: Dump) -> Result<Dump, KernelError> {
    match message.payload.first_chunk::<4>().map(|c| i32::from_ne_bytes(*c)) {
        Some(code) if code < 0 => Err(KernelError::Io {
            what: "reading a dump".to_owned(),
            source: io::Error::from_raw_os_error(code.saturating_neg()),
        }),
        _ => Ok(end),
    }
}

fn refused_dump(message: Message<'_>, end: Dump) -> Result<Dump, KernelError> {
    match verdict(message) {
        Some(Err(refusal)) => Err(KernelError::Io {
            what: "asking for a dump".to_owned(),
            source: io::Error::from_raw_os_error(refusal.errno),
        }),
        _ => Ok(end),
    }
}

/// A socket that only hears notices.
pub(crate) struct Listener {
    socket: Socket,
    room: Vec<u8>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Listener(fd {})", self.socket.as_raw_fd())
    }
}

/// What one drain of the listener met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Notices were lost before or among those handed over.
    pub(crate) overrun: bool,
}

impl Listener {
    /// Opens one in the namespace of the calling thread. It hears nothing until it joins.
    pub(crate) fn open() -> Result<Self, KernelError> {
        let mut socket = Socket::new(NETLINK_ROUTE).map_err(broken("opening a netlink socket"))?;
        socket.bind_auto().map_err(broken("binding a netlink socket"))?;
        socket.set_non_blocking(true).map_err(broken("making a netlink socket non-blocking"))?;
        room(&socket, LISTENING)?;
        Ok(Self { socket, room: Vec::with_capacity(ROOM) })
    }

    /// Joins a multicast group (`RTNLGRP_*`); joining twice is fine.
    pub(crate) fn join(&self, group: u32) -> Result<(), KernelError> {
        self.socket.add_membership(group).map_err(broken("joining a multicast group"))
    }

    /// Hands over everything that waits; never blocks.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(Message<'_>)) -> Result<Heard, KernelError> {
        let mut heard = Heard::default();
        loop {
            match receive(&self.socket, &mut self.room) {
                Ok(()) => Messages(&self.room).for_each(&mut each),
                Err(cause) => match Errno::from_raw(cause.raw_os_error().unwrap_or(0)) {
                    Errno::EAGAIN => return Ok(heard),
                    // The socket stays usable: what is still queued follows (af_netlink.c, netlink_overrun).
                    Errno::ENOBUFS => heard.overrun = true,
                    _ => return Err(broken("reading notices")(cause)),
                },
            }
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Beyond `rmem_max` if we may (CAP_NET_ADMIN), else up to it.
fn room(socket: &Socket, bytes: usize) -> Result<(), KernelError> {
    if setsockopt(socket, sockopt::RcvBufForce, &bytes).is_ok() {
        return Ok(());
    }
    setsockopt(socket, sockopt::RcvBuf, &bytes).map_err(|e| broken("enlarging the receive buffer")(e.into()))
}

fn send(socket: &Socket, bytes: &[u8]) -> io::Result<()> {
    loop {
        match socket.send_to(bytes, &SocketAddr::new(0, 0), 0) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(drop),
        }
    }
}

/// One datagram into `room`.
fn receive(socket: &Socket, room: &mut Vec<u8>) -> io::Result<()> {
    loop {
        room.clear();
        room.reserve(ROOM);
        match socket.recv(room, 0) {
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(drop),
        }
    }
}
