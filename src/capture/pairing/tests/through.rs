//! Packets that arrive, however they are cut, ordered or renamed on their way.

use super::made::{datagram, fragment, fragment6, hop, ip4, ip6, ping, segment, tcp, udp};
use super::*;
use crate::capture::pairing::order::Order;

const OUT: (&str, &str) = ("10.244.1.2", "10.244.2.8");
const IN: (&str, &str) = ("10.244.2.8", "10.244.1.2");

#[test]
fn a_packet_out_and_its_answer_are_a_record_each_with_four_points() {
    let mut bench = Bench::new();
    let (request, answer) = (ping(7, 1, OUT), ping(7, 1, IN));
    bench.goes_out(SECOND, &request);
    bench.comes(SECOND + 100 * US, &answer);
    for (place, point) in [TUNNEL, BRIDGE, POD1].into_iter().enumerate() {
        bench.sees(point, SECOND + (101 + place as i64) * US, &hop(&answer));
    }
    assert_eq!(bench.until(SECOND + MS), [], "a copy may follow");
    let told = bench.until(SECOND + 20 * MS);
    assert_eq!(
        told.iter().map(|record| record.fate.clone()).collect::<Vec<_>>(),
        [Fate::Through, Fate::Through]
    );
    assert_eq!(passed(&told[0]), [(POD1, 0), (BRIDGE, 1), (TUNNEL, 2), (UPLINK, 3)]);
    assert_eq!(passed(&told[1]), [(UPLINK, 0), (TUNNEL, 1), (BRIDGE, 2), (POD1, 3)]);
    assert_eq!(told[0].points[3].outer.map(|outer| outer.dst), Some(ip("192.168.50.12")));
    assert_eq!(bench.until(9 * SECOND), []);
    assert_eq!((bench.table.under_way(), bench.table.forgotten()), (0, 0));
}

#[test]
fn points_may_be_read_in_any_order_and_a_stamp_be_handed_on() {
    let mut bench = Bench::new();
    let packet = ping(7, 1, OUT);
    bench.leaves(SECOND + 9 * US, &packet, "192.168.50.12");
    bench.sees(TUNNEL, SECOND + 4 * US, &packet);
    bench.sees(BRIDGE, SECOND, &packet);
    bench.sees(POD1, SECOND, &packet);
    let told = bench.until(2 * SECOND);
    assert_eq!(told.len(), 1);
    assert_eq!(passed(&told[0]), [(POD1, 0), (BRIDGE, 0), (TUNNEL, 4), (UPLINK, 9)]);
}

#[test]
fn each_pair_of_ends_has_its_own_way() {
    for (ends, way) in [
        (("10.244.1.2", "10.244.3.8"), &[POD1, BRIDGE, UPLINK][..]),
        (("10.244.1.0", "10.244.2.8"), &[TUNNEL, UPLINK]),
        (("10.244.1.1", "10.244.1.2"), &[BRIDGE, POD1]),
        (("10.244.1.2", "10.244.1.1"), &[POD1, BRIDGE]),
        (("10.244.1.2", "10.244.1.3"), &[POD1, POD2]),
        (("10.244.1.2", "10.244.1.3"), &[POD1, BRIDGE, POD2]),
        (("10.244.3.8", "10.244.1.2"), &[UPLINK, BRIDGE, POD1]),
        (("10.244.2.8", "10.244.1.0"), &[UPLINK, TUNNEL]),
        (("9.9.9.9", "10.244.1.3"), &[BRIDGE, POD2]),
        // Without the tunnel: its sender routes directly.
        (("10.244.2.9", "10.244.1.3"), &[UPLINK, BRIDGE, POD2]),
    ] {
        let mut bench = Bench::new();
        let packet = ping(1, 1, ends);
        for (place, point) in way.iter().enumerate() {
            bench.passes(*point, SECOND + place as i64 * US, &packet, ends);
        }
        let told = bench.until(9 * SECOND);
        assert_eq!(told.len(), 1, "{ends:?}");
        let points: Vec<usize> = told[0].points.iter().map(|at| at.point).collect();
        assert_eq!((points.as_slice(), &told[0].fate), (way, &Fate::Through), "{ends:?}");
    }
}

