//! A snapshot that may be shown to anybody: other addresses, MACs and names, and the same verdicts. Everything is a
//! function of a key, so that the snapshots of several nodes, redacted under one key, still fit together.

mod leases;
mod map;
mod names;
mod prf;
mod rules;
mod space;
mod tables;
mod text;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::net::{Mac, Subnet};
use crate::snapshot::Snapshot;
use crate::state::{Pod, State};

pub use map::{BadMap, Map};
pub use prf::Key;
pub use space::Cut;

use space::Space;

/// A redacted snapshot.
#[derive(Debug)]
pub struct Redacted {
    /// What may be shown.
    pub snapshot: Snapshot,
    /// What may not: what stands for what.
    pub map: Map,
}

/// Replaces under a key. `cut` is that of an earlier map, if the two are to fit together.
pub fn redact(node: Snapshot, key: Key, cut: Option<Cut>) -> Redacted {
    let cut = cut.unwrap_or_else(|| Cut::of(&node));
    let mut redactor = Redactor {
        space: Space { key, cut },
        words: RefCell::default(),
        seen: RefCell::default(),
        devices: BTreeSet::new(),
    };
    redactor.learn(&node);
    let snapshot = redactor.snapshot(node);
    let Redactor { words, seen, .. } = redactor;
    let mut pairs = seen.into_inner();
    pairs.extend(words.into_inner());
    Redacted { snapshot, map: Map { key, cut, pairs } }
}

/// A redaction under way.
struct Redactor {
    space: Space,
    /// Names, and what stands for them.
    words: RefCell<BTreeMap<String, String>>,
    /// Addresses, networks and MACs that were met.
    seen: RefCell<BTreeMap<String, String>>,
    /// Every device, which a rule may mean by the beginning of its name.
    devices: BTreeSet<String>,
}

impl Redactor {
    /// The names, before any text is read that may hold them.
    fn learn(&mut self, node: &Snapshot) {
        self.host(&node.host);
        for name in node.leases.iter().flatten().filter_map(|lease| lease.attrs.node.as_deref()) {
            self.host(name);
        }
        self.pod(&node.netns);
        for Pod { name, aliases, .. } in &node.pods {
            self.pod(name);
            aliases.iter().for_each(|alias| drop(self.pod(alias)));
        }
        let states = node.pods.iter().map(|pod| &pod.state).chain([&node.state]);
        let devices = states.flat_map(|state: &State| state.links.keys()).map(ToString::to_string);
        self.devices = devices.collect();
        self.devices.iter().for_each(|dev| drop(self.device(dev)));
    }

    fn snapshot(&self, node: Snapshot) -> Snapshot {
        let Snapshot { host, at, netns, state, leases, own, config, uplink, pods, kernel, version, unseen } =
            node;
        let pod = |Pod { name, aliases, inode, nsid, state }| Pod {
            name: self.pod(&name),
            aliases: aliases.iter().map(|alias| self.pod(alias)).collect(),
            inode,
            nsid,
            state: self.state(state),
        };
        Snapshot {
            host: self.host(&host),
            at,
            netns: self.pod(&netns),
            state: self.state(state),
            leases: leases.map(|all| all.into_iter().map(|lease| self.lease(lease)).collect()),
            own: own.map(|own| self.subnet(own)),
            config: config.map(|text| self.config(&text)),
            uplink: uplink.map(|uplink| self.uplink(uplink)),
            pods: pods.into_iter().map(pod).collect(),
            kernel,
            version,
            unseen: self.texts(unseen),
        }
    }

    fn texts(&self, texts: Vec<String>) -> Vec<String> {
        texts.iter().map(|text| self.text(text)).collect()
    }

    fn ip(&self, old: IpAddr) -> IpAddr {
        self.note(old, self.space.ip(old))
    }

    fn v4(&self, old: Ipv4Addr) -> Ipv4Addr {
        self.note(old, self.space.v4(old))
    }

    fn v6(&self, old: Ipv6Addr) -> Ipv6Addr {
        self.note(old, self.space.v6(old))
    }

    fn mac(&self, old: Mac) -> Mac {
        self.note(old, self.space.mac(old))
    }

    fn net(&self, old: IpNet) -> IpNet {
        self.note(old, self.space.net(old))
    }

    fn held(&self, old: IpNet) -> IpNet {
        self.ip(old.addr());
        self.space.held(old)
    }

    fn subnet(&self, old: Subnet) -> Subnet {
        for net in old.nets() {
            self.net(net);
        }
        self.space.subnet(old)
    }

    /// Remembers what stands for what.
    fn note<T: ToString + PartialEq + Copy>(&self, old: T, new: T) -> T {
        if old != new {
            self.seen.borrow_mut().insert(old.to_string(), new.to_string());
        }
        new
    }
}

#[cfg(test)]
mod tests;
