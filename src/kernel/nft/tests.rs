//! nft's text against the published golden text, and its listings read back.

use super::*;
use crate::net::Subnet;
use crate::overlay::masq::{Ask, rulesets};

fn wanted(ip_masq: bool, forward: bool) -> Vec<Ruleset> {
    let network: Subnet = "10.244.0.0-16&fd00:10:244::-48".parse().unwrap();
    let own: Subnet = "10.244.1.0-24&fd00:10:244:1::-64".parse().unwrap();
    rulesets(&network, &own, Ask { ip_masq, forward, fully_random: true })
}

const GOLDEN_V4: &str = r#"add table ip flannel-ipv4
delete table ip flannel-ipv4
table ip flannel-ipv4 {
	comment "rules for flannel-ipv4"
	chain forward {
		comment "chain to accept flannel traffic"
		type filter hook forward priority filter; policy accept;
		ip saddr 10.244.0.0/16 accept
		ip daddr 10.244.0.0/16 accept
	}
	chain postrtg {
		comment "chain to manage traffic masquerading by flannel"
		type nat hook postrouting priority srcnat; policy accept;
		meta mark 0x00004000 return
		ip saddr 10.244.1.0/24 ip daddr 10.244.0.0/16 return
		ip saddr 10.244.0.0/16 ip daddr 10.244.1.0/24 return
		ip saddr != 10.244.0.0/16 ip daddr 10.244.1.0/24 return
		ip saddr 10.244.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random
		ip saddr != 10.244.0.0/16 ip daddr 10.244.0.0/16 masquerade fully-random
	}
}
"#;

#[test]
fn both_families_read_as_the_golden_text() {
    let sets = wanted(true, true);
    assert_eq!(replace(&sets[0]), GOLDEN_V4);
    let v6 = GOLDEN_V4
        .replace("table ip ", "table ip6 ")
        .replace("flannel-ipv4", "flannel-ipv6")
        .replace("ip saddr", "ip6 saddr")
        .replace("ip daddr", "ip6 daddr")
        .replace("10.244.0.0/16", "fd00:10:244::/48")
        .replace("10.244.1.0/24", "fd00:10:244:1::/64")
        .replace("224.0.0.0/4", "ff00::/8");
    assert_eq!(replace(&sets[1]), v6);
}

#[test]
fn a_part_that_is_not_wanted_has_no_chain() {
    for (ip_masq, forward) in [(true, false), (false, true), (false, false)] {
        let text = replace(&wanted(ip_masq, forward)[0]);
        assert_eq!(text.contains("chain postrtg"), ip_masq, "{text}");
        assert_eq!(text.contains("chain forward"), forward, "{text}");
    }
    assert_eq!(replace(&wanted(false, false)[0]), remove(Family::V4));
}

/// What nft 1.0.6 lists of the forward half.
fn listing(rules: &[&str]) -> String {
    let mut text = r#"{"nftables": [{"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
        {"table": {"family": "ip", "name": "flannel-ipv4", "handle": 4}},
        {"chain": {"family": "ip", "table": "flannel-ipv4", "name": "forward", "handle": 1, "type": "filter",
                   "hook": "forward", "prio": 0, "policy": "accept"}}"#
        .to_owned();
    for rule in rules {
        text += &format!(
            r#",{{"rule": {{"family": "ip", "table": "flannel-ipv4", "chain": "forward", "handle": 3, "expr": {rule}}}}}"#
        );
    }
    text + "]}"
}

fn accept(field: &str) -> String {
    format!(
        r#"[{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "ip", "field": "{field}"}}}},
             "right": {{"prefix": {{"addr": "10.244.0.0", "len": 16}}}}}}}}, {{"accept": null}}]"#
    )
}

#[test]
fn a_listing_is_compared_rule_by_rule_and_in_order() {
    let want = &wanted(false, true)[0];
    let (src, dst) = (accept("saddr"), accept("daddr"));
    let drop = r#"[{"drop": null}]"#;
    for (rules, same) in [
        (vec![src.as_str(), dst.as_str()], true),
        (vec![dst.as_str(), src.as_str()], false),
        (vec![src.as_str()], false),
        (vec![src.as_str(), dst.as_str(), drop], false),
        (vec![drop, dst.as_str()], false),
        (vec![], false),
    ] {
        let got = present(&listing(&rules), want).unwrap();
        assert_eq!(got == Presence::Same, same, "{got:?}");
    }
    assert_eq!(present(r#"{"nftables": []}"#, want).unwrap(), Presence::Absent);
    let moved = listing(&[&src, &dst]).replace(r#""prio": 0"#, r#""prio": -10"#);
    assert_eq!(present(&moved, want).unwrap(), Presence::Differs("chain forward hooks in elsewhere".into()));
    let extra = present(&listing(&[&src, &dst]), &wanted(true, true)[0]).unwrap();
    assert_eq!(extra, Presence::Differs("chain postrtg is missing".into()));
    assert!(present("not json", want).is_err());
}

#[test]
fn flags_are_read_as_a_word_and_as_a_list() {
    for (json, want) in [
        (r#"{"masquerade": {"flags": "fully-random"}}"#, Some(true)),
        (r#"{"masquerade": {"flags": ["fully-random"]}}"#, Some(true)),
        (r#"{"masquerade": null}"#, Some(false)),
        (r#"{"masquerade": {"flags": ["random", "fully-random"]}}"#, None),
        (r#"{"masquerade": {"flags": "random"}}"#, None),
        (r#"{"masquerade": {"port": 7}}"#, None),
    ] {
        let got = verdict(&serde_json::from_str(json).unwrap());
        assert_eq!(got, want.map(|fully_random| Verdict::Masquerade { fully_random }), "{json}");
    }
}

#[test]
fn our_tables_are_found_among_others() {
    let json = r#"{"nftables": [{"metainfo": {}}, {"table": {"family": "ip", "name": "nat"}},
        {"table": {"family": "inet", "name": "flannel-ipv4"}}, {"table": {"family": "ip6", "name": "flannel-ipv6"}}]}"#;
    assert_eq!(ours_among(json).unwrap(), vec![Family::V6]);
}
