//! Operations into batches of requests, and refusals back to the operations they belong to.

use std::collections::HashMap;
use std::net::IpAddr;

use nix::errno::Errno;

use super::codec::{self, rtm};
use super::observe::{index_of, name_of};
use super::socket::Asker;
use super::wire::{self, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST};
use super::{Refusal, sysctl};
use crate::net::IfName;
use crate::plan::Op;
use crate::state::Hops;

/// Requests in one datagram. More gains nothing (measured), and a batch holds the rtnetlink lock only in turns.
const BATCH: usize = 128;

/// One run over a list of operations.
pub(crate) struct Applying<'a> {
    asker: &'a mut Asker,
    /// Device numbers as of now; emptied whenever a device comes or goes.
    indexes: HashMap<IfName, Option<u32>>,
    bytes: Vec<u8>,
    /// Sequence number and position of every request in `bytes`.
    sent: Vec<(u32, usize)>,
    /// Where the last message in `bytes` begins.
    tail: usize,
    answers: Vec<Result<(), Refusal>>,
}

impl<'a> Applying<'a> {
    pub(crate) fn new(asker: &'a mut Asker) -> Self {
        Self {
            asker,
            indexes: HashMap::new(),
            bytes: Vec::with_capacity(16 * 1024),
            sent: Vec::with_capacity(BATCH),
            tail: 0,
            answers: Vec::new(),
        }
    }

    /// Applies all, in order; one answer an operation.
    pub(crate) fn run(mut self, ops: &[Op]) -> Vec<Result<(), Refusal>> {
        self.answers = vec![Ok(()); ops.len()];
        for (at, op) in ops.iter().enumerate() {
            if let Op::SetSysctl { key, value } = op {
                self.flush(ops);
                self.answer(at, sysctl::write(key, value));
                continue;
            }
            if let Err(errno) = self.push(at, op) {
                let gone = is_gone(op, errno as i32);
                self.answer(at, if gone { Ok(()) } else { Err(no_device(errno)) });
                continue;
            }
            if matches!(op, Op::AddLink { .. } | Op::DelLink { .. }) {
                self.flush(ops);
                self.indexes.clear();
            } else if self.sent.len() >= BATCH {
                self.flush(ops);
            }
        }
        self.flush(ops);
        self.answers
    }

    fn answer(&mut self, at: usize, answer: Result<(), Refusal>) {
        if let Some(room) = self.answers.get_mut(at) {
            *room = answer;
        }
    }

    /// Appends the request of one operation, or says why there is none.
    fn push(&mut self, at: usize, op: &Op) -> Result<(), Errno> {
        let mut body = Vec::new();
        std::mem::swap(&mut body, &mut self.bytes);
        let start = body.len();
        let seq = self.asker.next_seq();
        let mut wrong = Ok(());
        let (kind, flags) = form(op);
        wire::put_message(&mut body, kind, NLM_F_REQUEST | flags, seq, |buf| wrong = self.fill(buf, op));
        if wrong.is_err() {
            body.truncate(start);
        }
        std::mem::swap(&mut body, &mut self.bytes);
        wrong?;
        self.tail = start;
        self.sent.push((seq, at));
        Ok(())
    }

    fn index(&mut self, dev: IfName) -> Result<u32, Errno> {
        if !self.indexes.contains_key(&dev) {
            let found = index_of(self.asker, dev);
            self.indexes.insert(dev, found);
        }
        self.indexes.get(&dev).copied().flatten().ok_or(Errno::ENODEV)
    }

