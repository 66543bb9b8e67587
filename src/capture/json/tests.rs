use proptest::prelude::*;

use super::Records;
use crate::capture::ctx::{Compat, Tunnels};
use crate::capture::nodes::{Node, Nodes};
use crate::capture::packet::{Link, Packet, Stamp};
use crate::capture::text::Out;

fn line(link: Link, data: &[u8]) -> String {
    let node = Node { name: "b\"\n".into(), nets: vec![([10, 2, 0, 0].into(), 16)], publics: Vec::new() };
    let records = Records { nodes: Nodes(vec![node]), interfaces: vec!["eth0".into()], ..Records::default() };
    let len = data.len() as u32;
    let packet = Packet { ts: Stamp { secs: 7, frac: 12 }, len, caplen: len, link, data, interface: 0 };
    let mut out = Out::default();
    records.packet(3, &packet, &Tunnels::known(Compat::Ours), &mut out);
    String::from_utf8(out.bytes().to_vec()).unwrap()
}

#[test]
fn a_tunnelled_ping_is_outer_tunnel_and_inner() {
    let eth = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let ip = |proto, len: u8, src: [u8; 4], dst: [u8; 4]| {
        [vec![0x45, 0, 0, len, 0, 9, 0, 0, 64, proto, 0, 0], src.to_vec(), dst.to_vec()].concat()
    };
    let icmp = [8, 0, 0, 0, 0, 1, 0, 2];
    let inner = [&eth[..], &ip(1, 28, [10, 1, 0, 1], [10, 2, 0, 1]), &icmp].concat();
    let udp = [0x82, 0x35, 0x21, 0x18, 0, 58, 0, 0, 0x88, 0, 0, 100, 0, 0, 1, 0];
    let packet = [&eth[..], &ip(17, 78, [192, 168, 50, 11], [192, 168, 50, 12]), &udp, &inner].concat();
    let value: serde_json::Value = serde_json::from_str(&line(Link::ETHERNET, &packet)).unwrap();
    assert_eq!(value["tunnel"], serde_json::json!({"kind": "vxlan", "vni": 1, "group": 100}));
    assert_eq!(value["inner"]["ip"]["dst_node"], "b\"\n");
    assert_eq!(value["inner"]["icmp"], serde_json::json!({"type": 8, "code": 0, "id": 1, "seq": 2}));
    assert_eq!(value["outer"]["udp"]["dport"], 8472);
    assert_eq!(value["outer"]["eth"]["src"], "02:00:00:00:00:01");
    assert_eq!(value["time"], 7.000012);
    assert_eq!(value.get("cut"), None);
}

proptest! {
    #[test]
    fn whatever_the_bytes_are_the_line_is_json(
        link in prop::sample::select(vec![0u16, 1, 101, 113, 228, 229, 276, 999]),
        data in prop::collection::vec(any::<u8>(), 0..200),
        kind in prop::sample::select(vec![0x0800u16, 0x0806, 0x8100, 0x86dd]),
    ) {
        let mut data = data;
        if let Some(slot) = data.get_mut(12..15) {
            slot.copy_from_slice(&[(kind >> 8) as u8, kind as u8, 0x45]);
        }
        let line = line(Link(link), &data);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
    }
}
