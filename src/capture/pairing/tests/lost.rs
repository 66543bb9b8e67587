//! Packets that do not arrive, and what is said of those of which that cannot be known.

use std::collections::BTreeMap;

use super::made::{fragment, ping, tcp, udp};
use super::*;
use crate::capture::pairing::moves::Moves;
use crate::capture::pairing::record::Gap;

const OUT: (&str, &str) = ("10.244.1.2", "10.244.2.8");
const IN: (&str, &str) = ("10.244.2.8", "10.244.1.2");

#[test]
fn a_packet_is_lost_behind_the_last_point_that_saw_it_once_its_time_is_over() {
    for (ends, seen, between) in [
        (OUT, &[POD1][..], (POD1, BRIDGE)),
        (OUT, &[POD1, BRIDGE], (BRIDGE, TUNNEL)),
        (OUT, &[POD1, BRIDGE, TUNNEL], (TUNNEL, UPLINK)),
        (OUT, &[TUNNEL], (TUNNEL, UPLINK)),
        (IN, &[UPLINK], (UPLINK, TUNNEL)),
        (IN, &[UPLINK, TUNNEL], (TUNNEL, BRIDGE)),
        (IN, &[UPLINK, TUNNEL, BRIDGE], (BRIDGE, POD1)),
        (("10.244.1.2", "10.244.1.3"), &[POD1], (POD1, POD2)),
        (("10.244.1.2", "10.244.1.3"), &[POD1, BRIDGE], (BRIDGE, POD2)),
        (("10.244.1.2", "10.244.3.8"), &[POD1, BRIDGE], (BRIDGE, UPLINK)),
    ] {
        let mut bench = Bench::new();
        for point in seen {
            bench.passes(*point, 5 * SECOND, &ping(1, 1, ends), ends);
        }
        assert_eq!(bench.table.under_way(), 1);
        assert_eq!(bench.until(6 * SECOND - 1), [], "{ends:?} {seen:?}");
        let told = bench.until(6 * SECOND);
        assert_eq!(told.iter().map(gap).collect::<Vec<_>>(), [Some(between)], "{ends:?} {seen:?}");
        assert_eq!(bench.table.under_way(), 0);
    }
}

#[test]
fn a_lost_packet_and_its_retransmission_are_not_mixed_up() {
    let mut bench = Bench::new();
    let packet = tcp(0, OUT, (1, 9));
    bench.sees(POD1, SECOND, &packet);
    bench.sees(BRIDGE, SECOND + US, &packet);
    bench.goes_out(SECOND + 200 * MS, &packet);
    let told = bench.until(9 * SECOND);
    assert_eq!(told.iter().map(gap).collect::<Vec<_>>(), [None, Some((BRIDGE, TUNNEL))]);
    assert_eq!(passed(&told[0]), [(POD1, 0), (BRIDGE, 1), (TUNNEL, 2), (UPLINK, 3)]);
}

#[test]
fn what_comes_after_it_was_told_as_lost_is_told_as_late() {
    let mut bench = Bench::new();
    let packet = ping(1, 1, OUT);
    for point in [POD1, BRIDGE] {
        bench.sees(point, SECOND, &packet);
    }
    assert_eq!(bench.until(2 * SECOND).iter().map(gap).collect::<Vec<_>>(), [Some((BRIDGE, TUNNEL))]);
    bench.sees(TUNNEL, 2 * SECOND, &packet);
    bench.leaves(2 * SECOND, &packet, "192.168.50.12");
    let told = bench.until(3 * SECOND);
    assert_eq!((told.len(), told[0].late, told[0].points.len()), (1, true, 4));
    // Long after nothing is known of it any more.
    bench.sees(POD1, 10 * SECOND, &ping(1, 2, OUT));
    assert_eq!((bench.until(11 * SECOND).len(), bench.table.size()), (1, 1));
    assert_eq!((bench.until(14 * SECOND).len(), bench.table.size()), (0, 0));
}

