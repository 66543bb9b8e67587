//! Which features decided a packet's fate: without the rules that use one, it would have been another.

use flanctl::firewall::{Base, Owner, Packet, Rule, Ruleset, Say, Table};

use super::fate::{Fate, foretell};

/// What is taken away to see whether it mattered.
#[derive(Clone, Copy)]
enum Cut {
    /// Rules of nft whose text has one of these.
    Nft(&'static [&'static str]),
    /// Rules of iptables, of either variant.
    Ipt(&'static [&'static str]),
    /// Tables like this.
    Tables(fn(&Table) -> bool),
    /// Base chains like this.
    Chains(fn(&Base) -> bool),
    /// What comes first comes last.
    Order,
    /// The policy of tables like this becomes accept.
    Policies(fn(&Table) -> bool),
}

/// What is counted, what the generators call it, and how it is taken away.
const FEATURES: &[(&str, &str, Cut)] = &[
    ("nft address", "saddr", Cut::Nft(&[" saddr 10.", " saddr fd"])),
    (
        "nft range",
        "range",
        Cut::Nft(&["daddr 10.2.0.1-", "daddr 10.1.0.1-", "daddr fd02::1-", "daddr fd01::1-"]),
    ),
    ("nft negation", "negation", Cut::Nft(&["!="])),
    ("nft bitmask", "bitmask", Cut::Nft(&["daddr & "])),
    ("nft anonymous set", "set", Cut::Nft(&[" { "])),
    ("nft named set", "named set", Cut::Nft(&["saddr @"])),
    ("nft l4proto", "l4proto", Cut::Nft(&["l4proto"])),
    ("nft ct state", "ct state", Cut::Nft(&["ct state"])),
    ("nft ct direction", "ct direction", Cut::Nft(&["ct direction"])),
    ("nft ct status", "ct status", Cut::Nft(&["ct status"])),
    ("nft ct mark", "ct mark", Cut::Nft(&["ct mark"])),
    ("nft ct mark set", "ct mark set", Cut::Nft(&["ct mark set"])),
    ("nft ct original", "ct original", Cut::Nft(&["ct original"])),
    ("nft mark", "mark", Cut::Nft(&["meta mark 0", "meta mark 7"])),
    ("nft mark bits", "mark mask", Cut::Nft(&["meta mark & "])),
    ("nft length", "length", Cut::Nft(&["meta length"])),
    ("nft dscp", "dscp", Cut::Nft(&[" dscp "])),
    ("nft hops left", "ttl", Cut::Nft(&["ttl", "hoplimit"])),
    ("nft fib type", "fib type", Cut::Nft(&["fib daddr type"])),
    ("nft fib of the source", "fib source", Cut::Nft(&["fib saddr type"])),
    ("nft fib back", "fib back", Cut::Nft(&["fib saddr . iif"])),
    ("nft fragment", "fragment", Cut::Nft(&["frag-off"])),
    ("nft nfproto", "nfproto", Cut::Nft(&["nfproto"])),
    ("nft iifname", "iif", Cut::Nft(&["iifname"])),
    ("nft wildcard", "wildcard", Cut::Nft(&["a* ", "b* ", "eth* "])),
    ("nft named set of devices", "named names", Cut::Nft(&["@names"])),
    ("nft pkttype", "pkttype", Cut::Nft(&["pkttype"])),
    ("nft ether", "ether", Cut::Nft(&["ether saddr"])),
    ("nft oifname", "oif", Cut::Nft(&["oifname"])),
    ("nft concatenated devices", "two devices", Cut::Nft(&["iifname . oifname"])),
    ("nft port", "port", Cut::Nft(&["tcp dport", "udp dport"])),
    ("nft port set", "port set", Cut::Nft(&["port { "])),
    ("nft th port", "th port", Cut::Nft(&["th dport", "th sport"])),
    ("nft named concatenation", "concat", Cut::Nft(&["@pairs"])),
    ("nft concatenation", "concat set", Cut::Nft(&["dport { 10", "dport { fd"])),
    ("nft tcp flags", "tcp flags", Cut::Nft(&["tcp flags"])),
    ("nft icmp type", "icmp", Cut::Nft(&["icmp type", "icmpv6 type"])),
    ("nft accept", "accept", Cut::Nft(&["accept"])),
    ("nft drop", "drop", Cut::Nft(&["drop"])),
    ("nft reject", "reject", Cut::Nft(&["reject"])),
    ("nft reset", "reset", Cut::Nft(&["tcp reset"])),
    ("nft jump", "jump", Cut::Nft(&["jump"])),
    ("nft goto", "goto", Cut::Nft(&["goto"])),
    ("nft return", "return", Cut::Nft(&["return"])),
    ("nft mark set", "mark set", Cut::Nft(&["meta mark set"])),
    ("nft mark map", "mark map", Cut::Nft(&["map @marks"])),
    ("nft verdict map", "vmap", Cut::Nft(&["vmap {"])),
    ("nft state map", "state vmap", Cut::Nft(&["ct state vmap"])),
    ("nft named verdict map", "named vmap", Cut::Nft(&["vmap @"])),
    ("nft concatenated map", "concat vmap", Cut::Nft(&["dport vmap { 10", "dport vmap { fd"])),
    ("nft notrack", "notrack", Cut::Nft(&["notrack"])),
    ("nft snat", "snat", Cut::Nft(&["snat"])),
    ("nft dnat", "dnat", Cut::Nft(&["dnat "])),
    ("nft dnat by map", "dnat map", Cut::Nft(&["daddr map"])),
    ("nft masquerade", "masquerade", Cut::Nft(&["masquerade"])),
    ("nft redirect", "redirect", Cut::Nft(&["redirect"])),
    ("nft policy", "policy", Cut::Policies(|table| table.owner == Owner::Nft)),
    ("iptables source", "source", Cut::Ipt(&[" -s "])),
    ("iptables not", "source not", Cut::Ipt(&[" ! "])),
    ("iptables destination", "destination", Cut::Ipt(&[" -d "])),
    ("iptables ctstate", "ctstate", Cut::Ipt(&["--ctstate"])),
    ("iptables ctorigdst", "origdst", Cut::Ipt(&["--ctorigdst"])),
    ("iptables ctdir", "ctdir", Cut::Ipt(&["--ctdir"])),
    ("iptables mark", "mark match", Cut::Ipt(&["-m mark"])),
    ("iptables connmark", "connmark", Cut::Ipt(&["-m connmark"])),
    ("iptables addrtype", "dst-type", Cut::Ipt(&["addrtype"])),
    ("iptables iprange", "iprange", Cut::Ipt(&["iprange"])),
    ("iptables length", "length match", Cut::Ipt(&["-m length"])),
    ("iptables dscp", "dscp match", Cut::Ipt(&["-m dscp"])),
    ("iptables hops", "hops", Cut::Ipt(&["-m ttl", "-m hl"])),
    ("iptables in", "in", Cut::Ipt(&[" -i "])),
    ("iptables in like", "in like", Cut::Ipt(&["-i a+", "-i b+", "-i eth+"])),
    ("iptables mac", "mac", Cut::Ipt(&["-m mac"])),
    ("iptables pkttype", "pkt-type", Cut::Ipt(&["pkttype"])),
    ("iptables out", "out", Cut::Ipt(&[" -o "])),
    ("iptables protocol", "proto", Cut::Ipt(&[" -p "])),
    ("iptables port", "dport", Cut::Ipt(&["--dport "])),
    ("iptables multiport", "multiport", Cut::Ipt(&["multiport"])),
    ("iptables tcp-flags", "tcp-flags", Cut::Ipt(&["--tcp-flags"])),
    ("iptables icmp type", "icmp-type", Cut::Ipt(&["--icmp"])),
    ("iptables ACCEPT", "ACCEPT", Cut::Ipt(&["-j ACCEPT"])),
    ("iptables DROP", "DROP", Cut::Ipt(&["-j DROP"])),
    ("iptables REJECT", "REJECT", Cut::Ipt(&["-j REJECT"])),
    ("iptables reset", "RESET", Cut::Ipt(&["tcp-reset"])),
    ("iptables RETURN", "RETURN", Cut::Ipt(&["-j RETURN"])),
    ("iptables jump", "-j", Cut::Ipt(&["-j H"])),
    ("iptables goto", "-g", Cut::Ipt(&["-g H"])),
    ("iptables MARK", "MARK", Cut::Ipt(&["-j MARK"])),
    ("iptables CONNMARK", "CONNMARK", Cut::Ipt(&["-j CONNMARK"])),
    ("iptables NOTRACK", "NOTRACK", Cut::Ipt(&["notrack", "NOTRACK"])),
    ("iptables DSCP", "DSCP", Cut::Ipt(&["-j DSCP"])),
    ("iptables SNAT", "SNAT", Cut::Ipt(&["-j SNAT"])),
    ("iptables DNAT", "DNAT", Cut::Ipt(&["-j DNAT"])),
    ("iptables NETMAP", "NETMAP", Cut::Ipt(&["-j NETMAP"])),
    ("iptables MASQUERADE", "MASQUERADE", Cut::Ipt(&["-j MASQUERADE"])),
    ("iptables REDIRECT", "REDIRECT", Cut::Ipt(&["-j REDIRECT"])),
    ("iptables policy", "POLICY", Cut::Policies(|table| table.owner != Owner::Nft)),
    ("iptables raw", "table raw", Cut::Tables(|table| table.owner != Owner::Nft && table.name == "raw")),
    (
        "iptables mangle",
        "table mangle",
        Cut::Tables(|table| table.owner != Owner::Nft && table.name == "mangle"),
    ),
    ("iptables nat", "DNAT", Cut::Tables(|table| table.owner != Owner::Nft && table.name == "nat")),
    (
        "iptables filter",
        "table filter",
        Cut::Tables(|table| table.owner != Owner::Nft && table.name == "filter"),
    ),
    ("priorities", "priority", Cut::Order),
    ("family ip", "accept", Cut::Tables(|table| table.family == "ip")),
    ("family ip6", "accept", Cut::Tables(|table| table.family == "ip6")),
    ("family inet", "accept", Cut::Tables(|table| table.family == "inet")),
    ("iptables-nft", "DROP", Cut::Tables(|table| table.owner == Owner::IptablesNft)),
    ("iptables-legacy", "DROP", Cut::Tables(|table| table.owner == Owner::IptablesLegacy)),
    ("prerouting", "drop", Cut::Chains(|base| hook(base, "Prerouting"))),
    ("input", "drop", Cut::Chains(|base| hook(base, "Input"))),
    ("forward", "drop", Cut::Chains(|base| hook(base, "Forward"))),
    ("output", "drop", Cut::Chains(|base| hook(base, "Output"))),
    ("postrouting", "drop", Cut::Chains(|base| hook(base, "Postrouting"))),
    ("before conntrack", "raw", Cut::Chains(|base| base.priority < -200)),
    ("route chains", "route", Cut::Chains(|base| base.kind == "route")),
];

