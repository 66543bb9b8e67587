//! What the walk cannot follow, it does not guess: an order that no listing tells, what one tool hides, and statements
//! that hand a packet elsewhere.

use flanctl::firewall::{Ct, Hook, Outcome, Packet, Ruleset, Verdict, nft, walk};
use flanctl::kernel::rules;

use super::yard::{feed, sh};
use crate::support::netns::{fresh, ip};

/// A SYN to port 80.
fn syn() -> Packet {
    let mut packet = Packet::new("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap(), 6);
    (packet.sport, packet.dport) = (Some(4000), Some(80));
    (packet.iif, packet.oif) = (Some("a0".into()), Some("b0".into()));
    packet
}

/// What the rules of one hook do, as the tools of a fresh namespace list them.
fn with(prepare: &'static str, hook: Hook) -> (Outcome, Ruleset) {
    fresh(move || {
        ip("link add a0 type veth peer name b0");
        sh(prepare);
        let read = rules::read();
        (walk(&read, hook, &syn()), read)
    })
}

fn nft(text: &'static str, hook: Hook) -> Outcome {
    fresh(move || {
        ip("link add a0 type veth peer name b0");
        feed("nft", &["-f", "-"], text);
        let read = rules::read();
        assert!(read.unseen.is_empty(), "{:?}", read.unseen);
        walk(&read, hook, &syn())
    })
}

/// What nft would list, where this kernel cannot hold it.
fn listed(rules: &str, packet: &Packet) -> Outcome {
    let listing = format!(
        r#"{{"nftables": [{{"table": {{"family": "inet", "name": "t", "handle": 1}}}},
        {{"chain": {{"family": "inet", "table": "t", "name": "c", "handle": 1, "type": "filter", "hook": "forward",
          "prio": 0, "policy": "accept"}}}}, {rules}]}}"#
    );
    let tables = nft::parse(&listing).unwrap();
    walk(&Ruleset { tables, unseen: Vec::new() }, Hook::Forward, packet)
}

fn rule(statements: &str) -> String {
    format!(
        r#"{{"rule": {{"family": "inet", "table": "t", "chain": "c", "handle": 2, "expr": [{statements}]}}}}"#
    )
}

#[track_caller]
fn unsure(outcome: &Outcome, quoted: &str) {
    let Verdict::Unsure(why) = &outcome.verdict else { panic!("{outcome:?}") };
    assert!(why.iter().any(|why| why.contains(quoted)), "{why:?} without {quoted}");
}

#[test]
fn the_ends_of_a_device_are_asked_first_and_last() {
    let ingress = "table netdev t { chain p { type filter hook ingress device a0 priority -500; tcp dport 80 drop; }; }";
    assert_eq!(nft(ingress, Hook::Prerouting).verdict, Verdict::Drop);
    assert_eq!(nft(ingress, Hook::Forward).verdict, Verdict::Accept);
    let other = "table inet t { chain p { type filter hook ingress devices = { b0 } priority 0; drop; }; }";
    assert_eq!(nft(other, Hook::Prerouting).verdict, Verdict::Accept);
    let egress = "table netdev t { chain p { type filter hook egress device b0 priority 0; ip saddr 10.0.0.1 drop; }; }";
    assert_eq!(nft(egress, Hook::Postrouting).verdict, Verdict::Drop);
    let copied = "table netdev t { chain p { type filter hook ingress device a0 priority 0; dup to lo; }; }";
    assert_eq!(nft(copied, Hook::Prerouting).verdict, Verdict::Accept);
    let sent = "table netdev t { chain p { type filter hook ingress device a0 priority 0; tcp dport 80 fwd to lo; }; }";
    unsure(&nft(sent, Hook::Prerouting), "fwd");
}

#[test]
fn a_bridges_rules_may_stop_what_may_come_over_a_bridge() {
    let bridge =
        "table bridge t { chain p { type filter hook prerouting priority -300; tcp dport 80 drop; }; }";
    unsure(&nft(bridge, Hook::Prerouting), "tcp dport 80 drop");
    unsure(&nft(bridge, Hook::Prerouting), "table bridge t is asked of what a bridge carries");
    assert_eq!(nft(bridge, Hook::Forward).verdict, Verdict::Accept);
    let others =
        "table bridge t { chain p { type filter hook prerouting priority -300; tcp dport 81 drop; }; }";
    assert_eq!(nft(others, Hook::Prerouting).verdict, Verdict::Accept);
    let port = "table bridge t { chain p { type filter hook output priority 0; oifname \"veth9\" drop; }; }";
    unsure(&nft(port, Hook::Postrouting), "veth9");
}

