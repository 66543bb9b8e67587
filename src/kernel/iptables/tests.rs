//! iptables' text against the published golden text, and every way a table can be off.

use proptest::prelude::*;

use super::*;
use crate::net::Subnet;
use crate::overlay::masq::{Ask, rulesets};

fn wanted() -> Vec<Ruleset> {
    let network: Subnet = "10.244.0.0-16&fd00:10:244::-48".parse().unwrap();
    let own: Subnet = "10.244.1.0-24&fd00:10:244:1::-64".parse().unwrap();
    rulesets(&network, &own, Ask { ip_masq: true, forward: true, fully_random: true })
}

const BOOTSTRAP: &str = r#"*nat
:FLANNEL-POSTRTG - [0:0]
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.244.1.0/24 -d 10.244.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.244.0.0/16 -d 10.244.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
COMMIT
*filter
:FLANNEL-FWD - [0:0]
-A FLANNEL-FWD -s 10.244.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.244.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
COMMIT
"#;

#[test]
fn a_first_bootstrap_is_one_transaction_of_appends_as_the_golden_text() {
    let sets = wanted();
    assert_eq!(repair(&Saved::default(), &sets[0]).unwrap().text, BOOTSTRAP);
    let v6 = BOOTSTRAP
        .replace("10.244.0.0/16", "fd00:10:244::/48")
        .replace("10.244.1.0/24", "fd00:10:244:1::/64")
        .replace("224.0.0.0/4", "ff00::/8");
    assert_eq!(repair(&Saved::default(), &sets[1]).unwrap().text, v6);
}

#[test]
fn what_is_already_right_needs_no_transaction() {
    assert_eq!(repair(&Saved::parse(BOOTSTRAP), &wanted()[0]), None);
}

#[test]
fn every_fault_is_found_and_only_the_table_at_fault_is_rewritten() {
    let masq = r#"-m comment --comment "flanneld masq""#;
    let jump = format!("-A POSTROUTING {masq} -j FLANNEL-POSTRTG\n");
    let last = format!(
        "-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.0.0/16 {masq} -j MASQUERADE --random-fully\n"
    );
    let first = format!("-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 {masq} -j RETURN\n");
    for (broken, said) in [
        (BOOTSTRAP.replace(&last, ""), "chain FLANNEL-POSTRTG has 5 rules, not 6"),
        (
            BOOTSTRAP.replace(&first, "").replace(&last, &(last.clone() + &first)),
            "rule 1 of chain FLANNEL-POSTRTG is another",
        ),
        (
            BOOTSTRAP.replace("! -s 10.244.0.0/16 -d 10.244.1", "-d 10.244.1"),
            "rule 4 of chain FLANNEL-POSTRTG is another",
        ),
        (BOOTSTRAP.replace(" --random-fully", ""), "rule 5 of chain FLANNEL-POSTRTG is another"),
        (BOOTSTRAP.replace(&jump, ""), "POSTROUTING does not lead to FLANNEL-POSTRTG"),
        (BOOTSTRAP.replace(&jump, &jump.repeat(2)), "POSTROUTING leads to FLANNEL-POSTRTG 2 times"),
        (
            BOOTSTRAP.replace(&jump, "-A POSTROUTING -o eth0 -j FLANNEL-POSTRTG\n"),
            "the jump from POSTROUTING to FLANNEL-POSTRTG has another condition",
        ),
        (BOOTSTRAP.replace("10.244.1.0/24", "10.244.9.0/24"), "rule 2 of chain FLANNEL-POSTRTG is another"),
    ] {
        let got = repair(&Saved::parse(&broken), &wanted()[0]).expect(said);
        assert_eq!(got.found, [said]);
        assert!(!got.text.contains("*filter"), "{}", got.text);
        assert_eq!(got.text.matches("-A FLANNEL-POSTRTG").count(), 6, "{}", got.text);
    }
}