fn hook(base: &Base, name: &str) -> bool {
    base.hook.is_some_and(|hook| format!("{hook:?}") == name)
}

/// What the packet of this place should be about, as the generators call it: each place goes round all features, every
/// round in other company.
pub(super) fn star(seed: u64, place: u64) -> &'static str {
    let (round, count) = (seed / FEATURES.len() as u64, FEATURES.len() as u64);
    FEATURES[((seed + place * (41 + 7 * round)) % count) as usize].1
}

/// In how many sets each feature decided.
pub(super) struct Features {
    counts: Vec<u32>,
}

impl Default for Features {
    fn default() -> Self {
        Self { counts: vec![0; FEATURES.len()] }
    }
}

impl Features {
    /// What decides for at least one of these packets; taken away, its fate is another.
    pub(super) fn count(&mut self, rules: &Ruleset, fates: &[(Packet, Fate)]) {
        for ((_, _, cut), count) in FEATURES.iter().zip(&mut self.counts) {
            let less = without(rules, *cut);
            let sure = fates.iter().filter(|(_, fate)| !matches!(fate, Fate::Unsure(_)));
            if less != *rules && sure.clone().any(|(start, fate)| foretell(&less, start).fate != *fate) {
                *count += 1;
            }
        }
    }

    /// Adds those of other sets.
    pub(super) fn add(&mut self, more: &Self) {
        self.counts.iter_mut().zip(&more.counts).for_each(|(count, more)| *count += more);
    }

