//! Whatever is seen, and in whatever order: nothing panics, the table keeps its bounds, and every record is a line.

use proptest::prelude::*;

use super::made::{echo, fragment, fragment6, ip4, ip6, segment, udp};
use super::*;
use crate::capture::Printer;
use crate::capture::ctx::{Compat, Opts};
use crate::capture::json::Records;
use crate::capture::names::Names;
use crate::capture::pairing::order::Order;
use crate::capture::pairing::words::Words;
use crate::capture::text::Out;

const HOSTS: [&str; 7] =
    ["10.244.1.2", "10.244.1.3", "10.244.1.0", "10.244.2.8", "10.244.3.8", "10.96.0.1", "192.168.50.11"];

/// Few values of everything, so that packets have much in common.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let host = || prop::sample::select(HOSTS.to_vec());
    (host(), host(), 0u8..7, 0u16..3, 0u32..5, 0u32..5, prop::collection::vec(any::<u8>(), 0..90)).prop_map(
        |(src, dst, kind, id, from, len, bytes)| {
            let ends = (src, dst);
            let whole = udp(id, ends, (1, 2), &[5; 400]);
            match kind {
                0 => ip4(6, id, 0x4000, ends, &segment(from * 50, (from + len) * 50)),
                1 => ip4(1, id, 0, ends, &echo(8, 1, from as u16)),
                2 => udp(id, ends, (1, 2), &vec![7; len as usize * 40]),
                3 => fragment(&whole, from as usize * 80, (from as usize * 80 + 80).min(408)),
                5 => {
                    let whole = ip6(17, ("fd00:1::2", "fd00:2::8"), &[5; 2000]);
                    fragment6(&whole, id.into(), from as usize * 400, from as usize * 400 + 400)
                }
                4 => ip6(6, ("fd00:1::2", "fd00:2::8"), &segment(from, from + len)),
                _ => [ip4(from as u8 * 17, id, 0, ends, &[]), bytes].concat(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn any_sightings_in_any_order_are_borne(
        rows in prop::collection::vec((packet(), 0usize..5, 0i64..3_000, any::<bool>()), 0..300),
        step in 1i64..500,
    ) {
        let mut table = Table::new(points(), scope(), SECOND, 50);
        let printer = Printer::new(Opts::new(Compat::Ours), Names::default(), Box::new(|_| 0));
        let mut words = Words::new(printer, Records::default());
        let (mut order, mut out) = (Order::default(), Out::default());
        for (place, (bytes, point, at, tunnelled)) in rows.iter().enumerate() {
            let len = bytes.len() as u32;
            let Some((seen, _)) = Seen::read(Link::RAW, bytes, len) else { continue };
            let outer = Outer { vni: Some(1), src: ip("192.168.50.12"), dst: ip("192.168.50.11") };
            let outer = (*point == UPLINK && *tunnelled).then_some(outer);
            let bytes = bytes.as_slice().into();
            let sighting = Sighting { at: at * MS, point: *point, seen, outer, bytes, len, wanted: true };
            order.push(sighting, points()[*point].stage, *tunnelled);
            let upto = place as i64 * step * US;
            while let Some(sighting) = order.next(upto) {
                table.take(sighting);
            }
            table.tick(upto, |record| words.text(1, &record, &points(), &mut out));
            prop_assert!(table.size() <= 50);
        }
        while let Some(sighting) = order.next(i64::MAX) {
            table.take(sighting);
        }
        prop_assert!(order.is_empty());
        let mut lines = 0;
        table.tick(i64::MAX, |record| {
            lines += 1;
            words.json(1, &record, &points(), &mut out);
        });
        prop_assert_eq!((table.size(), table.under_way()), (0, 0));
        let text = String::from_utf8_lossy(out.bytes()).into_owned();
        prop_assert!(text.is_empty() || text.ends_with('\n'));
        for line in text.lines().rev().take(lines) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{}", line);
        }
    }

    #[test]
    fn any_bytes_are_a_packet_or_none(link in any::<u16>(), bytes in prop::collection::vec(any::<u8>(), 0..120), len in any::<u32>()) {
        if let Some((_, at)) = Seen::read(Link(link), &bytes, len) {
            prop_assert!(at <= bytes.len());
        }
    }

    #[test]
    fn a_whole_packet_is_known_again_at_every_point_of_its_way(bytes in packet(), gap in 0i64..900) {
        let seen = Seen::read(Link::RAW, &bytes, bytes.len() as u32).map(|(seen, _)| seen);
        let ends = seen.map(|seen| (seen.ends.src, seen.ends.dst));
        let course = ends.and_then(|ends| scope().course(ends, &points(), (POD1, false)));
        // What has one point is no way.
        prop_assume!(course.as_ref().is_some_and(|course| course.known && course.steps.len() > 1));
        let course = course.unwrap_or_default();
        let mut table = Table::new(points(), scope(), SECOND, 50);
        for (place, step) in course.steps.iter().enumerate() {
            let tunnelled = step.point == UPLINK && course.steps.iter().any(|step| step.point == TUNNEL);
            let outer = Outer { vni: Some(1), src: ip("192.168.50.12"), dst: ip("192.168.50.11") };
            let outer = tunnelled.then_some(outer);
            table.take(sighting(step.point, place as i64 * gap * US, &bytes, outer));
        }
        let mut told = Vec::new();
        table.tick(i64::MAX, |record| told.push(record));
        prop_assert_eq!(told.len(), 1);
        prop_assert_eq!(&told[0].fate, &Fate::Through);
        prop_assert_eq!(told[0].points.len(), course.steps.len());
    }
}
