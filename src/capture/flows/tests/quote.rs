//! ICMP errors: whose they are.

use super::{A, ACK, B, NODE_A, NODE_B, Seat, cat, datagram, echo, error, four, segment, tunnelled};

#[test]
fn an_error_belongs_to_the_flow_that_it_quotes() {
    let ip = four(A, B).carries(6, &segment((40_112, 80), 1, 1, ACK, 1400));
    let outer = tunnelled(NODE_A, NODE_B, &ip);
    let head = |ip: &[u8], n: usize| ip[..n.min(ip.len())].to_vec();
    for (what, sent, said, from) in [
        // Beside the tunnel: the node itself says that the packet is too long for its device.
        ("plain", &ip, error([10, 244, 1, 1], A, 3, 4, 0xaa, &head(&ip, 28)), "10.244.1.1"),
        // Within the tunnel: the far node.
        (
            "inside",
            &outer,
            tunnelled(NODE_B, NODE_A, &error([10, 244, 2, 0], A, 3, 4, 0xaa, &head(&ip, 28))),
            "10.244.2.0",
        ),
        // Within the tunnel, from a node that the flow does not go to.
        (
            "third",
            &outer,
            tunnelled([192, 168, 50, 13], NODE_A, &error([10, 244, 3, 0], A, 3, 4, 0xaa, &head(&ip, 28))),
            "10.244.3.0",
        ),
        // Around the tunnel: a router of the underlay, which quotes the whole of the outer packet's head.
        ("outside", &outer, error([192, 168, 50, 1], NODE_A, 3, 4, 0xaa, &head(&outer, 120)), "192.168.50.1"),
    ] {
        let mut seat = Seat::new(10);
        seat.ip(0, sent);
        seat.ip(200, &said);
        let row = seat.only();
        assert_eq!((row.icmp.too_big, row.icmp.mtu), (1, Some(0x5aa)), "{what}");
        assert_eq!(row.icmp.from.unwrap().to_string(), from, "{what}");
        assert_eq!((row.out.packets, row.back.packets), (1, 0), "the error is none of its packets: {what}");
    }
    // A flow of which nothing but the error is seen; an outer packet that was quoted too short; a ping.
    let ping = four(A, B).carries(1, &echo(8, 9, 1));
    for (said, proto, port) in [
        (error([10, 244, 1, 1], A, 3, 1, 0, &head(&ip, 28)), "tcp", Some(80)),
        (error([192, 168, 50, 1], NODE_A, 3, 3, 0, &head(&outer, 28)), "udp", Some(8472)),
        (error([192, 168, 50, 1], NODE_A, 3, 3, 0, &head(&outer, 46)), "udp", Some(8472)),
        (error([10, 244, 1, 1], A, 11, 0, 0, &ping), "icmp", None),
    ] {
        let mut seat = Seat::new(10);
        seat.ip(0, &said);
        let row = seat.only();
        assert_eq!((row.proto.as_str(), row.dst.port, row.out.packets), (proto, port, 0));
        assert_eq!(row.icmp.unreachable + row.icmp.time_exceeded, 1);
    }
}

#[test]
fn an_error_belongs_into_its_own_network() {
    let ip = four(A, B).carries(17, &datagram((5000, 53), b"x"));
    let mut seat = Seat::new(10);
    let within = |vni, src, dst, ip: &[u8]| {
        let mut outer = tunnelled(src, dst, ip);
        outer[20 + 8 + 6] = vni;
        outer
    };
    seat.ip(0, &within(1, NODE_A, NODE_B, &ip));
    seat.ip(5, &within(9, NODE_A, NODE_B, &ip));
    let refused = error(B, A, 3, 3, 0, &ip);
    seat.ip(9, &within(1, NODE_B, NODE_A, &refused));
    let mut found: Vec<_> = seat
        .report()
        .flows
        .iter()
        .map(|row| (row.tunnel.as_ref().and_then(|tunnel| tunnel.vni), row.icmp.unreachable))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [(Some(1), 1), (Some(9), 0)]);
}

#[test]
fn an_error_of_ipv6_says_how_long_a_packet_may_be() {
    let six = |next, src: u8, dst: u8, body: &[u8]| {
        let len = (body.len() as u16).to_be_bytes();
        cat(&[&[0x60, 0, 0, 0, len[0], len[1], next, 64], &[src; 16], &[dst; 16], body])
    };
    let sent = six(17, 1, 2, &datagram((5000, 53), &[0; 64]));
    let mut seat = Seat::new(10);
    seat.ip(0, &sent);
    seat.ip(9, &six(58, 9, 1, &cat(&[&[2, 0, 0, 0, 0, 0, 5, 0x78], &sent[..48]])));
    let row = seat.only();
    assert_eq!((row.icmp.too_big, row.icmp.mtu, row.icmp.kind), (1, Some(1400), Some(2)));
    assert_eq!(row.src.addr.to_string(), "101:101:101:101:101:101:101:101");
}
