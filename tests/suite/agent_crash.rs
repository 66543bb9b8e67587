//! kill -9 at 260 moments of start-up, join, leave and heal, on a real etcd. Whatever the moment, the next start makes
//! the tables what the leases want, the node has one lease and the same as before, and nobody else's row has moved.
//! The dice's seed is printed; `FLANCTL_TEST_SEED=N` or `fresh` throws others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

mod bed;

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

use self::bed::{Bed, Damage};
use crate::support::leases::Leases;
use crate::support::relay::{Stop, Way};
use crate::support::seed::seed;
use crate::support::swap::{Place, Seat, until};

fn dice() -> StdRng {
    let seed = seed(8);
    #[expect(clippy::print_stdout, reason = "a failure must be repeatable")]
    {
        println!("FLANCTL_TEST_SEED={seed}");
    }
    StdRng::seed_from_u64(seed)
}

/// 44 kills, one at each piece of the talk with etcd: before it is heard, and after it is done but not answered.
/// Between granting the etcd lease and the transaction is among them, which is checked.
#[test]
fn a_kill_at_any_word_to_etcd_loses_and_doubles_no_lease() {
    let mut dice = dice();
    let mut bed = Bed::new(5);
    let (mut orphans, mut unheard) = (0, 0);
    for nth in 1..=22 {
        for way in [Way::Up, Way::Down] {
            bed.damage(Damage::fresh(&mut dice));
            let before = bed.etcd.leases();
            let reached = bed.relay.stop_at(Stop { way, nth });
            let mut agent = bed.seat.start(&[]);
            until("the piece comes, or the start is over", || {
                (reached.try_recv().is_ok() || agent.is_ready()).then_some(())
            });
            agent.running.kill();
            bed.relay.open();
            let left = bed.own_keys();
            assert!(left.len() <= 1, "{way:?} {nth}: {left:?}");
            // An etcd lease without a key: killed between the grant and the transaction.
            orphans += usize::from(left.is_empty() && bed.etcd.leases() > before);
            unheard += usize::from(left.len() == 1);
            bed.converges(&format!("killed at piece {nth} {way:?}"));
        }
    }
    assert!(orphans > 0, "no kill fell between granting the etcd lease and the transaction");
    assert!(unheard > 0, "no kill fell behind the transaction");
}

/// 66 kills in the start's first milliseconds, whatever was found: nothing, a lost device, a lost lease, lost rows.
#[test]
fn a_kill_at_any_moment_of_the_start_is_made_good_by_the_next_start() {
    let mut dice = dice();
    let mut bed = Bed::new(5);
    for round in 0..66 {
        bed.relay.delay(Duration::from_micros(dice.random_range(0..3_000)));
        let damage = Damage::any(&mut dice);
        bed.damage(damage);
        let at = bed.usual_start().mul_f64(dice.random_range(0.0..1.2));
        let mut agent = bed.seat.start(&[]);
        std::thread::sleep(at);
        agent.running.kill();
        bed.converges(&format!("round {round}: {damage:?}, killed after {at:?}"));
    }
}

/// 60 kills of a running agent just when peers come and go or rows are taken away.
#[test]
fn a_kill_while_peers_come_and_go_and_rows_are_healed_is_made_good() {
    let mut dice = dice();
    let mut bed = Bed::new(6);
    let mut agent = bed.seat.ready(&[]);
    for round in 0..60 {
        let mut deeds = ["join", "leave", "move", "fdb", "neigh", "route", "device", "down", "flush"];
        deeds.shuffle(&mut dice);
        let deeds = deeds.get(..dice.random_range(1..4)).unwrap_or_default();
        deeds.iter().for_each(|deed| bed.disturb(deed, &mut dice));
        let at = Duration::from_micros(dice.random_range(0..8_000));
        std::thread::sleep(at);
        agent.running.kill();
        agent = bed.seat.start(&[]);
        agent.ready();
        bed.check(&format!("round {round}: {deeds:?}, killed {at:?} after"));
    }
}

