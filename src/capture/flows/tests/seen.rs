//! Which packets are counted, and where.

use super::{
    A, ACK, B, Four, Link, NODE_A, NODE_B, Seat, cat, datagram, echo, error, ether, four, segment, tunnelled,
};

#[test]
fn an_echo_is_timed_by_its_sequence_number_and_a_second_reply_is_a_duplicate() {
    let mut seat = Seat::new(10);
    // The first that is seen is a reply: who asks began all the same.
    seat.ip(0, &four(B, A).carries(1, &echo(0, 9, 1)));
    for (at, src, dst, kind, seq) in
        [(10, A, B, 8, 2), (20, A, B, 8, 3), (220, B, A, 0, 2), (520, B, A, 0, 3), (900, B, A, 0, 3)]
    {
        seat.ip(at, &four(src, dst).carries(1, &echo(kind, 9, seq)));
    }
    let row = seat.only();
    assert_eq!((row.src.addr.to_string(), row.id, row.src.port), ("10.244.1.2".to_owned(), Some(9), None));
    assert_eq!((row.out.packets, row.back.packets, row.out.dups, row.back.dups), (2, 4, 0, 1));
    let rtt = row.out.rtt.unwrap();
    assert_eq!((rtt.samples, rtt.min_us, rtt.max_us), (2, 210.0, 500.0));
    assert_eq!(row.back.rtt, None);
    // Of a request that came twice it cannot be told which the reply answers.
    for (at, src, dst, kind) in [(1000, A, B, 8), (1100, A, B, 8), (1200, B, A, 0)] {
        seat.ip(at, &four(src, dst).carries(1, &echo(kind, 9, 4)));
    }
    let row = seat.only();
    assert_eq!((row.out.dups, row.out.rtt.unwrap().samples), (1, 2));
}

#[test]
fn a_datagram_that_comes_twice_is_a_duplicate_and_its_like_is_not() {
    let mut seat = Seat::new(10);
    let sent = |id, payload: &[u8]| Four { id, ..four(A, B) }.carries(17, &datagram((5000, 53), payload));
    for (at, id, payload) in [(0, 7, b"one"), (5000, 7, b"one"), (6000, 8, b"one"), (7000, 9, b"two")] {
        seat.ip(at, &sent(id, payload));
    }
    assert_eq!(seat.only().out.dups, 1);
    // Without an identification only what comes at once is the same packet.
    for at in [20_000, 20_100, 90_000] {
        seat.ip(at, &sent(0, b"same"));
    }
    let row = seat.only();
    assert_eq!((row.out.dups, row.out.packets), (2, 7));
}

#[test]
fn one_packet_at_several_places_is_counted_once() {
    // On veth, bridge and tunnel device by the index in the cooked header, and through the tunnel on the uplink.
    let mut seat = Seat::new(10);
    let cooked = |index: u8, ip: &[u8]| cat(&[&[8, 0, 0, 0, 0, 0, 0, index], &[0; 12], ip]);
    for (n, at) in [(0u32, 0), (1, 400), (2, 5000)] {
        let ip = four(A, B).carries(6, &segment((40_112, 80), 1000 + 100 * n, 1, ACK, 100));
        for index in [7, 5, 3] {
            seat.sees(0, Link::SLL2, at + u32::from(index), &cooked(index, &ip));
        }
        seat.sees(0, Link::SLL2, at + 20, &cooked(2, &tunnelled(NODE_A, NODE_B, &ip)));
    }
    let report = seat.report();
    assert_eq!(report.flows.len(), 2, "beside the tunnel, and in it");
    for row in &report.flows {
        assert_eq!((row.out.packets, row.out.bytes, row.out.retransmits), (3, 420, 0), "{row:?}");
        assert_eq!(row.rate.iter().sum::<u64>(), 420);
    }
    let places: Vec<_> = report.flows.iter().map(|row| row.interfaces.join(",")).collect();
    assert_eq!(places, ["if7,if5,if3", "if2"]);
    // The same interface in and out, a hop apart; and a cooked header that does not tell of interfaces.
    for (link, ttl, packets, copies) in
        [(Link::ETHERNET, 63, 1, 1), (Link::ETHERNET, 64, 2, 0), (Link::SLL, 64, 1, 1)]
    {
        let mut seat = Seat::new(10);
        for (at, ttl) in [(0, 64), (30, ttl)] {
            let ip = Four { id: 5, ttl, ..four(A, B) }.carries(6, &segment((40_112, 80), 1, 1, ACK, 100));
            let cooked = cat(&[&[0; 14], &[8, 0], &ip]);
            seat.sees(0, link, at, &if link == Link::SLL { cooked } else { ether(&ip) });
        }
        let row = seat.only();
        assert_eq!((row.out.packets, row.out.retransmits), (packets, packets - 1), "{link:?} {ttl}");
        assert_eq!(seat.report().copies, copies);
    }
    // On its way out the card has filled the checksum.
    let mut seat = Seat::new(10);
    for (at, ttl, sum) in [(0, 64, 1), (30, 63, 2)] {
        let mut body = segment((40_112, 80), 1, 1, ACK, 100);
        body[16] = sum;
        seat.ip(at, &Four { id: 5, ttl, ..four(A, B) }.carries(6, &body));
    }
    assert_eq!((seat.only().out.packets, seat.report().copies), (1, 1));
}

