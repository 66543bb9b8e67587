//! The firewall against the real programs: nft, iptables on nf_tables, and iptables-legacy, each test in a network
//! and mount namespace of its own thread. What the kernel holds is read by those programs' own listings.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail and start programs")]

mod traffic;

use std::process::Command;
use std::time::{Duration, Instant};

use flanctl::kernel::firewall::{Ensured, Firewall, FirewallError};
use flanctl::kernel::nftgen;
use flanctl::net::Subnet;
use flanctl::overlay::masq::{Ask, Ruleset, rulesets};
use nix::fcntl::{Flock, FlockArg};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

const BOTH: &str = "10.244.0.0-16&fd00:10:244::-48";
const OWN: &str = "10.244.1.0-24&fd00:10:244:1::-64";
const VARIANTS: [&str; 2] = ["-nft", "-legacy"];
const JUMP: &str = r#"-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD"#;

/// Runs `body` on a thread with an empty network namespace and a private /run (for xtables.lock).
fn scratch(body: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS)
            .expect("these tests need CAP_SYS_ADMIN: run as root or under unshare -Urmn");
        let (none, nothing): (Option<&str>, Option<&str>) = (None, None);
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).unwrap();
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), nothing).unwrap();
        body();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn wanted(network: &str, own: &str) -> Vec<Ruleset> {
    let (network, own): (Subnet, Subnet) = (network.parse().unwrap(), own.parse().unwrap());
    rulesets(&network, &own, Ask { ip_masq: true, forward: true, fully_random: true })
}

fn sh(line: &str) -> String {
    let out = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn changed(round: Result<Ensured, FirewallError>) -> bool {
    round.unwrap().changed
}

fn golden_nat(v6: bool) -> String {
    let text = r#"-N FLANNEL-POSTRTG
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s P -d N -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s N -d P -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s N -d P -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s N ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s N -d N -m comment --comment "flanneld masq" -j MASQUERADE --random-fully
"#;
    localise(text, v6)
}

fn golden_filter(v6: bool) -> String {
    let text = r#"-N FLANNEL-FWD
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-A FLANNEL-FWD -s N -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d N -m comment --comment "flanneld forward" -j ACCEPT
"#;
    localise(text, v6)
}

fn localise(text: &str, v6: bool) -> String {
    let (own, network) =
        if v6 { ("fd00:10:244:1::/64", "fd00:10:244::/48") } else { ("10.244.1.0/24", "10.244.0.0/16") };
    let text = ["-s", "-d", "saddr", "daddr", "!="].iter().fold(text.to_owned(), |text, before| {
        text.replace(&format!("{before} P "), &format!("{before} {own} "))
            .replace(&format!("{before} N "), &format!("{before} {network} "))
    });
    if v6 { text.replace("224.0.0.0/4", "ff00::/8") } else { text }
}

/// What `iptables -S` says of one table, without the policies of the built-in chains.
fn listed(program: &str, table: &str) -> String {
    let text = sh(&format!("{program} -t {table} -S"));
    text.lines().filter(|l| !l.starts_with("-P ")).map(|l| format!("{l}\n")).collect()
}

#[test]
fn iptables_lists_the_golden_text_and_a_second_round_writes_nothing() {
    for variant in VARIANTS {
        scratch(move || {
            let want = wanted(BOTH, OWN);
            let mut firewall = Firewall::iptables_variant(variant);
            assert!(changed(firewall.ensure(&want)), "{variant}");
            for (program, v6) in [("iptables", false), ("ip6tables", true)] {
                let program = format!("{program}{variant}");
                assert_eq!(listed(&program, "nat"), golden_nat(v6), "{program}");
                assert_eq!(listed(&program, "filter"), golden_filter(v6), "{program}");
            }
            // A new agent finds everything as it should be: no transaction.
            let mut second = Firewall::iptables_variant(variant);
            let before = nftgen::generation();
            let round = second.ensure(&want).unwrap();
            assert_eq!((round.changed, round.started), (false, 3), "{variant}: {round:?}");
            assert_eq!(nftgen::generation(), before, "{variant}");
        });
    }
}

#[test]
fn nft_lists_the_golden_text_and_a_second_round_writes_nothing() {
    scratch(|| {
        let want = wanted(BOTH, OWN);
        assert!(changed(Firewall::nft().ensure(&want)));
        for (family, v6) in [("ip", false), ("ip6", true)] {
            let table = format!("flannel-ipv{}", if v6 { 6 } else { 4 });
            let golden = format!(
                "table {family} {table} {{\n\tcomment \"rules for {table}\"\n\tchain forward {{
\t\tcomment \"chain to accept flannel traffic\"
\t\ttype filter hook forward priority filter; policy accept;
\t\tF saddr N accept
\t\tF daddr N accept
\t}}

\tchain postrtg {{
\t\tcomment \"chain to manage traffic masquerading by flannel\"
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tmeta mark 0x00004000 return
\t\tF saddr P F daddr N return
\t\tF saddr N F daddr P return
\t\tF saddr != N F daddr P return
\t\tF saddr N F daddr != 224.0.0.0/4 masquerade fully-random
\t\tF saddr != N F daddr N masquerade fully-random
\t}}
}}
"
            );
            let golden = golden
                .replace("F saddr", &format!("{family} saddr"))
                .replace("F daddr", &format!("{family} daddr"));
            assert_eq!(sh(&format!("nft list table {family} {table}")), localise(&golden, v6));
        }
        let before = nftgen::generation();
        assert!(!changed(Firewall::nft().ensure(&want)));
        assert_eq!(nftgen::generation(), before);
    });
}

