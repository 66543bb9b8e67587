//! The table, and what holds for any bytes.

use proptest::prelude::*;

use super::{
    A, ACK, B, Four, Known, Link, NODE_A, NODE_B, SYN, Seat, cat, datagram, echo, error, ether, four,
    segment, tunnelled,
};
use crate::capture::ctx::{Compat, Tunnels};
use crate::capture::flows::text::{Look, lines};
use crate::capture::flows::{Beat, Flows};
use crate::capture::nodes::{Node, Nodes};
use crate::capture::packet::Stamp;

#[test]
fn the_table_has_most_bytes_first_and_no_line_beyond_the_terminal() {
    let mut seat = Seat::new(10);
    seat.ip(0, &four(A, B).carries(1, &echo(8, 9, 1)));
    seat.ip(250, &four(B, A).carries(1, &echo(0, 9, 1)));
    let ip = four(A, B).carries(6, &segment((40_112, 80), 1, 1, ACK, 1400));
    seat.ip(500, &tunnelled(NODE_A, NODE_B, &ip));
    seat.ip(600, &error([192, 168, 50, 1], NODE_A, 3, 4, 0xaa, &tunnelled(NODE_A, NODE_B, &ip)));
    seat.ip(700, &[0; 4]);
    let node =
        Node { name: "node\u{1b}-b".into(), nets: vec![([10, 244, 2, 0].into(), 24)], publics: Vec::new() };
    let known = Known { nodes: Nodes(vec![node]), interfaces: vec!["eth0".into()], ..Known::default() };
    let report = seat.flows.report(None, &known, seat.flows.now().unwrap());
    let text = lines(&report, Look { width: None, names: None });
    assert_eq!(text[0], "2 flows, 5 packets, 0.0 s, 1 not IP or cut short");
    let columns: Vec<&str> = text[1].split_whitespace().collect();
    assert_eq!(
        columns[..6],
        ["FLOW", "TUNNEL", "ON", "PACKETS", "BYTES", "RTT"],
        "nothing was sent again: no column"
    );
    assert!(
        text[2].starts_with(
            "tcp 10.244.1.2:40112 > 10.244.2.8:80 (node-b)  vni 1 192.168.50.11 > 192.168.50.12  eth0"
        ),
        "{text:#?}"
    );
    assert!(text[2].contains("1 too big (mtu 1450) from 192.168.50.1"), "{text:#?}");
    assert!(
        text[3].starts_with("icmp 10.244.1.2 > 10.244.2.8 (node-b) id 9") && text[3].contains("0.25 ms"),
        "{text:#?}"
    );
    for width in [1, 20, 60, 80, 100, 140, 200] {
        let lines = lines(&report, Look { width: Some(width), names: None });
        assert_eq!(lines.len(), text.len());
        assert!(lines.iter().all(|line| line.chars().count() <= usize::from(width)), "{width}: {lines:#?}");
    }
}

/// Link type, time, length if not that of the bytes, and bytes.
type Drawn = (u16, (i64, u32), Option<u32>, Vec<u8>);

/// Bytes that often look like packets: a head that makes sense, then anything.
fn packets() -> impl Strategy<Value = Vec<Drawn>> {
    let (a, b) = (four(A, B), four(B, A));
    let heads = vec![
        Vec::new(),
        ether(&a.carries(6, &segment((1, 2), 3, 4, ACK, 0))),
        ether(&b.carries(6, &segment((2, 1), 3, 4, SYN, 9))),
        ether(&a.carries(1, &echo(8, 1, 1))),
        ether(&error(B, A, 3, 4, 1, &tunnelled(NODE_A, NODE_B, &a.carries(17, &datagram((1, 2), b""))))),
        ether(&tunnelled(NODE_A, NODE_B, &a.carries(17, &datagram((1, 2), b"")))),
        ether(&Four { part: 0x2000, ..four(A, B) }.carries(17, &datagram((1, 2), b"abcdefgh"))),
        ether(&Four { part: 1, ..four(A, B) }.carries(17, b"abcdefgh")),
    ];
    let one = (
        prop::sample::select(vec![0u16, 1, 1, 1, 1, 101, 113, 276]),
        (prop_oneof![any::<i64>(), Just(7)], any::<u32>()),
        any::<Option<u32>>(),
        prop::sample::select(heads),
        prop::collection::vec(any::<u8>(), 0..60),
        prop::collection::vec((0usize..140, any::<u8>()), 0..4),
    );
    let one = one.prop_map(|(link, at, len, head, tail, edits)| {
        let mut bytes = cat(&[&head, &tail]);
        for (at, byte) in edits {
            bytes.get_mut(at).into_iter().for_each(|slot| *slot = byte);
        }
        (link, at, len, bytes)
    });
    prop::collection::vec(one, 0..40)
}

proptest! {
    #[test]
    fn any_bytes_are_flows_within_the_bound(packets in packets(), most in 1usize..6, live in any::<bool>()) {
        let beat = if live { Beat::Live } else { Beat::FILE };
        let mut seat = Seat { flows: Flows::new(most, beat, live), tunnels: Tunnels::known(Compat::Ours) };
        for (link, (secs, frac), len, bytes) in &packets {
            let (ts, len) = (Stamp { secs: *secs, frac: *frac }, len.unwrap_or(bytes.len() as u32));
            seat.sees_at(frac % 3, Link(*link), ts, len, bytes);
            let flows = &seat.flows;
            let report = flows.report(None, &Known::default(), flows.now().unwrap_or(0));
            prop_assert!(report.known <= most && report.known == report.flows.len());
            let counted: u64 = report.flows.iter().map(|row| row.out.packets + row.back.packets).sum();
            prop_assert!(counted + report.other + report.copies <= report.captured);
            let text = lines(&report, Look { width: Some(90), names: None });
            prop_assert!(text.len() <= most + 2);
        }
        prop_assert_eq!(seat.report().captured, packets.len() as u64);
    }
}
