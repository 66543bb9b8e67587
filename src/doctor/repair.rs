//! What mends a node: the plan for our own rows, narrowed to the codes that were asked for; and a finding's own
//! command as steps that need no other program where that is possible. Decides; runs nothing.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::lease::{Peers, VxlanData};
use crate::overlay::{Own, World, wants_objects};
use crate::plan::{Op, plan, route_words};
use crate::snapshot::Snapshot;
use crate::state::{RouteKey, State, proto, table};

/// One step of a repair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An operation on the kernel's tables.
    Op(Op),
    /// Deletes the policy rule at this place of the tables.
    DelRule {
        /// Its priority.
        pref: u32,
        /// An IPv6 one.
        v6: bool,
    },
    /// A line for a shell: what the kernel's tables do not hold.
    Shell(String),
}

/// What a code that another node's examination gave is called on the node itself.
pub fn here(code: &str) -> &'static [&'static str] {
    match code {
        "remote.port" => &["vtep.port", "vtep.missing"],
        "remote.vni" => &["vtep.vni"],
        "remote.mac" => &["vtep.mac"],
        "remote.forward" => &["forward.off"],
        "remote.filter" => &["filter.forward", "outer.filtered"],
        "remote.rpfilter" => &["route.wrong", "rpfilter.rejects"],
        "remote.noreturn" => &[
            "route.missing",
            "route.wrong",
            "route.blackhole",
            "route.prohibit",
            "route.unreachable",
            "route.shadowed",
            "rule.diverts",
            "rule.prohibits",
            "neigh.missing",
            "neigh.wrong",
            "neigh.failed",
            "fdb.missing",
            "fdb.wrong",
            "peer.missing",
        ],
        _ => &[],
    }
}

/// Everything that decides what this node's kernel should hold, from a snapshot; or why that cannot be told.
pub fn world(near: &Snapshot) -> Result<World, &'static str> {
    let conf = near.conf().ok_or("the network config is not known")?;
    let leases = near.leases.as_ref().ok_or("no leases in reach")?;
    let own = super::Ground::of(near, &[]).own.ok_or("no lease is this node's own")?;
    let mut uplink = near.uplink.clone().ok_or("the uplink is not known: no agent's state file tells it")?;
    if let Some(link) = near.state.links.get(&uplink.dev) {
        uplink.mtu = link.mtu;
    }
    let data = |text: &Option<Box<str>>| VxlanData::parse(text.as_deref()?).ok();
    let (v4, v6) = (data(&own.attrs.backend_data), data(&own.attrs.backend_v6_data));
    let mac = v4.or(v6).ok_or("this node's own lease tells no MAC")?.mac;
    let mut peers = Peers::of(Some(own.subnet));
    peers.reset(leases.iter().filter(|lease| lease.subnet != own.subnet).cloned());
    let in_use = near.state.nexthops.values().any(|object| object.proto == proto::FLANCTL);
    let objects = wants_objects(peers.len(), in_use);
    let own = Own { subnet: own.subnet, mac, mac6: v6.map_or(mac, |data| data.mac) };
    Ok(World { conf, uplink, own, peers, objects })
}

/// What makes our own rows right again.
pub fn ours(near: &Snapshot) -> Result<Vec<Op>, &'static str> {
    let world = world(near)?;
    Ok(plan(&near.state, &world.desired(&near.state), &world.ours()))
}

/// What mends these codes on this node, in their order, each step once: our own rows where the plan has some of that
/// code, else the commands of what was found here.
pub fn asked(near: &Snapshot, found: &[Finding], codes: &[String]) -> Vec<Step> {
    // Without leases there is no plan; a finding's own command may still do.
    let plan = ours(near).unwrap_or_default();
    let spelled = Spelled::of(&near.state);
    let mut taken = BTreeSet::new();
    let mut said: BTreeSet<String> = BTreeSet::new();
    let mut steps = Vec::new();
    for code in codes {
        let mut planned = plan.iter().enumerate().filter(|(_, op)| mends(code, op, &near.state)).peekable();
        if planned.peek().is_some() {
            let fresh = planned.filter(|(place, _)| taken.insert(*place)).map(|(_, op)| op);
            steps.extend(fresh.filter(|op| said.insert(op.to_string())).cloned().map(Step::Op));
            continue;
        }
        let own = found.iter().filter(|finding| finding.code == *code && finding.node == near.host);
        let own = own.flat_map(|finding| each(finding, &spelled));
        steps.extend(own.filter(|step| said.insert(step.text())));
    }
    steps
}