#[test]
fn a_damaged_rule_is_put_back_and_foreign_rules_survive() {
    for variant in VARIANTS {
        scratch(move || {
            let (ipt, want) = (format!("iptables{variant}"), wanted(BOTH, OWN));
            sh(&format!(
                "{ipt} -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
                 {ipt} -N OTHER; {ipt} -A OTHER -s 10.9.9.9 -m comment --comment 'a \"b\" c' -j DROP; {ipt} -A FORWARD -j OTHER
                 {ipt} -t mangle -A FORWARD -p tcp -j ACCEPT"
            ));
            let foreign = |text: String| -> Vec<String> {
                text.lines()
                    .filter(|l| !l.contains("FLANNEL") && !l.starts_with('#'))
                    .map(str::to_owned)
                    .collect()
            };
            let all = format!("{ipt}-save | sed 's/\\[.*\\]//'");
            let before = foreign(sh(&all));
            let mut firewall = Firewall::iptables_variant(variant);
            assert!(changed(firewall.ensure(&want)));
            for damage in [
                "-t nat -D FLANNEL-POSTRTG 3",
                "-t nat -I FLANNEL-POSTRTG -j RETURN",
                "-t nat -F",
                "-D FORWARD -m comment --comment 'flanneld forward' -j FLANNEL-FWD",
                "-A FORWARD -m comment --comment 'flanneld forward' -j FLANNEL-FWD",
                "-F FLANNEL-FWD",
                "-I FLANNEL-FWD -j DROP",
            ] {
                let wipes = damage == "-t nat -F";
                sh(&format!("{ipt} {damage}"));
                let round = firewall.ensure(&want).unwrap();
                assert!(round.changed && !round.notes.is_empty(), "{ipt} {damage}");
                if wipes {
                    sh(&format!("{ipt} -t nat -I POSTROUTING 1 -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"));
                }
                assert!(!changed(firewall.ensure(&want)), "{ipt} {damage}");
                assert_eq!(foreign(sh(&all)), before, "{ipt} {damage}");
                assert!(
                    listed(&ipt, "nat")
                        .contains(golden_nat(false).split_once("-j FLANNEL-POSTRTG\n").unwrap().1)
                );
            }
        });
    }
}

#[test]
fn a_flushed_ruleset_comes_back_in_both_modes() {
    for make in [Firewall::nft, || Firewall::iptables_variant("-nft")] {
        scratch(move || {
            let (mut firewall, want) = (make(), wanted(BOTH, OWN));
            assert!(changed(firewall.ensure(&want)));
            let whole = sh("nft list ruleset");
            sh("nft flush ruleset");
            assert!(changed(firewall.ensure(&want)));
            assert_eq!(sh("nft list ruleset"), whole);
            assert!(!changed(firewall.ensure(&want)));
        });
    }
}

