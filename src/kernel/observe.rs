//! Reads every table until it holds still. A dump alone may miss what moved while it ran, so notices are listened
//! to meanwhile, and each table that was spoken of is read again.

use super::codec::{self, Names, Read, af, rtm};
use super::socket::{Asker, Dump, Listener};
use super::wire::{Message, put_attr};
use super::{KernelError, sysctl};
use crate::net::IfName;
use crate::state::{Row, State};

/// How often a table is read before the reader gives up on it.
const TRIES: u32 = 24;

/// A table of the kernel that is dumped in one piece, in the order in which they are read: devices first, because
/// every other row names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Links,
    Addrs,
    Rules,
    Nexthops,
    Routes4,
    Routes6,
    Neighs,
    Fdb,
}

impl Table {
    const ALL: [Self; 8] = [
        Self::Links,
        Self::Addrs,
        Self::Rules,
        Self::Nexthops,
        Self::Routes4,
        Self::Routes6,
        Self::Neighs,
        Self::Fdb,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Links => "link",
            Self::Addrs => "address",
            Self::Rules => "rule",
            Self::Nexthops => "nexthop",
            Self::Routes4 => "IPv4 route",
            Self::Routes6 => "IPv6 route",
            Self::Neighs => "neighbour",
            Self::Fdb => "forwarding",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The tables that a notice makes doubtful. Devices and addresses take routes and neighbours with them without
    /// a word, and so does a nexthop object its routes (measured on 6.18).
    fn doubted(message: Message<'_>) -> u8 {
        let family = message.payload.first().copied().unwrap_or(0);
        let routes = Self::Routes4.bit() | Self::Routes6.bit();
        match message.kind {
            rtm::NEWLINK | rtm::DELLINK if family == 0 => ALL,
            rtm::NEWADDR | rtm::DELADDR => Self::Addrs.bit() | routes | Self::Neighs.bit(),
            rtm::NEWRULE | rtm::DELRULE => Self::Rules.bit(),
            rtm::NEWNEXTHOP | rtm::DELNEXTHOP => Self::Nexthops.bit() | routes | Self::Fdb.bit(),
            rtm::NEWROUTE | rtm::DELROUTE if family == af::INET => Self::Routes4.bit(),
            rtm::NEWROUTE | rtm::DELROUTE if family == af::INET6 => Self::Routes6.bit(),
            rtm::NEWNEIGH | rtm::DELNEIGH if family == af::BRIDGE => Self::Fdb.bit(),
            rtm::NEWNEIGH | rtm::DELNEIGH => Self::Neighs.bit(),
            _ => 0,
        }
    }
}

const ALL: u8 = u8::MAX;

/// What an observation brings home.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) state: State,
    pub(crate) names: Names,
    /// Messages that made no sense and were left out.
    pub(crate) skipped: u64,
}

/// Reads everything. The listener has joined its groups before.
pub(crate) fn observe(asker: &mut Asker, listener: &mut Listener) -> Result<Seen, KernelError> {
    // What was announced before the first dump is in it.
    listener.drain(|_| {})?;
    let mut seen = Seen::default();
    let mut doubt = ALL;
    let mut last = Table::Links;
    for _ in 0..TRIES {
        let doubted = doubt;
        for table in Table::ALL.into_iter().filter(|t| doubted & t.bit() != 0) {
            last = table;
            clear(&mut seen.state, table);
            if read(asker, table, &mut seen)? == Dump::Whole {
                doubt &= !table.bit();
            }
        }
        let heard = listener.drain(|message| doubt |= Table::doubted(message))?;
        if heard.overrun {
            doubt = ALL;
        }
        if doubt == 0 {
            pack(&mut seen.state);
            seen.state.facts = sysctl::facts(&seen.state.links);
            return Ok(seen);
        }
    }
    let restless = Table::ALL.into_iter().find(|t| doubt & t.bit() != 0).unwrap_or(last);
    Err(KernelError::Restless { table: restless.word(), tries: TRIES })
}

/// Trees made in one piece are full; grown in the dump's order they are half empty.
fn pack(state: &mut State) {
    state.routes = std::mem::take(&mut state.routes).into_iter().collect();
    state.nexthops = std::mem::take(&mut state.nexthops).into_iter().collect();
    state.neighs = std::mem::take(&mut state.neighs).into_iter().collect();
    state.fdb = std::mem::take(&mut state.fdb).into_iter().collect();
}

