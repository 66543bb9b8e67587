//! Facts that no table holds: sysctls, offloads, modules, counters, who owns a port, which programs meddle.
//! Reads files and one generic netlink family, in the namespace of the calling thread; starts no program.
//! What cannot be read is a fact that is not there.

mod counters;
mod features;
mod machine;
mod modules;
mod policy;
mod sockets;

use std::collections::BTreeMap;

pub use counters::Counters;
pub(crate) use features::family;

use super::processes::Processes;
use super::sysctl;
use crate::state::State;

/// What the reader of facts is told.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The tables that were read before: their devices are asked about.
    pub state: &'a State,
    /// The processes of the machine.
    pub processes: &'a Processes,
    /// UDP ports whose owner matters, beside those of the tunnel devices.
    pub ports: &'a [u16],
    /// True if this is the machine's own namespace: then what runs on the machine is about it.
    pub machine: bool,
}

/// Reads everything; the keys are those of [`State::facts`].
pub fn read(asked: &Asked<'_>) -> BTreeMap<String, String> {
    let links = &asked.state.links;
    let mut facts = sysctl::more(links);
    for (from, to) in [("count", "conntrack:count"), ("max", "conntrack:max")] {
        if let Some(value) = sysctl::read(&format!("net.netfilter.nf_conntrack_{from}")) {
            facts.insert(to.to_owned(), value);
        }
    }
    facts.extend(features::offloads());
    facts.extend(features::drivers(links));
    facts.extend(features::nexthop_objects().map(|yes| ("nexthop:objects".to_owned(), word(yes))));
    facts.extend(modules::facts(links));
    facts.extend(counters::facts());
    facts.extend(sockets::owners(asked));
    facts.insert("netns:machine".to_owned(), word(asked.machine));
    if asked.machine {
        facts.extend(machine::facts(asked));
        facts.extend(policy::fact(links));
    }
    facts
}

fn word(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