#[test]
fn nft_tables_are_compared_whole_and_those_of_others_survive() {
    scratch(|| {
        let want = wanted(BOTH, OWN);
        let mut firewall = Firewall::nft();
        sh(
            "nft 'add table ip other; add chain ip other c { type filter hook forward priority 5; }; add rule ip other c ip saddr 10.9.9.9 drop'",
        );
        let other = sh("nft list table ip other");
        assert!(changed(firewall.ensure(&want)));
        let ours = sh("nft list table ip flannel-ipv4");
        for damage in [
            "flush chain ip flannel-ipv4 postrtg",
            "insert rule ip flannel-ipv4 forward drop",
            "add rule ip flannel-ipv4 forward counter",
            "add chain ip flannel-ipv4 extra",
            "add chain ip flannel-ipv4 forward { policy drop; }",
            "delete table ip flannel-ipv4",
        ] {
            sh(&format!("nft '{damage}'"));
            let round = firewall.ensure(&want).unwrap();
            assert!(round.changed && round.notes.len() == 1, "{damage}: {round:?}");
            assert_eq!(sh("nft list table ip flannel-ipv4"), ours, "{damage}");
        }
        assert_eq!(sh("nft list table ip other"), other);
        // Without IPv6 its table goes.
        assert!(changed(firewall.ensure(&want[..1])));
        assert_eq!(sh("nft list tables"), "table ip other\ntable ip flannel-ipv4\n");
    });
}

#[test]
fn an_unmoved_generation_starts_no_program() {
    for (make, idle) in [
        ((|| Firewall::nft()) as fn() -> Firewall, 0),
        (|| Firewall::iptables_variant("-nft"), 0),
        // Legacy rules have no generation: always one look a family.
        (|| Firewall::iptables_variant("-legacy"), 2),
    ] {
        scratch(move || {
            let (mut firewall, want) = (make(), wanted(BOTH, OWN));
            assert!(changed(firewall.ensure(&want)));
            assert!(!changed(firewall.ensure(&want)), "one look after the write");
            for _ in 0..3 {
                let round = firewall.ensure(&want).unwrap();
                assert_eq!((round.changed, round.started), (false, idle), "{firewall:?}");
            }
            sh("nft add table ip other");
            assert!(firewall.ensure(&want).unwrap().started > 0, "another program's change is looked at");
            assert_eq!(firewall.ensure(&want).unwrap().started, idle);
            let moved = wanted(BOTH, "10.244.9.0-24&fd00:10:244:9::-64");
            assert!(changed(firewall.ensure(&moved)), "another subnet is written at once");
        });
    }
}

#[test]
fn the_forward_jump_finds_its_place_among_docker_kube_and_a_catch_all() {
    for variant in VARIANTS {
        scratch(move || {
            let (ipt, want) = (format!("iptables{variant}"), wanted("10.244.0.0-16", "10.244.1.0-24"));
            sh(&format!(
                "{ipt} -N DOCKER-USER; {ipt} -N KUBE-FORWARD
                 {ipt} -A FORWARD -j DOCKER-USER
                 {ipt} -A FORWARD -i docker0 -j ACCEPT
                 {ipt} -A FORWARD -m comment --comment 'kubernetes forwarding rules' -j KUBE-FORWARD
                 {ipt} -A FORWARD -j REJECT --reject-with icmp-host-prohibited"
            ));
            let place = || sh(&format!("{ipt} -S FORWARD | tail -n +2")).lines().position(|l| l == JUMP);
            let mut firewall = Firewall::iptables_variant(variant);
            assert!(changed(firewall.ensure(&want)));
            assert_eq!(place(), Some(3), "{variant}");
            for (disturb, at) in [
                // firewalld's reject moves to the front of everything; ours goes before it.
                ("-I FORWARD 1 -j REJECT --reject-with icmp-host-prohibited", 0),
                ("-D FORWARD 2", 3),
                // kube-proxy starts late and puts its jump behind ours.
                ("-I FORWARD 5 -m comment --comment late -j KUBE-SERVICES", 4),
            ] {
                sh(&format!("{ipt} -N KUBE-SERVICES 2>/dev/null || true; {ipt} {disturb}"));
                assert!(changed(firewall.ensure(&want)), "{variant} {disturb}");
                assert_eq!(place(), Some(at), "{variant} {disturb}");
                assert!(!changed(firewall.ensure(&want)));
            }
            // A stranger behind ours is no reason to move.
            sh(&format!(
                "{ipt} -D FORWARD -j REJECT --reject-with icmp-host-prohibited; {ipt} -N CNI-X; {ipt} -A FORWARD -j CNI-X"
            ));
            assert!(!changed(firewall.ensure(&want)));
        });
    }
}