#[test]
fn the_jump_in_forward_stands_after_kube_and_docker_and_before_a_refusal() {
    const OURS: &str = r#"-m comment --comment "flanneld forward" -j FLANNEL-FWD"#;
    let table = |forward: &[&str]| {
        let mut text = BOOTSTRAP
            .replace(&format!("-A FORWARD {OURS}\n"), "")
            .replace("COMMIT\n*filter", "COMMIT\n*filter\n:FORWARD DROP [0:0]");
        for rule in forward {
            text = text.replacen("-A FLANNEL-FWD -s", &format!("-A FORWARD {rule}\n-A FLANNEL-FWD -s"), 1);
        }
        Saved::parse(&text)
    };
    let (kube, docker, reject) =
        ("-j KUBE-FORWARD", "-j DOCKER-USER", "-j REJECT --reject-with icmp-host-prohibited");
    let reject_lo = "-i lo -j REJECT";
    for (forward, lines) in [
        (vec![kube, docker], vec![format!("-A FORWARD {OURS}")]),
        (vec![kube, docker, reject], vec![format!("-I FORWARD 3 {OURS}")]),
        (vec![kube, reject_lo, docker], vec![format!("-A FORWARD {OURS}")]),
        (vec![reject], vec![format!("-I FORWARD 1 {OURS}")]),
        (vec![kube, reject, OURS], vec![format!("-D FORWARD {OURS}"), format!("-I FORWARD 2 {OURS}")]),
        (vec![OURS, kube, reject], vec![format!("-D FORWARD {OURS}"), format!("-I FORWARD 2 {OURS}")]),
        (vec![OURS, docker], vec![format!("-D FORWARD {OURS}"), format!("-A FORWARD {OURS}")]),
        (
            vec![reject, OURS, OURS],
            vec![format!("-D FORWARD {OURS}"), format!("-D FORWARD {OURS}"), format!("-I FORWARD 1 {OURS}")],
        ),
        // Right as they are: nothing to do. Strangers may come after us, kube-proxy behind a wall is lost anyway.
        (vec![kube, OURS, reject], vec![]),
        (vec![OURS, "-j CNI-FORWARD"], vec![]),
        (vec![OURS, reject, kube], vec![]),
    ] {
        let got = repair(&table(&forward), &wanted()[0]).map_or(String::new(), |r| r.text);
        let got: Vec<_> = got.lines().filter(|l| l.contains(" FORWARD ")).collect();
        assert_eq!(got, lines, "{forward:?}");
    }
}

#[test]
fn a_teardown_deletes_each_rule_once_and_jumps_before_chains() {
    let text = teardown(&Saved::parse(BOOTSTRAP)).unwrap();
    let (nat, filter) = text.split_once("*filter").unwrap();
    assert_eq!(nat.matches("-D ").count(), 7, "{nat}");
    assert_eq!(filter.matches("-D ").count(), 3, "{filter}");
    assert!(nat.starts_with("*nat\n-D POSTROUTING "), "{nat}");
    assert!(nat.ends_with("-X FLANNEL-POSTRTG\nCOMMIT\n"), "{nat}");
    assert_eq!(teardown(&Saved::default()), None);
    let partial = "*nat\n:FLANNEL-POSTRTG - [0:0]\nCOMMIT\n";
    assert_eq!(teardown(&Saved::parse(partial)).unwrap(), "*nat\n-X FLANNEL-POSTRTG\nCOMMIT\n");
}

#[test]
fn a_part_that_is_no_longer_wanted_goes() {
    let mut want = wanted().remove(0);
    want.masquerade.clear();
    let got = repair(&Saved::parse(BOOTSTRAP), &want).unwrap();
    assert!(
        got.text.ends_with("-X FLANNEL-POSTRTG\nCOMMIT\n") && !got.text.contains("*filter"),
        "{}",
        got.text
    );
    assert!(repair(&Saved::default(), &want).unwrap().text.starts_with("*filter"));
}