#[test]
fn a_part_that_is_missing_is_told_as_a_part() {
    let part = |record: &Record| match &record.fate {
        Fate::Lost(Gap { part, .. }) => *part,
        _ => None,
    };
    let mut bench = Bench::new();
    let whole = udp(77, OUT, (5, 6), &[3; 2992]);
    for point in [POD1, BRIDGE, TUNNEL] {
        bench.sees(point, SECOND, &whole);
    }
    bench.leaves(SECOND, &fragment(&whole, 1400, 2800), "192.168.50.12");
    let large = tcp(1, OUT, (0, 3000));
    for point in [POD1, BRIDGE, TUNNEL] {
        bench.sees(point, SECOND, &large);
    }
    bench.leaves(SECOND, &tcp(1, OUT, (0, 1000)), "192.168.50.12");
    let told = bench.until(9 * SECOND);
    assert_eq!(told.iter().map(gap).collect::<Vec<_>>(), [Some((TUNNEL, UPLINK)); 2]);
    // The second's header went with its first byte.
    assert_eq!(told.iter().map(part).collect::<Vec<_>>(), [Some((1400, 3000)), Some((1020, 3020))]);
}

#[test]
fn what_a_point_may_have_missed_is_not_lost() {
    let mut bench = Bench::new();
    bench.sees(POD1, SECOND, &ping(1, 1, OUT));
    bench.table.missed(TUNNEL, SECOND + MS);
    let told = bench.until(9 * SECOND);
    assert!(matches!(&told[0].fate, Fate::Unsure(Gap { from: POD1, to: BRIDGE, .. })), "{told:?}");
    bench.sees(POD1, 10 * SECOND, &ping(1, 2, OUT));
    assert_eq!(gap(&bench.until(19 * SECOND)[0]), Some((POD1, BRIDGE)));
}

#[test]
fn nothing_is_expected_of_a_device_that_is_gone_or_not_known() {
    let mut bench = Bench::new();
    bench.sees(BRIDGE, SECOND, &ping(1, 1, IN));
    // A pod whose veth is not watched: where it goes behind the bridge nobody sees.
    bench.sees(BRIDGE, SECOND, &ping(1, 1, ("10.244.2.8", "10.244.1.77")));
    bench.table.gone(POD1);
    let told = bench.until(9 * SECOND);
    assert_eq!(told.iter().map(|record| &record.fate).collect::<Vec<_>>(), [&Fate::Through, &Fate::Through]);
}

#[test]
fn a_full_table_gives_up_the_oldest_and_says_so() {
    let mut bench = Bench::new();
    for seq in 0..70 {
        bench.sees(POD1, SECOND + i64::from(seq) * US, &ping(1, seq, OUT));
    }
    assert_eq!((bench.table.under_way(), bench.table.forgotten()), (64, 6));
    assert_eq!(bench.until(9 * SECOND).len(), 64);
}

#[test]
fn counters_tell_of_a_loss_if_they_are_about_the_gap_and_moved_in_time() {
    let points = points();
    let mut moves = Moves::default();
    let rows = |rows: &[(&str, u64)]| -> BTreeMap<String, u64> {
        rows.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
    };
    let (tx, other) = ("stat:flannel.1/tx_dropped", "stat:veth2/tx_dropped");
    moves.sample(SECOND, rows(&[(tx, 5), (other, 5), ("snmp:IpExt.InNoRoutes", 1)]));
    moves.rules(SECOND, rows(&[("rule:ip t c: drop", 2)]));
    moves.sample(2 * SECOND, rows(&[(tx, 6), (other, 9), ("stat:flannel.1/rx_dropped", 7)]));
    moves.sample(3 * SECOND, rows(&[("snmp:IpExt.InNoRoutes", 2)]));
    moves.rules(3 * SECOND, rows(&[("rule:ip t c: drop", 4), ("rule:ip t c: reject", 1)]));
    let told = |from: usize, to: usize, last| {
        let rows = moves.between((&points[from], &points[to]), false, last, 4 * SECOND);
        rows.into_iter().map(|(name, by)| format!("{name} +{by}")).collect::<Vec<_>>()
    };
    // Rules are asked when a loss is told, however late that is.
    let (rule, new) = ("ip t c: drop +2", "ip t c: reject +1");
    assert_eq!(told(TUNNEL, UPLINK, SECOND + 900 * MS), [rule, new, "flannel.1 tx_dropped +1"]);
    assert_eq!(told(BRIDGE, TUNNEL, SECOND + 900 * MS), [rule, new, "flannel.1 tx_dropped +1"]);
    // Nothing moved soon after: what moved later may be it.
    assert_eq!(told(BRIDGE, TUNNEL, 2 * SECOND + MS), [rule, new, "IpExt.InNoRoutes +1"]);
    assert_eq!(told(BRIDGE, POD2, SECOND + 900 * MS), ["veth2 tx_dropped +4"]);
    assert_eq!(told(BRIDGE, POD1, SECOND + 900 * MS), [""; 0]);
}
