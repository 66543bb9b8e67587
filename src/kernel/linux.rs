//! The kernel of one network namespace, over two netlink sockets: one asks, one listens.
//! Both belong to the namespace of the thread that opened them, whoever uses them later.

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::MetadataExt;

use super::apply::{self, Applying};
use super::codec::{self, Names, Read, rtm};
use super::netns::{self, InNetns};
use super::observe::{index_of, observe};
use super::socket::{Asker, Listener};
use super::wire::{Message, NLM_F_APPEND};
use super::{Kernel, KernelError, Refusal, ports, sysctl};
use crate::net::IfName;
use crate::plan::Op;
use crate::state::{Change, Row, State};

/// Multicast groups (`RTNLGRP_*`, include/uapi/linux/rtnetlink.h): LINK, NEIGH, IPV4_IFADDR, IPV4_ROUTE,
/// IPV4_RULE, IPV6_IFADDR, IPV6_ROUTE, IPV6_RULE, NEXTHOP.
const GROUPS: [u32; 9] = [1, 3, 5, 7, 8, 9, 11, 19, 32];

/// The kernel itself.
#[derive(Debug)]
pub struct LinuxKernel {
    asker: Asker,
    listener: Listener,
    /// The namespace that the sockets belong to, for the sysctls, which go by thread.
    home: File,
    inode: u64,
    listening: bool,
    names: Names,
    skipped: u64,
}

impl LinuxKernel {
    /// Opens the namespace that the calling thread stands in.
    pub fn open() -> Result<Self, KernelError> {
        let broken = |source| KernelError::Io { what: "opening the network namespace".to_owned(), source };
        let home = netns::here().map_err(broken)?;
        let inode = home.metadata().map_err(broken)?.ino();
        Ok(Self {
            asker: Asker::open()?,
            listener: Listener::open()?,
            home,
            inode,
            listening: false,
            names: Names::default(),
            skipped: 0,
        })
    }

    /// How many messages made no sense and were left out so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The inode of the namespace that this kernel belongs to.
    pub fn netns_inode(&self) -> u64 {
        self.inode
    }

    /// Asks the kernel where a packet to `dst` would leave (`ip route get`): device, preferred source, gateway.
    /// `None` if it would not leave, or is for this host alone.
    pub fn route_get(&mut self, dst: IpAddr) -> Option<(IfName, Option<IpAddr>, Option<IpAddr>)> {
        apply::route_get(&mut self.asker, dst)
    }

    /// Deletes the first policy rule of this priority.
    pub fn del_rule(&mut self, pref: u32, v6: bool) -> Result<(), Refusal> {
        apply::del_rule(&mut self.asker, pref, v6)
    }

    /// The number of a device, asked afresh.
    pub fn index_of(&mut self, dev: IfName) -> Option<u32> {
        index_of(&mut self.asker, dev)
    }

    /// Everything, what bridges do with their ports, and what else routing goes by: more than the agent has use for.
    pub fn look(&mut self) -> Result<State, KernelError> {
        let mut state = self.observe()?;
        ports::observe(&mut self.asker, &mut state)?;
        let broken = |source| KernelError::Io { what: "entering the network namespace".to_owned(), source };
        let _guard = self.at_home().map_err(broken)?;
        state.facts.extend(sysctl::routing(&state.links));
        Ok(state)
    }

    /// Stands in the home namespace while the guard lives; nothing to do if the thread is there already.
    fn at_home(&self) -> io::Result<Option<InNetns>> {
        if netns::inode()? == self.inode { Ok(None) } else { InNetns::enter_file(&self.home).map(Some) }
    }
}

impl Kernel for LinuxKernel {
    fn observe(&mut self) -> Result<State, KernelError> {
        if !self.listening {
            for group in GROUPS {
                self.listener.join(group)?;
            }
            self.listening = true;
        }
        let broken = |source| KernelError::Io { what: "entering the network namespace".to_owned(), source };
        let _guard = self.at_home().map_err(broken)?;
        let seen = observe(&mut self.asker, &mut self.listener)?;
        self.names = seen.names;
        self.skipped += seen.skipped;
        Ok(seen.state)
    }

    fn apply(&mut self, ops: &[Op]) -> Vec<Result<(), Refusal>> {
        let writes = ops.iter().any(|op| matches!(op, Op::SetSysctl { .. }));
        let guard = if writes { self.at_home() } else { Ok(None) };
        match guard {
            Ok(_guard) => Applying::new(&mut self.asker).run(ops),
            Err(cause) => {
                let errno = cause.raw_os_error().unwrap_or(nix::errno::Errno::EIO as i32);
                vec![Err(Refusal { errno, said: "entering the network namespace".to_owned() }); ops.len()]
            }
        }
    }

    fn changes(&mut self) -> Result<Vec<Change>, KernelError> {
        let Self { listener, names, skipped, .. } = self;
        let mut changes = Vec::new();
        let heard = listener.drain(|message| match change(message, names) {
            Ok(Some(change)) => changes.push(change),
            Ok(None) => {}
            Err(Garbled) => *skipped += 1,
        })?;
        if heard.overrun {
            changes.push(Change::Overrun);
        }
        Ok(changes)
    }
}

/// One notice as a change; the names follow the devices.
fn change(message: Message<'_>, names: &mut Names) -> Result<Option<Change>, Garbled> {
    let device = match message.kind {
        rtm::NEWLINK | rtm::DELLINK => codec::link_name(message.payload),
        _ => None,
    };
    if let Some((index, name)) = device {
        names.put(index, name);
    }
    let read = codec::read(message.kind, message.payload, names);
    if let Some((index, _)) = device
        && message.kind == rtm::DELLINK
    {
        names.take(index);
    }
    let gone = matches!(
        message.kind,
        rtm::DELLINK | rtm::DELADDR | rtm::DELROUTE | rtm::DELNEIGH | rtm::DELRULE | rtm::DELNEXTHOP
    );
    match read {
        // A row beside one of the same key; `fold` would take it for a replacement.
        Read::Row(Row::Route(..)) if message.flags & NLM_F_APPEND != 0 => Ok(Some(Change::Unknown)),
        Read::Row(row) if gone => Ok(Some(Change::Gone(row))),
        Read::Row(row) => Ok(Some(Change::New(row))),
        Read::Stranger => Ok(Some(Change::Unknown)),
        Read::Nothing => Ok(None),
        Read::Garbled => Err(Garbled),
    }
}

/// The notice made no sense.
struct Garbled;

impl AsFd for LinuxKernel {
    /// The listening socket: readable when a notice waits.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl AsRawFd for LinuxKernel {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