/// 30 kills with more than a thousand peers, where routes go through nexthop objects: the work on the tables is long
/// enough for a kill to fall between a nexthop and its route, which is checked.
#[test]
fn a_kill_among_a_thousand_nexthops_is_made_good_by_the_next_start() {
    let mut dice = dice();
    let mut bed = Bed::new(1_020);
    let (mut rows, mut between) = (0, 0);
    for round in 0..30 {
        bed.seat.place.ip(&["link del flannel.1"]);
        let mut agent = bed.seat.start(&[]);
        // From the device on it is work on the tables.
        until("there is a device", || bed.seat.place.try_run("ip", "link show flannel.1").then_some(()));
        let at = bed.usual_start().mul_f64(dice.random_range(0.0..0.8));
        let begun = Instant::now();
        while begun.elapsed() < at && !agent.is_ready() {}
        agent.running.kill();
        let (hops, routes) = (bed.own_nexthops(), bed.routes());
        rows += usize::from(hops > 0 && routes < 1_020);
        between += usize::from(hops > routes);
        bed.converges(&format!("round {round}: killed {at:?} after the device came"));
    }
    assert!(rows > 0, "no kill fell into the work on the tables");
    assert!(between > 0, "no kill fell between a nexthop and its route");
}

/// 60 more kills where the agent writes what is neither etcd nor netlink: the directory store, the firewall in both
/// modes, subnet.env and the state file.
#[test]
fn a_kill_while_rules_and_files_are_written_is_made_good() {
    let mut dice = dice();
    for nftables in [false, true] {
        let (place, far) = (Place::new(), Place::new());
        place.wire("eth0", &far, "eth0");
        place.ip(&["addr add 192.168.0.1/24 dev eth0"]);
        let config = format!(
            r#"{{"Network":"10.244.0.0/16","EnableNFTables":{nftables},"Backend":{{"Type":"vxlan"}}}}"#
        );
        let leases = Leases::new(&config);
        let seat = Seat::new(&place, "n1", &[&leases.flag(), "--iface=eth0", "--ip-masq"]);
        place.run("nft", "add table ip stranger");
        let begun = Instant::now();
        seat.ready(&[]).running.kill();
        let usual = begun.elapsed();
        let (key, env, rules) =
            (leases.of("Node", "n1").0, seat.subnet_env(), place.run("nft", "list ruleset"));
        assert!(rules.contains("masquerade") && rules.contains("table ip stranger"), "{rules}");
        for round in 0..30 {
            // Half of the rounds begin with nothing but the lease, which says what the rest must be.
            if dice.random_bool(0.5) {
                place.run("nft", "flush ruleset");
                place.run("nft", "add table ip stranger");
                std::fs::remove_file(seat.file("subnet.env")).unwrap();
            }
            let at = usual.mul_f64(dice.random_range(0.0..1.1));
            let mut agent = seat.start(&[]);
            std::thread::sleep(at);
            agent.running.kill();
            let mut next = seat.ready(&[]);
            let when = format!("nftables {nftables}, round {round}: killed after {at:?}");
            assert_eq!(leases.of("Node", "n1").0, key, "{when}");
            assert_eq!(seat.subnet_env(), env, "{when}");
            assert_eq!(sorted(&place.run("nft", "list ruleset")), sorted(&rules), "{when}");
            let state = seat.file(&format!("flanctl-{}-flannel.1.json", place.inode()));
            let state: serde_json::Value = serde_json::from_slice(&std::fs::read(state).unwrap()).unwrap();
            assert_eq!(state["pid"], next.running.pid(), "{when}");
            assert_eq!(leases.all().len(), 1, "{when}");
            next.running.kill();
        }
    }
}

/// The lines of each table, tables in any order, without what counts packets.
fn sorted(ruleset: &str) -> Vec<String> {
    let plain = regex::Regex::new(r"counter packets \d+ bytes \d+").unwrap().replace_all(ruleset, "counter");
    let mut tables: Vec<String> = plain.split("\n}\n").map(|table| table.trim().to_owned()).collect();
    tables.sort_unstable();
    tables
}
