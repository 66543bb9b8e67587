//! A state that plays the kernel: the same operations, the kernel's own rules, no I/O. For dry runs, snapshots and
//! tests. Its rules were measured on Linux 6.18 and are held against it by `tests/suite/replay_vs_linux.rs`.
//!
//! Rows that the kernel writes by itself are left out: connected and local routes (`proto kernel`), link-local
//! addresses, multicast neighbours, the forwarding entries of a NIC's own addresses. Whoever compares a `Replay`
//! with Linux leaves them out there, too ([`Replay::comparable`]).

mod link;
mod route;

use std::collections::VecDeque;

use nix::errno::Errno;

use super::apply::is_gone;
use super::{Kernel, KernelError, Refusal};
use crate::plan::Op;
use crate::state::{Change, Fdb, Neigh, State, nud, proto, table};

/// A [`State`] that is a [`Kernel`].
#[derive(Clone, Debug, Default)]
pub struct Replay {
    state: State,
    /// Answers for operations to come, in order of their match.
    faults: Vec<(Op, Refusal)>,
    pending: VecDeque<Change>,
    /// Everything that was applied, refused or not.
    log: Vec<Op>,
}

type Answer = Result<(), Errno>;

impl Replay {
    /// Starts from this state.
    pub fn new(state: State) -> Self {
        Self { state, ..Self::default() }
    }

    /// The tables as they are.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The tables, to disturb them behind the agent's back.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// The next time that this very operation comes, it is refused with this errno.
    pub fn refuse(&mut self, op: Op, errno: i32) {
        self.faults.push((op, Refusal { errno, said: "injected".to_owned() }));
    }

    /// The next `changes` hands this over.
    pub fn announce(&mut self, change: Change) {
        self.pending.push_back(change);
    }

    /// What was applied so far, refused or not; empties the log.
    pub fn take_log(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.log)
    }

    /// The rows of a state that a `Replay` keeps: without what the kernel writes by itself, and without the
    /// numbers of devices, which no replay can know.
    #[must_use]
    pub fn comparable(mut state: State) -> State {
        for link in state.links.values_mut() {
            link.index = 0;
            link.lower_up = link.up;
        }
        state.addrs.retain(|key, addr| !(key.net.addr().is_ipv6() && addr.scope == LINK_SCOPE));
        for addr in state.addrs.values_mut() {
            // Duplicate detection and its like come and go with time.
            addr.flags &= crate::state::Addr::TEMPORARY;
            addr.order = 0;
        }
        state.routes.retain(|key, twins| {
            twins.retain(|route| route.proto != proto::KERNEL && route.proto != 0);
            key.table == table::MAIN && !twins.is_empty()
        });
        state.neighs.retain(|_, neigh| neigh.permanent());
        state.fdb.retain(|key, fdb| fdb.dst.is_some() && !key.master);
        state.rules.clear();
        state.facts.clear();
        state
    }

    fn one(&mut self, op: &Op) -> Answer {
        match op {
            Op::DelLink { dev } => self.del_link(*dev),
            Op::AddLink { dev, want } => self.add_link(*dev, want),
            Op::SetVxlan { dev, want } => self.set_vxlan(*dev, want),
            Op::SetMac { dev, mac } => self.set_mac(*dev, *mac),
            Op::SetMtu { dev, mtu } => self.set_mtu(*dev, *mtu),
            Op::SetUp { dev } => self.set_up(*dev),
            Op::SetSysctl { key, value } => {
                self.state.facts.insert(format!("sysctl:{key}"), value.clone());
                Ok(())
            }
            Op::AddAddr { key } => self.add_addr(*key),
            Op::DelAddr { key } => self.del_addr(*key),
            Op::SetNeigh { key, mac } => {
                self.link(key.dev)?;
                let neigh = Neigh { mac: Some(*mac), state: nud::PERMANENT, flags: 0 };
                self.state.neighs.insert(*key, neigh);
                Ok(())
            }
            Op::DelNeigh { key } => self.state.neighs.remove(key).map(drop).ok_or(Errno::ENOENT),
            Op::SetFdb { key, dst } => {
                let link = self.link(key.dev)?;
                let vxlan = link.vxlan().ok_or(Errno::EOPNOTSUPP)?;
                if vxlan_is_v6(vxlan) != dst.is_ipv6() {
                    return Err(Errno::EAFNOSUPPORT);
                }
                let state = nud::PERMANENT | nud::NOARP;
                self.state.put_fdb(*key, Fdb { dst: Some(*dst), state, flags: NTF_SELF, ..Fdb::default() });
                Ok(())
            }
            Op::DelFdb { key, dst } => self.del_fdb(key, *dst),
            Op::SetNexthop { id, via, dev } => self.set_nexthop(*id, *via, *dev),
            Op::DelNexthop { id } => self.del_nexthop(*id),
            Op::SetRoute { key, route } => self.set_route(*key, route),
            Op::DelRoute { key, route } => self.del_route(key, route),
        }
    }

    fn del_fdb(&mut self, key: &crate::state::FdbKey, dst: Option<std::net::IpAddr>) -> Answer {
        let entry = self.state.fdb.get_mut(key).ok_or(Errno::ENOENT)?;
        match dst {
            None => drop(self.state.fdb.remove(key)),
            Some(dst) if entry.dst == Some(dst) && entry.more.is_empty() => {
                self.state.fdb.remove(key);
            }
            Some(dst) if entry.dst == Some(dst) => entry.dst = Some(entry.more.remove(0)),
            Some(dst) => {
                let at = entry.more.iter().position(|d| *d == dst).ok_or(Errno::ENOENT)?;
                entry.more.remove(at);
            }
        }
        Ok(())
    }
}

/// `RT_SCOPE_LINK`.
const LINK_SCOPE: u8 = 253;
const NTF_SELF: u8 = 2;

/// A tunnel speaks IPv6 outside if its local address or its group is one (`VXLAN_F_IPV6`).
fn vxlan_is_v6(vxlan: &crate::state::Vxlan) -> bool {
    vxlan.local.or(vxlan.group).is_some_and(|ip| ip.is_ipv6())
}

impl Kernel for Replay {
    fn observe(&mut self) -> Result<State, KernelError> {
        self.pending.clear();
        Ok(self.state.clone())
    }

    fn apply(&mut self, ops: &[Op]) -> Vec<Result<(), Refusal>> {
        let mut answers = Vec::with_capacity(ops.len());
        for op in ops {
            self.log.push(op.clone());
            if let Some(at) = self.faults.iter().position(|(fault, _)| fault == op) {
                answers.push(Err(self.faults.remove(at).1));
                continue;
            }
            answers.push(match self.one(op) {
                Err(errno) if !is_gone(op, errno as i32) => {
                    Err(Refusal { errno: errno as i32, said: String::new() })
                }
                _ => Ok(()),
            });
        }
        answers
    }

    fn changes(&mut self) -> Result<Vec<Change>, KernelError> {
        Ok(self.pending.drain(..).collect())
    }
}