#[test]
fn a_teardown_leaves_nothing_of_ours_and_all_of_others() {
    for variant in VARIANTS {
        scratch(move || {
            let ipt = format!("iptables{variant}");
            sh(&format!("{ipt} -t nat -A POSTROUTING -o lo -j RETURN; {ipt} -A FORWARD -i lo -j ACCEPT"));
            let mut firewall = Firewall::iptables_variant(variant);
            assert!(changed(firewall.ensure(&wanted(BOTH, OWN))));
            assert!(changed(firewall.teardown()));
            for ipt in [ipt.clone(), ipt.replace("ip", "ip6")] {
                assert!(!sh(&format!("{ipt}-save")).contains("FLANNEL"), "{ipt}");
            }
            assert_eq!(listed(&ipt, "nat"), "-A POSTROUTING -o lo -j RETURN\n");
            assert_eq!(listed(&ipt, "filter"), "-A FORWARD -i lo -j ACCEPT\n");
            assert!(!changed(firewall.teardown()));
        });
    }
}

#[test]
fn a_change_of_mode_takes_the_other_modes_rules_away() {
    scratch(|| {
        let want = wanted(BOTH, OWN);
        for variant in VARIANTS {
            assert!(changed(Firewall::iptables_variant(variant).ensure(&want)));
        }
        let mut nft = Firewall::nft();
        assert!(changed(nft.ensure(&want)));
        assert!(changed(nft.cleanup_other_mode()));
        for program in ["iptables-nft", "iptables-legacy", "ip6tables-nft", "ip6tables-legacy"] {
            assert!(!sh(&format!("{program}-save")).contains("FLANNEL"), "{program}");
        }
        assert!(sh("nft list table ip flannel-ipv4").contains("masquerade"));
        assert!(!changed(nft.cleanup_other_mode()), "nothing is there any more");

        assert!(changed(Firewall::iptables().cleanup_other_mode()));
        assert!(!sh("nft list tables").contains("flannel"));
        assert!(!changed(Firewall::iptables().cleanup_other_mode()));
    });
}

#[test]
fn nft_mode_works_on_a_host_without_iptables_and_the_other_is_told_the_package() {
    scratch(|| {
        // Only this thread's mount namespace loses the programs.
        sh(
            "mkdir /run/sbin; cp /usr/sbin/nft /run/sbin/; mount --bind /run/sbin /usr/sbin; test ! -e /sbin/iptables",
        );
        let want = wanted(BOTH, OWN);
        let mut nft = Firewall::nft();
        assert!(!changed(nft.cleanup_other_mode()));
        assert!(changed(nft.ensure(&want)));

        let mut missing = Firewall::iptables();
        let error = missing.ensure(&want).unwrap_err();
        assert_eq!(error.to_string(), "iptables is not installed");
        assert!(error.hint().unwrap().contains("Debian package iptables"));
        let (network, own) = (BOTH.parse().unwrap(), OWN.parse().unwrap());
        let nothing = Ask { ip_masq: false, forward: false, fully_random: true };
        assert!(
            !changed(missing.ensure(&rulesets(&network, &own, nothing))),
            "who wants nothing needs nothing"
        );
        assert!(!changed(missing.teardown()), "a missing program has left nothing behind");
    });
}

#[test]
fn a_held_lock_ends_in_an_error_and_not_in_a_hang() {
    scratch(|| {
        sh("iptables-legacy -S");
        let file = std::fs::File::open("/run/xtables.lock").unwrap();
        let held = Flock::lock(file, FlockArg::LockExclusive).unwrap();
        let started = Instant::now();
        let error = Firewall::iptables_variant("-legacy").ensure(&wanted("10.244.0.0-16", "10.244.1.0-24"));
        drop(held);
        assert!(started.elapsed() < Duration::from_secs(15));
        assert!(error.unwrap_err().to_string().contains("xtables lock"));
    });
}