    /// The counts, for people.
    pub(super) fn told(&self) -> String {
        let words = FEATURES.iter().zip(&self.counts).map(|((name, ..), count)| format!("{name} {count}"));
        words.collect::<Vec<_>>().join(", ")
    }

    /// Features that decided in less than one of a hundred.
    pub(super) fn rare(&self, of: u16) -> Vec<String> {
        let rare = FEATURES.iter().zip(&self.counts).filter(|(_, count)| **count * 100 < u32::from(of));
        rare.map(|((name, ..), count)| format!("{name}: {count}")).collect()
    }
}

fn without(rules: &Ruleset, cut: Cut) -> Ruleset {
    let mut less = rules.clone();
    let has = |rule: &Rule, needles: &[&str]| needles.iter().any(|needle| rule.text.contains(needle));
    match cut {
        Cut::Tables(like) => less.tables.retain(|table| !like(table)),
        Cut::Nft(needles) => {
            for table in less.tables.iter_mut().filter(|table| table.owner == Owner::Nft) {
                table.chains.iter_mut().for_each(|chain| chain.rules.retain(|rule| !has(rule, needles)));
            }
        }
        Cut::Ipt(needles) => {
            for table in less.tables.iter_mut().filter(|table| table.owner != Owner::Nft) {
                table.chains.iter_mut().for_each(|chain| chain.rules.retain(|rule| !has(rule, needles)));
            }
        }
        Cut::Chains(like) => {
            for table in &mut less.tables {
                table.chains.retain(|chain| !chain.base.as_ref().is_some_and(like));
            }
        }
        Cut::Order => {
            let bases =
                less.tables.iter_mut().flat_map(|t| &mut t.chains).filter_map(|chain| chain.base.as_mut());
            // Conntrack keeps its place.
            bases.filter(|base| base.priority > -200).for_each(|base| base.priority = -base.priority);
        }
        Cut::Policies(of) => {
            for table in less.tables.iter_mut().filter(|table| of(table)) {
                let bases = table.chains.iter_mut().filter_map(|chain| chain.base.as_mut());
                bases.for_each(|base| base.policy = Say::Accept);
            }
        }
    }
    less
}