    fn fill(&mut self, buf: &mut Vec<u8>, op: &Op) -> Result<(), Errno> {
        match op {
            Op::DelLink { dev } => codec::del_link(buf, self.index(*dev)?),
            Op::AddLink { dev, want } => {
                let lower = want.vxlan.lower.map(|l| self.index(l)).transpose()?;
                codec::add_vxlan(buf, *dev, want, lower);
            }
            Op::SetVxlan { dev, want } => {
                let lower = want.vxlan.lower.map(|l| self.index(l)).transpose()?;
                codec::set_vxlan(buf, self.index(*dev)?, want, lower);
            }
            Op::SetMac { dev, mac } => codec::set_mac(buf, self.index(*dev)?, *mac),
            Op::SetMtu { dev, mtu } => codec::set_mtu(buf, self.index(*dev)?, *mtu),
            Op::SetUp { dev } => codec::set_up(buf, self.index(*dev)?),
            Op::SetSysctl { .. } => {}
            Op::AddAddr { key } => codec::add_addr(buf, self.index(key.dev)?, key.net),
            Op::DelAddr { key } => codec::del_addr(buf, self.index(key.dev)?, key.net),
            Op::SetNeigh { key, mac } => codec::set_neigh(buf, self.index(key.dev)?, key.ip, *mac),
            Op::DelNeigh { key } => codec::del_neigh(buf, self.index(key.dev)?, key.ip),
            Op::SetFdb { key, dst } => codec::set_fdb(buf, self.index(key.dev)?, key, *dst),
            Op::DelFdb { key, dst } => codec::del_fdb(buf, self.index(key.dev)?, key, *dst),
            Op::SetNexthop { id, via, dev } => codec::set_nexthop(buf, *id, *via, self.index(*dev)?),
            Op::DelNexthop { id } => codec::del_nexthop(buf, *id),
            Op::SetRoute { key, route } | Op::DelRoute { key, route } => {
                for dev in crate::kernel::devices(&route.hops) {
                    self.index(dev)?;
                }
                let index = |dev: IfName| self.indexes.get(&dev).copied().flatten();
                let put = if matches!(op, Op::SetRoute { .. }) { codec::set_route } else { codec::del_route };
                put(buf, key, route, index).ok_or(Errno::ENODEV)?;
            }
        }
        Ok(())
    }

    /// Sends what has gathered. Only the last request asks for an acknowledgement: the kernel answers refusals
    /// without being asked, and works a datagram off before `send` returns.
    fn flush(&mut self, ops: &[Op]) {
        let Some((last, _)) = self.sent.last().copied() else { return };
        if let Some([f0, f1]) = self.bytes.get_mut(self.tail + 6..self.tail + 8) {
            [*f0, *f1] = (u16::from_ne_bytes([*f0, *f1]) | NLM_F_ACK).to_ne_bytes();
        }
        match self.asker.batch(&self.bytes, last) {
            Ok(mut refused) => {
                for (seq, at) in std::mem::take(&mut self.sent) {
                    let Some(refusal) = refused.remove(&seq) else { continue };
                    if !ops.get(at).is_some_and(|op| is_gone(op, refusal.errno)) {
                        self.answer(at, Err(refusal));
                    }
                }
            }
            Err(cause) => {
                // The socket broke: nobody knows which of these took effect. The next reading tells.
                let errno = cause.raw_os_error().unwrap_or(Errno::EIO as i32);
                for (_, at) in std::mem::take(&mut self.sent) {
                    self.answer(at, Err(Refusal { errno, said: cause.to_string() }));
                }
            }
        }
        self.bytes.clear();
        self.tail = 0;
    }
}

