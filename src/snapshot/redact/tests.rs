//! Names in text, rules that mean a range or the beginning of a name, and what a map shows.

use super::{Key, Redacted, redact};
use crate::firewall::iptables::parse;
use crate::firewall::{Owner, Ruleset};
use crate::snapshot::Snapshot;
use crate::state::{Link, Pod, State};

fn node(rules: &str) -> Snapshot {
    let link = |index| Link { index, mac: "52:54:00:12:34:56".parse().ok(), ..Link::default() };
    let links =
        [("eth0", 1), ("acme0", 2), ("acme1", 3)].map(|(dev, index)| (dev.parse().unwrap(), link(index)));
    let facts = [
        ("sysctl:net.ipv4.conf.acme0.rp_filter", "1"),
        ("file:/run/flannel/subnet.env", "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\n"),
    ];
    let state = State {
        links: links.into(),
        facts: facts.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        firewall: Some(Ruleset { tables: parse(rules, "ip", Owner::IptablesNft), unseen: Vec::new() }),
        ..State::default()
    };
    // A pod's own rules hide as the node's do.
    let inside = State { firewall: state.firewall.clone(), ..State::default() };
    let aliases = vec!["pid 12".to_owned()];
    let shop = Pod { name: "acme/shop-0".to_owned(), aliases, state: inside, ..Pod::default() };
    Snapshot {
        host: "db1.acme.example".to_owned(),
        at: std::time::UNIX_EPOCH,
        netns: "4026531840".to_owned(),
        state,
        leases: None,
        own: None,
        config: Some(
            r#"{"Network":"10.244.0.0/16","SubnetMin":"10.244.9.0","Backend":{"Type":"vxlan"},"x":"acme"}"#
                .to_owned(),
        ),
        uplink: None,
        pods: vec![shop],
        kernel: "6.1.0".to_owned(),
        version: "0.1.0".to_owned(),
        unseen: vec![
            "the inside of acme/shop-0 on db1.acme.example (10.244.1.7) could not be read".to_owned(),
        ],
    }
}

fn redacted(rules: &str) -> Redacted {
    redact(node(&format!("*filter\n:FORWARD ACCEPT [0:0]\n{rules}\nCOMMIT\n")), Key::new([11; 16]), None)
}

#[test]
fn nothing_that_somebody_chose_is_left_anywhere() {
    let done = redacted(
        "-A FORWARD -i acme0 -s 10.244.1.7/32 -m comment --comment \"acme shop\" -j ACCEPT\n\
         -A FORWARD -m mac --mac-source 52:54:00:12:34:56 -j LOG --log-prefix \"acme: \"",
    );
    let text = done.snapshot.encode().unwrap();
    for old in ["acme", "shop", "db1", "10.244.", "52:54:00:12:34:56"] {
        assert!(!text.contains(old), "{old} in {text}");
    }
    assert!(text.contains("eth0") && text.contains("pid 12"), "{text}");
    for word in ["db1.acme.example", "acme0", "10.244.1.7", "52:54:00:12:34:56"] {
        assert!(done.map.pairs.contains_key(word), "{word} is not in the map");
    }
    assert!(!done.map.leaks());
}

#[test]
fn the_comment_by_which_flannel_knows_its_rules_stays() {
    let text = redacted("-A FORWARD -s 10.244.0.0/16 -m comment --comment \"flanneld forward\" -j ACCEPT");
    assert!(text.snapshot.encode().unwrap().contains("flanneld forward"));
}

#[test]
fn a_fact_about_a_device_is_found_under_the_devices_new_name() {
    let Redacted { snapshot, map } = redacted("");
    let dev = &map.pairs["acme0"];
    assert_eq!(snapshot.state.fact(&format!("sysctl:net.ipv4.conf.{dev}.rp_filter")), Some("1"));
    assert!(snapshot.state.links.contains_key(&dev.parse().unwrap()));
}

#[test]
fn the_config_and_what_was_written_from_it_still_agree() {
    let Redacted { snapshot, .. } = redacted("");
    let network = snapshot.conf().unwrap().v4.unwrap().network;
    let env = snapshot.state.fact("file:/run/flannel/subnet.env").unwrap();
    assert!(env.contains(&format!("FLANNEL_NETWORK={network}\n")), "{env}");
    assert!(env.ends_with(".1/24\n"), "{env}");
}

#[test]
fn a_name_that_is_meant_by_its_beginning_is_meant_still() {
    let Redacted { snapshot, map } = redacted("-A FORWARD -i acme+ -j DROP");
    let text = serde_json::to_string(&snapshot.state.firewall).unwrap();
    assert!(text.contains(&map.pairs["acme0"]) && text.contains(&map.pairs["acme1"]), "{text}");
}

#[test]
fn under_one_key_two_nodes_get_the_same_words() {
    let (a, b) = (redacted(""), redacted("-A FORWARD -s 10.244.1.7/32 -j DROP"));
    for (old, new) in &a.map.pairs {
        assert_eq!(b.map.pairs.get(old), Some(new));
    }
}
