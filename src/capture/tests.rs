//! Whatever the bytes are, every printer ends, and ends its line.

use proptest::prelude::*;

use super::Printer;
use super::ctx::{Compat, Force, Opts};
use super::names::Names;
use super::packet::{Link, Packet, Stamp};
use super::text::Out;

fn printed(
    compat: Compat,
    (v, e, q): (u8, bool, u8),
    link: u16,
    data: &[u8],
    more: u32,
    force: Option<Force>,
) -> Vec<u8> {
    let mut opts = Opts::new(compat);
    (opts.v, opts.e, opts.q, opts.n, opts.force) = (v, e, q, true, force);
    let mut printer = Printer::new(opts, Names::default(), Box::new(|_| 0));
    let caplen = data.len() as u32;
    let packet = Packet {
        ts: Stamp { secs: 1, frac: 2 },
        len: caplen + more,
        caplen,
        link: Link(link),
        data,
        interface: 0,
    };
    let mut out = Out::default();
    printer.packet(&packet, &mut out);
    out.bytes().to_vec()
}

/// The way to a printer: a frame whose headers lead there, then anything.
fn head(at: usize) -> Vec<u8> {
    let eth = |kind: u16| [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1][..], &kind.to_be_bytes()].concat();
    let ip4 = |proto: u8| {
        let ip = [0x45, 0, 0x7f, 0xff, 0, 1, 0, 0, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        [eth(0x0800), ip.to_vec()].concat()
    };
    let ip6 = |next: u8| {
        let ip = [&[0x60, 0, 0, 0, 0x7f, 0xff, next, 64][..], &[0xfd; 16], &[0xfe; 16]].concat();
        [eth(0x86dd), ip].concat()
    };
    let udp = |port: u16| [&ip4(17)[..], &[0xc0, 0], &port.to_be_bytes(), &[0x7f, 0xff, 0, 0]].concat();
    let tcp = |port: u16| {
        let segment = [0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
        [&ip4(6)[..], &[0xc0, 0], &port.to_be_bytes(), &segment].concat()
    };
    let options =
        [ip4(6), vec![0xc0, 0, 0xc0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xf0, 0x10, 1, 0, 0, 0, 0, 0]].concat();
    let ports = [53, 67, 123, 4789, 8472, 6081, 4790, 8285, 51_820];
    let all: Vec<Vec<u8>> =
        [eth(0x0806), eth(0x8100), eth(0x894f), eth(60), eth(0x0800), eth(0x86dd), options]
            .into_iter()
            .chain([1, 2, 4, 6, 17, 41, 47, 50, 51].map(ip4))
            .chain([0, 43, 44, 58, 60, 51].map(ip6))
            .chain(ports.map(udp))
            .chain([21, 22, 53, 80, 554, 6379].map(tcp))
            .chain([Vec::new()])
            .collect();
    all.get(at % all.len()).cloned().unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn any_bytes_behind_any_header_are_one_packet_of_text(
        at in 0usize..40,
        tail in prop::collection::vec(any::<u8>(), 0..300),
        how in (0u8..4, any::<bool>(), 0u8..2),
        compat in prop::sample::select(vec![Compat::V499, Compat::V50, Compat::Ours]),
        more in prop::sample::select(vec![0u32, 1, 40, 70_000]),
    ) {
        let data = [head(at), tail].concat();
        let text = printed(compat, how, 1, &data, more, None);
        prop_assert_eq!(text.last(), Some(&b'\n'));
    }

    #[test]
    fn any_bytes_of_any_link_type_are_one_packet_of_text(
        link in prop::sample::select(vec![0u16, 1, 9, 50, 51, 101, 108, 113, 228, 229, 239, 276, 300]),
        data in prop::collection::vec(any::<u8>(), 0..200),
        how in (0u8..4, any::<bool>(), 0u8..2),
        compat in prop::sample::select(vec![Compat::V499, Compat::V50, Compat::Ours]),
        force in prop::sample::select(vec![None, Some(Force::Vxlan), Some(Force::Domain), Some(Force::Resp)]),
    ) {
        let text = printed(compat, how, link, &data, 0, force);
        prop_assert_eq!(text.last(), Some(&b'\n'));
    }
}