impl Step {
    /// As it would be typed.
    pub fn text(&self) -> String {
        match self {
            Self::Op(op) => op.to_string(),
            Self::DelRule { pref, v6 } => format!("ip{} rule del pref {pref}", if *v6 { " -6" } else { "" }),
            Self::Shell(line) => line.clone(),
        }
    }
}

/// Whether an operation belongs to the repair of a code.
fn mends(code: &str, op: &Op, have: &State) -> bool {
    let there = |key: &RouteKey| have.routes.contains_key(key);
    match code {
        // With the device, whatever hung on it.
        "vtep.addr" | "vtep.bounced" | "vtep.down" | "vtep.gbp" | "vtep.local" | "vtep.mac"
        | "vtep.missing" | "vtep.port" | "vtep.vni" => true,
        "vtep.foreign_addr" => matches!(op, Op::DelAddr { .. }),
        "fdb.learned" => matches!(op, Op::SetVxlan { .. }),
        "mtu.outer" | "mtu.asymmetric" | "mtu.inner" => matches!(op, Op::SetMtu { .. }),
        "peer.missing" => match op {
            Op::SetRoute { key, .. } => !there(key),
            Op::SetNeigh { key, .. } => !have.neighs.contains_key(key),
            Op::SetFdb { key, .. } => !have.fdb.contains_key(key),
            Op::SetNexthop { .. } => true,
            _ => false,
        },
        "route.missing" => match op {
            Op::SetRoute { key, .. } => !there(key),
            Op::SetNexthop { .. } => true,
            _ => false,
        },
        "route.wrong" | "route.deadleg" | "route.blackhole" | "route.prohibit" | "route.unreachable" => {
            match op {
                Op::SetRoute { key, .. } | Op::DelRoute { key, .. } => there(key),
                Op::SetNexthop { .. } => true,
                _ => false,
            }
        }
        "route.stale" => matches!(op, Op::DelRoute { .. } | Op::DelNexthop { .. }),
        "neigh.missing" => matches!(op, Op::SetNeigh { key, .. } if !have.neighs.contains_key(key)),
        "neigh.wrong" | "neigh.failed" | "neigh.notpermanent" => {
            matches!(op, Op::SetNeigh { key, .. } if have.neighs.contains_key(key))
        }
        "neigh.stale" => matches!(op, Op::DelNeigh { .. }),
        "fdb.missing" => matches!(op, Op::SetFdb { key, .. } if !have.fdb.contains_key(key)),
        "fdb.wrong" => {
            matches!(op, Op::SetFdb { key, .. } | Op::DelFdb { key, .. } if have.fdb.contains_key(key))
        }
        "fdb.flood" => matches!(op, Op::SetFdb { .. } | Op::DelFdb { .. }),
        "fdb.stale" => matches!(op, Op::DelFdb { .. }),
        _ => false,
    }
}

/// A finding's own command as steps. Nothing for a command that is flanctl itself: its rows are in the plan.
pub fn steps(finding: &Finding, have: &State) -> Vec<Step> {
    each(finding, &Spelled::of(have))
}

fn each(finding: &Finding, have: &Spelled<'_>) -> Vec<Step> {
    let Some(fix) = &finding.fix else { return Vec::new() };
    let mut all = Vec::new();
    for line in fix.command.split(" && ") {
        match step(line.trim(), have) {
            Some(step) => all.push(step),
            // A shell line is one whole: its parts may hang together in ways that only a shell knows.
            None => return shell(&fix.command),
        }
    }
    all
}

fn shell(command: &str) -> Vec<Step> {
    match command.starts_with("flanctl ") || command.starts_with("sudo flanctl ") {
        true => Vec::new(),
        false => vec![Step::Shell(command.to_owned())],
    }
}