#[test]
fn who_is_not_in_the_overlay_is_not_followed() {
    let mut bench = Bench::new();
    for (point, ends) in [
        (POD1, ("10.244.1.2", "9.9.9.9")),
        (UPLINK, ("192.168.50.12", "192.168.50.11")),
        (POD1, ("10.244.1.2", "10.244.1.255")),
        (BRIDGE, ("10.244.1.1", "224.0.0.1")),
        (UPLINK, ("10.244.2.8", "10.244.3.8")),
        (UPLINK, ("10.244.2.9", "192.168.50.11")),
    ] {
        bench.sees(point, SECOND, &ping(1, 1, ends));
    }
    assert_eq!(bench.until(9 * SECOND), []);
}

#[test]
fn a_retransmission_is_a_second_record() {
    let mut bench = Bench::new();
    bench.goes_out(SECOND, &tcp(1, OUT, (1000, 2000)));
    bench.goes_out(SECOND + 5 * MS, &tcp(2, OUT, (1000, 2000)));
    // IPv6 has no number that tells one from the other.
    let again = ip6(6, ("fd00:1::2", "fd00:2::8"), &segment(1, 9));
    bench.goes_out(SECOND + 20 * MS, &again);
    bench.goes_out(SECOND + 21 * MS, &again);
    let told = bench.until(9 * SECOND);
    assert_eq!(told.len(), 4);
    for record in &told {
        assert_eq!(passed(record), [(POD1, 0), (BRIDGE, 1), (TUNNEL, 2), (UPLINK, 3)]);
    }
}

#[test]
fn what_the_card_cuts_into_segments_is_one_packet() {
    let mut bench = Bench::new();
    // Across the end of the sequence numbers.
    let begin = u32::MAX - 1999;
    let large = tcp(1, OUT, (begin, begin.wrapping_add(3500)));
    for (place, point) in [POD1, BRIDGE, TUNNEL].into_iter().enumerate() {
        bench.sees(point, SECOND + place as i64 * US, &large);
    }
    for n in [1u32, 0, 2] {
        let from = begin.wrapping_add(n * 1400);
        let part = tcp(1 + n as u16, OUT, (from, begin.wrapping_add((n * 1400 + 1400).min(3500))));
        assert_eq!(bench.until(SECOND + 900 * MS), [], "it is not whole");
        bench.leaves(SECOND + 20 * US + i64::from(n), &part, "192.168.50.12");
    }
    let told = bench.until(SECOND + 900 * MS);
    assert_eq!((told.len(), &told[0].fate), (1, &Fate::Through));
    assert_eq!(told[0].points[3].parts, 3);
    assert_eq!(passed(&told[0])[3], (UPLINK, 20));
}

#[test]
fn what_is_put_together_holds_each_of_its_segments() {
    let mut bench = Bench::new();
    for n in 0..3u32 {
        bench.comes(SECOND + i64::from(n) * US, &tcp(n as u16, IN, (n * 100, n * 100 + 100)));
    }
    for (place, point) in [TUNNEL, BRIDGE, POD1].into_iter().enumerate() {
        bench.sees(point, SECOND + (10 + place as i64) * US, &tcp(0, IN, (0, 300)));
    }
    let told = bench.until(9 * SECOND);
    assert_eq!(told.len(), 3);
    for (n, record) in told.iter().enumerate() {
        let n = n as i64;
        assert_eq!(passed(record), [(UPLINK, 0), (TUNNEL, 10 - n), (BRIDGE, 11 - n), (POD1, 12 - n)]);
        assert_eq!((record.points[1].parts, &record.fate), (0, &Fate::Through));
    }
}

#[test]
fn segments_that_bear_the_stamp_of_the_first_once_together_come_after_the_last() {
    let mut bench = Bench::new();
    let mut order = Order::default();
    let large = sighting(TUNNEL, SECOND, &tcp(0, IN, (0, 300)), None);
    order.push(large, Stage::Tunnel, true);
    for n in 0..3u32 {
        let outer = Outer { vni: Some(1), src: ip("192.168.50.12"), dst: ip("192.168.50.11") };
        let at = SECOND + i64::from(n) * 100 * US;
        let part = sighting(UPLINK, at, &tcp(n as u16, IN, (n * 100, n * 100 + 100)), Some(outer));
        order.push(part, Stage::Uplink, true);
    }
    // Of one stamp: the port, then the bridge that it is handed on to.
    order.push(sighting(BRIDGE, 2 * SECOND, &ping(7, 1, OUT), None), Stage::Bridge, false);
    order.push(sighting(POD1, 2 * SECOND, &ping(7, 1, OUT), None), Stage::Pod, false);
    assert!(order.next(SECOND).is_none());
    let mut points = Vec::new();
    while let Some(sighting) = order.next(3 * SECOND) {
        points.push(sighting.point);
        bench.table.take(sighting);
    }
    assert_eq!(points, [UPLINK, UPLINK, UPLINK, TUNNEL, POD1, BRIDGE]);
    let told = bench.until(9 * SECOND);
    assert_eq!(
        told.iter().map(gap).collect::<Vec<_>>(),
        [Some((TUNNEL, BRIDGE)); 3].into_iter().chain([Some((BRIDGE, TUNNEL))]).collect::<Vec<_>>()
    );
}