#[test]
fn each_direction_is_told_as_the_place_saw_it_that_saw_most() {
    let mut seat = Seat::new(10);
    let out = |id| Four { id, ..four(A, B) }.carries(17, &datagram((5000, 53), b"x"));
    let back = |id| Four { id, ..four(B, A) }.carries(17, &datagram((53, 5000), b"yz"));
    // One interface saw the first request alone, another all of them, a third the answers.
    for (at, place, ip) in
        [(0, 4, out(1)), (1, 2, out(1)), (10, 2, out(2)), (20, 2, out(3)), (25, 9, back(1)), (30, 9, back(2))]
    {
        seat.sees(place, Link::ETHERNET, at, &ether(&ip));
    }
    let row = seat.only();
    assert_eq!((row.out.packets, row.back.packets), (3, 2));
    assert_eq!(row.rate.iter().sum::<u64>(), 3 * 29 + 2 * 30);
}

#[test]
fn each_network_of_a_tunnel_has_its_own_flows() {
    let mut seat = Seat::new(10);
    let ip = four(A, B).carries(17, &datagram((5000, 53), b"x"));
    let back = four(B, A).carries(17, &datagram((53, 5000), b"xyz"));
    let mut other = tunnelled(NODE_A, NODE_B, &ip);
    other[28 + 6] = 9;
    for (at, ip) in [
        (0, &tunnelled(NODE_A, NODE_B, &ip)),
        (10, &tunnelled(NODE_B, NODE_A, &back)),
        (20, &other),
        (30, &ip),
    ] {
        seat.ip(at, ip);
    }
    let report = seat.report();
    let rows: Vec<_> = report
        .flows
        .iter()
        .map(|row| (row.tunnel.as_ref().and_then(|t| t.vni), row.out.packets, row.back.packets))
        .collect();
    assert_eq!(rows, [(Some(1), 1, 1), (Some(9), 1, 0), (None, 1, 0)]);
    let tunnel = report.flows[0].tunnel.clone().unwrap();
    assert_eq!(
        (tunnel.src.to_string(), tunnel.dst.to_string(), tunnel.port),
        ("192.168.50.11".into(), "192.168.50.12".into(), 8472)
    );
}

#[test]
fn fragments_belong_where_the_first_does() {
    let whole = datagram((5000, 53), &[1; 1000]);
    let part = |part, body: &[u8]| Four { id: 7, part, ..four(A, B) }.carries(17, body);
    let mut seat = Seat::new(10);
    seat.ip(0, &part(0x2000, &whole[..504]));
    seat.ip(5, &part(63, &whole[504..]));
    let row = seat.only();
    assert_eq!((row.dst.port, row.out.packets, row.out.bytes), (Some(53), 2, 40 + 1008));
    // The outer packet is in pieces: what is behind the first belongs to the inner flow.
    let outer = tunnelled(NODE_A, NODE_B, &four(A, B).carries(17, &whole));
    let part = |part, body: &[u8]| Four { id: 9, part, ..four(NODE_A, NODE_B) }.carries(17, body);
    let mut seat = Seat::new(10);
    seat.ip(0, &part(0x2000, &outer[20..620]));
    seat.ip(5, &part(75, &outer[620..]));
    let row = seat.only();
    assert_eq!((row.dst.port, row.out.packets), (Some(53), 2));
    assert_eq!(row.tunnel.unwrap().vni, Some(1));
}

#[test]
fn the_flow_that_was_idle_longest_makes_room() {
    let mut seat = Seat::new(3);
    let from = |port| four(A, B).carries(17, &datagram((port, 53), b"x"));
    for (at, port) in [(0, 1), (1, 2), (2, 3), (3, 1), (4, 4), (5, 1), (6, 5)] {
        seat.ip(at, &from(port));
    }
    let report = seat.report();
    let mut ports: Vec<_> = report.flows.iter().filter_map(|row| row.src.port).collect();
    ports.sort_unstable();
    assert_eq!((ports, report.forgotten, report.known), (vec![1, 4, 5], 2, 3));
    assert_eq!(report.flows[0].out.packets, 3, "the one that lived on kept its counts");
    // An error about a flow that was forgotten makes no wrong one of it.
    seat.ip(9, &error([10, 244, 1, 1], A, 3, 3, 0, &from(2)));
    let named: Vec<_> = seat.report().flows.iter().map(|row| (row.src.port, row.icmp.unreachable)).collect();
    assert!(named.contains(&(Some(2), 1)) && named.iter().map(|(_, n)| n).sum::<u64>() == 1, "{named:?}");
}