/// The dumps of a table: request type and family header (strict checking wants it whole and zero).
fn requests(table: Table) -> &'static [(u16, &'static [u8])] {
    const NDMSG: [u8; 12] = [0; 12];
    const PROXIES: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NTF_PROXY, 0];
    const BRIDGE: [u8; 12] = [af::BRIDGE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const NTF_PROXY: u8 = 0x08;
    match table {
        Table::Links => &[(rtm::GETLINK, &[0; 16])],
        Table::Addrs => &[(rtm::GETADDR, &[0; 8])],
        Table::Rules => {
            &[(rtm::GETRULE, &[af::INET, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), (rtm::GETRULE, &RULES6)]
        }
        Table::Nexthops => &[(rtm::GETNEXTHOP, &[0; 8])],
        Table::Routes4 => &[(rtm::GETROUTE, &[af::INET, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])],
        Table::Routes6 => &[(rtm::GETROUTE, &RULES6)],
        // Proxies first: the entry that really resolves stands over a proxy of the same key.
        Table::Neighs => &[(rtm::GETNEIGH, &PROXIES), (rtm::GETNEIGH, &NDMSG)],
        Table::Fdb => &[(rtm::GETNEIGH, &BRIDGE)],
    }
}

/// `struct fib_rule_hdr` and `struct rtmsg` are both twelve bytes that begin with the family.
const RULES6: [u8; 12] = [af::INET6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

const IFLA_IFNAME: u16 = 3;
const IFLA_EXT_MASK: u16 = 29;

/// `RTEXT_FILTER_SKIP_STATS`: half of each link message is counters.
const SKIP_STATS: u32 = 1 << 3;

fn read(asker: &mut Asker, table: Table, seen: &mut Seen) -> Result<Dump, KernelError> {
    let mut end = Dump::Whole;
    if table == Table::Links {
        seen.names = Names::default();
    }
    let mut later: Vec<Vec<u8>> = Vec::new();
    for (kind, body) in requests(table) {
        let mut body = body.to_vec();
        if table == Table::Links {
            put_attr(&mut body, IFLA_EXT_MASK, &SKIP_STATS.to_ne_bytes());
        }
        let got = asker.dump(*kind, &body, |message| {
            if message.kind == rtm::NEWLINK {
                // A device can name another one that comes later in the dump.
                if let Some((index, name)) = codec::link_name(message.payload) {
                    seen.names.put(index, name);
                }
                later.push(message.payload.to_vec());
            } else {
                keep(codec::read(message.kind, message.payload, &seen.names), seen, &mut end);
            }
        })?;
        if got == Dump::Interrupted {
            end = got;
        }
    }
    for payload in later {
        keep(codec::read(rtm::NEWLINK, &payload, &seen.names), seen, &mut end);
    }
    Ok(end)
}

fn keep(read: Read, seen: &mut Seen, end: &mut Dump) {
    let state = &mut seen.state;
    match read {
        Read::Row(Row::Link(name, link)) => drop(state.links.insert(name, link)),
        Read::Row(Row::Addr(key, addr)) => state.put_addr(key, addr),
        Read::Row(Row::Rule(rule)) => state.rules.push(rule),
        Read::Row(Row::Route(key, route)) => state.append_route(key, route),
        Read::Row(Row::Nexthop(id, hop)) => drop(state.nexthops.insert(id, hop)),
        Read::Row(Row::Neigh(key, neigh)) => drop(state.neighs.insert(key, neigh)),
        Read::Row(Row::Fdb(key, fdb)) => state.put_fdb(key, fdb),
        Read::Nothing => {}
        // A device came after the devices were read; its notice makes everything doubtful, too.
        Read::Stranger => *end = Dump::Interrupted,
        Read::Garbled => seen.skipped += 1,
    }
}

fn clear(state: &mut State, table: Table) {
    let v6 = |dst: &ipnet::IpNet| dst.addr().is_ipv6();
    match table {
        Table::Links => state.links.clear(),
        Table::Addrs => state.addrs.clear(),
        Table::Rules => state.rules.clear(),
        Table::Nexthops => state.nexthops.clear(),
        Table::Routes4 => state.routes.retain(|key, _| v6(&key.dst)),
        Table::Routes6 => state.routes.retain(|key, _| !v6(&key.dst)),
        Table::Neighs => state.neighs.clear(),
        Table::Fdb => state.fdb.clear(),
    }
}

/// The number of a device by its name; `None` if there is none.
pub(crate) fn index_of(asker: &mut Asker, dev: IfName) -> Option<u32> {
    let mut text = dev.as_str().as_bytes().to_vec();
    text.push(0);
    let fill = |buf: &mut Vec<u8>| {
        buf.extend_from_slice(&[0; 16]);
        put_attr(buf, IFLA_IFNAME, &text);
        put_attr(buf, IFLA_EXT_MASK, &SKIP_STATS.to_ne_bytes());
    };
    device(asker, fill).map(|(index, _)| index)
}

/// The name of a device by its number; `None` if there is none.
pub(crate) fn name_of(asker: &mut Asker, index: u32) -> Option<IfName> {
    let fill = |buf: &mut Vec<u8>| {
        buf.extend_from_slice(&[0; 4]);
        buf.extend_from_slice(&index.to_ne_bytes());
        buf.extend_from_slice(&[0; 8]);
        put_attr(buf, IFLA_EXT_MASK, &SKIP_STATS.to_ne_bytes());
    };
    device(asker, fill).map(|(_, name)| name)
}

fn device(asker: &mut Asker, fill: impl FnOnce(&mut Vec<u8>)) -> Option<(u32, IfName)> {
    asker.get(rtm::GETLINK, fill, |m| codec::link_name(m.payload)).ok()?.ok()?
}