#[test]
fn a_packet_that_is_handed_elsewhere_is_unsure() {
    let proxy = "table inet t { chain p { type filter hook prerouting priority mangle; tcp dport 80 tproxy ip to :50080; }; }";
    unsure(&nft(proxy, Hook::Prerouting), "tproxy");
    let answered = "table inet t { chain p { type filter hook input priority 0; tcp dport 80 synproxy mss 1460 wscale 7; }; }";
    unsure(&nft(answered, Hook::Input), "synproxy");
    let untracked = "table inet t { chain a { type filter hook prerouting priority raw; notrack; }
        chain b { type filter hook prerouting priority 0; ct state untracked drop; }; }";
    assert_eq!(nft(untracked, Hook::Prerouting).verdict, Verdict::Drop);
    unsure(&listed(&rule(r#"{"queue": {"num": 3}}"#), &syn()), "queue");
    assert_eq!(listed(&rule(r#"{"secmark": "ssh"}"#), &syn()).verdict, Verdict::Accept);
    let rules = [rule(r#"{"flow": {"op": "add", "flowtable": "@ft"}}"#), rule(r#"{"drop": null}"#)].join(",");
    assert_eq!(listed(&rules, &syn()).verdict, Verdict::Drop);
    let mut later = syn();
    later.ct = Ct::Established;
    unsure(&listed(&rules, &later), "flow");
    assert_eq!(
        listed(&rule(r#"{"flow": {"op": "add", "flowtable": "@ft"}}"#), &later).verdict,
        Verdict::Accept
    );
}

#[test]
fn an_order_that_no_listing_tells_is_unsure_where_it_matters() {
    let marked = "table ip a { chain c { type filter hook forward priority 0; meta mark set 7; }; }
        table ip b { chain c { type filter hook forward priority 0; meta mark 7 drop; }; }";
    unsure(&nft(marked, Hook::Forward), "which comes first at priority 0: ip a c, ip b c");
    let either = "table ip a { chain c { type filter hook forward priority 0; drop; }; }
        table ip b { chain c { type filter hook forward priority 0; accept; }; }";
    assert_eq!(nft(either, Hook::Forward).verdict, Verdict::Drop);
    let refusal = "table ip a { chain c { type filter hook forward priority 0; drop; }; }
        table ip b { chain c { type filter hook forward priority 0; reject; }; }";
    unsure(&nft(refusal, Hook::Forward), "which comes first");
    let (legacy, _) = with(
        "nft 'add table ip a; add chain ip a c { type filter hook forward priority 0; }; add rule ip a c meta mark set 7'
         iptables-legacy -A FORWARD -m mark --mark 7 -j DROP",
        Hook::Forward,
    );
    unsure(&legacy, "which comes first at priority 0");
}

#[test]
fn what_iptables_calls_incompatible_is_unseen() {
    let (outcome, read) = with(
        "iptables-nft -A FORWARD -m string --string foo --algo bm -j DROP
         nft 'add rule ip filter FORWARD fib daddr type local drop'",
        Hook::Forward,
    );
    assert_eq!(read.unseen.len(), 1, "{:?}", read.unseen);
    unsure(&outcome, "extensions of iptables in table ip filter are not seen");
    unsure(&outcome, "xt match string");
    // Without extensions of iptables, nft shows all of it.
    let (outcome, read) = with(
        "iptables-nft -A FORWARD -s 10.0.0.1 -j DROP; nft 'add rule ip filter FORWARD fib daddr type local drop'",
        Hook::Forward,
    );
    assert_eq!((outcome.verdict, read.unseen), (Verdict::Drop, Vec::new()));
}

#[test]
fn what_iptables_save_leaves_out_of_its_own_tables_is_seen() {
    // iptables-nft-save prints `-A FORWARD -p tcp -j DROP` for the second, and `-A FORWARD -j DROP` for the third.
    let (outcome, read) = with(
        "iptables-nft -A FORWARD -m string --string foo --algo bm
         nft 'add rule ip filter FORWARD tcp dport { 22, 23 } drop'
         nft 'add set ip filter s { type ipv4_addr; elements = { 10.0.0.77 }; }'
         nft 'add rule ip filter FORWARD ip saddr @s drop'",
        Hook::Forward,
    );
    assert_eq!((outcome.verdict, read.unseen), (Verdict::Accept, Vec::new()));
    let (outcome, _) = with(
        "iptables-nft -A FORWARD -m string --string foo --algo bm -j ACCEPT
         nft 'add chain ip filter mine { type filter hook forward priority 10; policy drop; }'",
        Hook::Forward,
    );
    assert_eq!(outcome.verdict, Verdict::Drop);
    assert_eq!(outcome.by.unwrap().chain, "mine");
}