/// Plays `iptables-restore --noflush` on a listing: good enough for what we write.
fn restore(listing: &str, transaction: &str) -> String {
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    let mut at = 0;
    for line in listing.lines().chain(transaction.lines()) {
        if line.starts_with('*') {
            at = tables.iter().position(|(name, _)| name == line).unwrap_or_else(|| {
                tables.push((line.to_owned(), Vec::new()));
                tables.len() - 1
            });
        } else if line != "COMMIT" {
            obey(&mut tables[at].1, line);
        }
    }
    let text = |(name, lines): &(String, Vec<String>)| format!("{name}\n{}\nCOMMIT\n", lines.join("\n"));
    tables.iter().map(text).collect()
}

fn obey(lines: &mut Vec<String>, line: &str) {
    let word = |n: usize| line.splitn(4, ' ').nth(n).unwrap_or_default().to_owned();
    let of_chain = |chain: &str| format!("-A {chain} ");
    match word(0).as_str() {
        "-A" => lines.push(line.to_owned()),
        "-D" => {
            let rule = line.replacen("-D", "-A", 1);
            let at = lines.iter().position(|l| *l == rule).expect("deletes only what is there");
            lines.remove(at);
        }
        "-I" => {
            let (nth, prefix) = (word(2).parse::<usize>().unwrap(), of_chain(&word(1)));
            let places: Vec<_> = (0..lines.len()).filter(|i| lines[*i].starts_with(&prefix)).collect();
            lines.insert(places[nth - 1], format!("{prefix}{}", word(3)));
        }
        "-X" => {
            assert!(!lines.iter().any(|l| l.starts_with(&of_chain(&word(1)))), "only an empty chain goes");
            lines.retain(|l| !l.starts_with(&format!(":{} ", word(1))));
        }
        _ => {
            let chain = word(0).trim_start_matches(':').to_owned();
            lines.retain(|l| !l.starts_with(&of_chain(&chain)) && !l.starts_with(&format!(":{chain} ")));
            lines.insert(0, line.to_owned());
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    let parent = prop::sample::select(vec!["FORWARD", "FORWARD", "POSTROUTING", "FLANNEL-FWD", "OTHER"]);
    let spec = prop::sample::select(vec![
        "-j KUBE-FORWARD",
        "-j DOCKER-USER",
        "-i docker0 -j ACCEPT",
        "-j REJECT --reject-with icmp-port-unreachable",
        "-j DROP",
        "-j OTHER",
        "-m comment --comment \"a b\" -j ACCEPT",
        "-m comment --comment \"flanneld forward\" -j FLANNEL-FWD",
        "-o eth0 -j FLANNEL-FWD",
        "-s 10.244.0.0/16 -m comment --comment \"flanneld forward\" -j ACCEPT",
    ]);
    (parent, spec).prop_map(|(parent, spec)| format!("-A {parent} {spec}\n"))
}

fn foreign(listing: &str) -> Vec<&str> {
    listing.lines().filter(|l| l.starts_with("-A") && !l.contains("FLANNEL")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_repair_is_enough_whatever_was_there_and_foreign_rules_keep_their_order(
        rules in prop::collection::vec(line(), 0..12)
    ) {
        let before = format!("*filter\n:FLANNEL-FWD - [0:0]\n:OTHER - [0:0]\n{}COMMIT\n", rules.concat());
        let want = wanted().remove(0);
        let text = repair(&Saved::parse(&before), &want).unwrap().text;
        let after = restore(&before, &text);
        prop_assert_eq!(repair(&Saved::parse(&after), &want), None, "{}", after);
        prop_assert_eq!(foreign(&before), foreign(&after));

        let gone = restore(&after, &teardown(&Saved::parse(&after)).unwrap());
        prop_assert_eq!(teardown(&Saved::parse(&gone)), None, "{}", gone);
        prop_assert_eq!(foreign(&before), foreign(&gone));
    }

    #[test]
    fn no_listing_makes_the_reader_stumble(text in "([*:A-Z \\\\\"\\[\\]j-]|-A |-j |\\n){0,80}") {
        let saved = Saved::parse(&text);
        let _ = (repair(&saved, &wanted()[0]), teardown(&saved));
    }
}