/// Message type and flags of an operation.
fn form(op: &Op) -> (u16, u16) {
    let set = NLM_F_CREATE | NLM_F_REPLACE;
    match op {
        Op::DelLink { .. } => (rtm::DELLINK, 0),
        Op::AddLink { .. } => (rtm::NEWLINK, NLM_F_CREATE | NLM_F_EXCL),
        Op::SetVxlan { .. } => (rtm::NEWLINK, 0),
        Op::SetMac { .. } | Op::SetMtu { .. } | Op::SetUp { .. } => (rtm::SETLINK, 0),
        Op::SetSysctl { .. } => (0, 0),
        Op::AddAddr { .. } => (rtm::NEWADDR, NLM_F_CREATE | NLM_F_EXCL),
        Op::DelAddr { .. } => (rtm::DELADDR, 0),
        Op::SetNeigh { .. } => (rtm::NEWNEIGH, set),
        Op::DelNeigh { .. } | Op::DelFdb { .. } => (rtm::DELNEIGH, 0),
        // Flood and group entries hold several remotes: replacing is refused, one more is appended (vxlan_fdb_update).
        Op::SetFdb { key, .. } if key.mac.is_zero() || key.mac.is_multicast() => {
            (rtm::NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND)
        }
        Op::SetFdb { .. } => (rtm::NEWNEIGH, set),
        Op::SetNexthop { .. } => (rtm::NEWNEXTHOP, set),
        Op::DelNexthop { .. } => (rtm::DELNEXTHOP, 0),
        Op::SetRoute { .. } => (rtm::NEWROUTE, set),
        Op::DelRoute { .. } => (rtm::DELROUTE, 0),
    }
}

/// A delete that finds nothing has reached its end.
pub(crate) fn is_gone(op: &Op, errno: i32) -> bool {
    let gone: &[Errno] = match op {
        Op::DelLink { .. } => &[Errno::ENODEV],
        Op::DelAddr { .. } => &[Errno::EADDRNOTAVAIL, Errno::ENODEV],
        Op::DelNeigh { .. } | Op::DelFdb { .. } => &[Errno::ENOENT, Errno::ENODEV],
        Op::DelNexthop { .. } => &[Errno::ENOENT],
        // A route through an object that is gone went with it; asked by that id the kernel says EINVAL.
        Op::DelRoute { route, .. } if matches!(route.hops, Hops::Object(_)) => {
            &[Errno::ESRCH, Errno::ENODEV, Errno::EINVAL]
        }
        Op::DelRoute { .. } => &[Errno::ESRCH, Errno::ENODEV],
        Op::AddLink { .. }
        | Op::SetVxlan { .. }
        | Op::SetMac { .. }
        | Op::SetMtu { .. }
        | Op::SetUp { .. }
        | Op::SetSysctl { .. }
        | Op::AddAddr { .. }
        | Op::SetNeigh { .. }
        | Op::SetFdb { .. }
        | Op::SetNexthop { .. }
        | Op::SetRoute { .. } => &[],
    };
    gone.iter().any(|e| *e as i32 == errno)
}

fn no_device(errno: Errno) -> Refusal {
    Refusal { errno: errno as i32, said: "no such device".to_owned() }
}

/// Where a packet to `dst` would leave: device, preferred source, gateway.
pub(crate) fn route_get(asker: &mut Asker, dst: IpAddr) -> Option<(IfName, Option<IpAddr>, Option<IpAddr>)> {
    let fill = |buf: &mut Vec<u8>| codec::get_route(buf, dst);
    let (index, src, via) = asker.get(rtm::GETROUTE, fill, |m| codec::route_hop(m.payload)).ok()?.ok()??;
    Some((name_of(asker, index)?, src, via))
}

/// `FRA_PRIORITY`, include/uapi/linux/fib_rules.h.
const FRA_PRIORITY: u16 = 6;

/// Deletes the first policy rule of a priority.
pub(crate) fn del_rule(asker: &mut Asker, pref: u32, v6: bool) -> Result<(), Refusal> {
    let fill = |buf: &mut Vec<u8>| {
        // `struct fib_rule_hdr`: the family, and nothing else that would narrow the choice.
        buf.extend_from_slice(&[
            if v6 { codec::af::INET6 } else { codec::af::INET },
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ]);
        wire::put_attr(buf, FRA_PRIORITY, &pref.to_ne_bytes());
    };
    let broken = |cause: std::io::Error| Refusal {
        errno: cause.raw_os_error().unwrap_or(Errno::EIO as i32),
        said: cause.to_string(),
    };
    asker.get(rtm::DELRULE, fill, |_| None::<()>).map_err(broken)?.map(|_| ())
}