#[test]
fn fragments_are_their_packet_and_the_packet_its_fragments() {
    let whole = udp(77, OUT, (5, 6), &[3; 2992]);
    let parts = || [fragment(&whole, 0, 1400), fragment(&whole, 1400, 2800), fragment(&whole, 2800, 3000)];
    let mut cut = Bench::new();
    cut.sees(POD1, SECOND, &whole);
    cut.sees(BRIDGE, SECOND, &whole);
    for part in parts() {
        cut.sees(TUNNEL, SECOND + US, &part);
        cut.leaves(SECOND + 2 * US, &part, "192.168.50.12");
    }
    let told = cut.until(9 * SECOND);
    assert_eq!((told.len(), &told[0].fate, told[0].points[3].parts), (1, &Fate::Through, 3));

    // The firewall puts fragments together before it looks at them, and cuts them again behind it.
    let mut joined = Bench::new();
    for part in parts() {
        joined.sees(POD1, SECOND, &part);
    }
    joined.sees(BRIDGE, SECOND, &whole);
    for part in parts() {
        joined.sees(TUNNEL, SECOND, &part);
        joined.leaves(SECOND, &part, "192.168.50.12");
    }
    let told = joined.until(9 * SECOND);
    assert_eq!(told.len(), 3);
    for record in told {
        assert_eq!((record.points.len(), &record.fate), (4, &Fate::Through));
    }
}

#[test]
fn fragments_of_ipv6_have_another_number_each_time_they_are_cut() {
    let ends = ("fd00:1::2", "fd00:2::8");
    let whole = |n: u8| ip6(17, ends, &datagram((5, 6), &[n; 2992]));
    let parts = |n: u8, number: u32, cut: usize| {
        [(0, cut), (cut, 2 * cut), (2 * cut, 3000)].map(|(from, to)| fragment6(&whole(n), number, from, to))
    };
    // Two that begin alike, as a retransmission does.
    let mut bench = Bench::new();
    for (n, number, at) in [(3, 1, SECOND), (3, 2, SECOND + 5 * MS), (4, 3, SECOND)] {
        parts(n, number, 1400).iter().for_each(|part| bench.sees(POD1, at, part));
        bench.sees(BRIDGE, at, &whole(n));
        for part in parts(n, number + 100, 1360) {
            bench.sees(TUNNEL, at + US, &part);
            bench.leaves(at + 2 * US, &part, "192.168.50.12");
        }
    }
    let told = bench.until(9 * SECOND);
    assert_eq!(told.len(), 9);
    for record in &told {
        assert_eq!((record.points.len(), &record.fate), (4, &Fate::Through), "{record:?}");
    }
    // And from the whole to its parts.
    for point in [POD1, BRIDGE] {
        bench.sees(point, 10 * SECOND, &whole(5));
    }
    for part in parts(5, 500, 1360) {
        bench.sees(TUNNEL, 10 * SECOND, &part);
        bench.leaves(10 * SECOND, &part, "192.168.50.12");
    }
    let told = bench.until(19 * SECOND);
    assert_eq!((told.len(), told[0].points[3].parts, &told[0].fate), (1, 3, &Fate::Through));
    assert_eq!(bench.table.size(), 0);
}