/// One line in iproute2's words that the kernel's tables can do by themselves.
fn step(line: &str, have: &Spelled<'_>) -> Option<Step> {
    let words: Vec<&str> = line.split_whitespace().collect();
    // What a shell is to read as a name has to go to a shell.
    if line.contains('\'') {
        return None;
    }
    let op = match words.as_slice() {
        ["sysctl", "-w", setting] if setting.starts_with("net.") => {
            let (key, value) = setting.split_once('=')?;
            Op::SetSysctl { key: key.to_owned(), value: value.to_owned() }
        }
        ["ip", "link", "set", dev, "up"] => Op::SetUp { dev: dev.parse().ok()? },
        ["ip", "link", "set", dev, "mtu", mtu] => {
            Op::SetMtu { dev: dev.parse().ok()?, mtu: mtu.parse().ok()? }
        }
        ["ip", "link", "set", dev, "address", mac] => {
            Op::SetMac { dev: dev.parse().ok()?, mac: mac.parse().ok()? }
        }
        ["ip", "addr", "del", net, "dev", dev] => {
            Op::DelAddr { key: crate::state::AddrKey { dev: dev.parse().ok()?, net: net.parse().ok()? } }
        }
        ["ip", "neigh", "del", ip, "dev", dev] => {
            Op::DelNeigh { key: crate::state::NeighKey { dev: dev.parse().ok()?, ip: ip.parse().ok()? } }
        }
        ["ip", "route", "del", ..] | ["ip", "-6", "route", "del", ..] => {
            return have.route(line.split_once("route del ")?.1.trim()).map(Step::Op);
        }
        ["ip", "rule", "del", "pref", pref] => {
            return Some(Step::DelRule { pref: pref.parse().ok()?, v6: false });
        }
        ["ip", "-6", "rule", "del", "pref", pref] => {
            return Some(Step::DelRule { pref: pref.parse().ok()?, v6: true });
        }
        _ => return None,
    };
    Some(Step::Op(op))
}

/// The routes by their words, once somebody asks for one: a large node has many, and many may be asked for.
struct Spelled<'a> {
    have: &'a State,
    routes: OnceCell<BTreeMap<String, Op>>,
}

impl<'a> Spelled<'a> {
    fn of(have: &'a State) -> Self {
        Self { have, routes: OnceCell::new() }
    }

    /// The route that is spelled so; of several, the main table's.
    fn route(&self, words: &str) -> Option<Op> {
        let routes = self.routes.get_or_init(|| {
            let mut all: BTreeMap<String, Op> = BTreeMap::new();
            let in_main = |key: &RouteKey| key.table == table::MAIN;
            let (main, others): (Vec<_>, Vec<_>) = self.have.routes.iter().partition(|(key, _)| in_main(key));
            for (key, twins) in main.into_iter().chain(others) {
                for route in twins {
                    let mut text = String::new();
                    // Writing to a String does not fail.
                    let _ = route_words(&mut text, key, route);
                    let op = || Op::DelRoute { key: *key, route: route.clone() };
                    all.entry(text.trim().to_owned()).or_insert_with(op);
                }
            }
            all
        });
        routes.get(words).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Spelled, Step, step};
    use crate::plan::Op;
    use crate::state::{Hop, Hops, Route, RouteKey, RouteKind, State};

    #[test]
    fn a_line_in_iproute2s_words_needs_no_iproute2() {
        let mut have = State::default();
        let key = RouteKey { table: 254, dst: "10.244.2.0/25".parse().unwrap(), tos: 0, metric: 0 };
        let hop = Hop { dev: Some("eth0".parse().unwrap()), ..Hop::default() };
        let route = Route { kind: RouteKind::Unicast, hops: Hops::One(hop), ..Route::default() };
        have.routes.insert(key, vec![route]);
        let have = Spelled::of(&have);
        for line in [
            "sysctl -w net.ipv4.ip_forward=1",
            "ip link set flannel.1 up",
            "ip link set flannel.1 mtu 1350",
            "ip link set flannel.1 address 02:00:00:00:00:01",
            "ip addr del 10.244.2.8/32 dev lo",
            "ip neigh del 192.168.50.12 dev eth0",
            "ip route del 10.244.2.0/25 dev eth0",
        ] {
            let Some(Step::Op(op)) = step(line, &have) else { panic!("{line}") };
            assert_eq!(op.to_string(), line);
        }
        assert_eq!(step("ip rule del pref 100", &have), Some(Step::DelRule { pref: 100, v6: false }));
        for line in ["systemctl restart docker", "ip route del 10.9.0.0/16", "sysctl -w kernel.panic=1", ""] {
            assert_eq!(step(line, &have), None, "{line}");
        }
        assert!(matches!(step("ip -6 rule del pref 7", &have), Some(Step::DelRule { v6: true, .. })));
        assert!(matches!(
            step("ip route del 10.244.2.0/25 dev eth0", &have),
            Some(Step::Op(Op::DelRoute { .. }))
        ));
    }
}