#[test]
fn datagrams_that_travel_as_one_are_found_in_it() {
    let data = |n: u8, len: usize| vec![n; len];
    let mut cut = Bench::new();
    let large = udp(9, OUT, (5, 6), &[data(0, 1000), data(1, 1000), data(2, 500)].concat());
    for point in [POD1, BRIDGE, TUNNEL] {
        cut.sees(point, SECOND, &large);
    }
    cut.leaves(SECOND + US, &udp(9, OUT, (5, 6), &data(0, 1000)), "192.168.50.12");
    let told = cut.until(9 * SECOND);
    assert_eq!((told.len(), &told[0].fate), (1, &Fate::Through));

    let mut joined = Bench::new();
    for n in 0..3u8 {
        joined.comes(SECOND, &udp(9 + u16::from(n), IN, (5, 6), &data(n, 1000)));
    }
    let large = udp(9, IN, (5, 6), &[data(0, 1000), data(1, 1000), data(2, 1000)].concat());
    for point in [TUNNEL, BRIDGE, POD1] {
        joined.sees(point, SECOND + US, &large);
    }
    let told = joined.until(9 * SECOND);
    assert_eq!(told.iter().filter(|record| record.fate == Fate::Through).count(), 3);
    assert_eq!(told.len(), 3);
}

#[test]
fn nat_changes_a_packets_addresses_and_not_what_it_is() {
    // A service's address becomes a pod's.
    let mut bench = Bench::new();
    let (service, pod) = (("10.244.1.2", "10.96.0.10"), OUT);
    for point in [POD1, BRIDGE] {
        bench.sees(point, SECOND, &udp(5, service, (4000, 53), b"who is it"));
    }
    bench.sees(TUNNEL, SECOND + US, &udp(5, pod, (4000, 1053), b"who is it"));
    bench.leaves(SECOND + 2 * US, &udp(5, pod, (4000, 1053), b"who is it"), "192.168.50.12");
    let told = bench.until(9 * SECOND);
    assert_eq!(told.len(), 1);
    assert_eq!(passed(&told[0]), [(POD1, 0), (BRIDGE, 0), (TUNNEL, 1), (UPLINK, 2)]);
    let ends = told[0].points.iter().map(|at| at.ends.map(|ends| ends.dst)).collect::<Vec<_>>();
    assert_eq!(ends, [None, None, Some(ip("10.244.2.8")), Some(ip("10.244.2.8"))]);

    // A pod's address becomes the node's, and what it sends is cut into segments.
    let own = ("10.244.1.0", "10.244.2.8");
    for point in [POD1, BRIDGE] {
        bench.sees(point, 10 * SECOND, &tcp(5, OUT, (0, 2000)));
    }
    bench.sees(TUNNEL, 10 * SECOND, &tcp(5, own, (0, 2000)));
    bench.leaves(10 * SECOND, &tcp(5, own, (0, 1000)), "192.168.50.12");
    bench.leaves(10 * SECOND, &tcp(6, own, (1000, 2000)), "192.168.50.12");
    let told = bench.until(19 * SECOND);
    assert_eq!((told.len(), told[0].points.len(), &told[0].fate), (1, 4, &Fate::Through));
}

#[test]
fn two_pods_that_send_the_same_are_two_packets() {
    let mut bench = Bench::new();
    let from = |src| ip4(17, 0, 0x4000, (src, "10.244.2.8"), &datagram((9, 9), b"alive"));
    bench.sees(POD1, SECOND, &from("10.244.1.2"));
    bench.sees(POD2, SECOND, &from("10.244.1.3"));
    for (n, src) in [(1, "10.244.1.3"), (2, "10.244.1.2")] {
        for point in [BRIDGE, TUNNEL, UPLINK] {
            bench.sees(point, SECOND + n * US, &from(src));
        }
    }
    let told = bench.until(9 * SECOND);
    let first = |record: &Record| record.points[0].point;
    assert_eq!(told.iter().map(first).collect::<Vec<_>>(), [POD2, POD1]);
    assert!(told.iter().all(|record| record.fate == Fate::Through && record.points.len() == 4));
}

#[test]
fn a_copy_to_another_tunnel_end_belongs_to_its_packet() {
    let mut bench = Bench::new();
    let packet = ping(7, 1, OUT);
    bench.goes_out(SECOND, &packet);
    bench.leaves(SECOND + 4 * US, &packet, "192.168.50.13");
    let told = bench.until(9 * SECOND);
    assert_eq!(told.len(), 1);
    let to: Vec<_> = told[0].points.iter().filter_map(|at| Some(at.outer?.dst)).collect();
    assert_eq!(to, [ip("192.168.50.12"), ip("192.168.50.13")]);
}
