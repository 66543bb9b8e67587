//! What is done for each packet of a file asks for no memory: reading, text and records.

#[path = "../../../benches/capture/packets.rs"]
#[expect(dead_code, reason = "the bench needs more of it")]
mod packets;

use allocation_counter::measure;
use flanctl::capture::Printer;
use flanctl::capture::ctx::{Compat, Opts, Tunnels};
use flanctl::capture::json::Records;
use flanctl::capture::names::Names;
use flanctl::capture::packet::Packet;
use flanctl::capture::source::{Decoder, Precision, Step};
use flanctl::capture::text::Out;
use packets::{Crowd, Traffic};

use super::dice;

/// A file of overlay traffic.
fn file(packets: usize) -> Vec<u8> {
    let mut file = Traffic::head().to_vec();
    let mut traffic = Traffic::new(Crowd { nodes: 4, pods: 50, connections: 100 });
    (0..packets).for_each(|_| traffic.record(&mut file));
    file
}

/// Reads the file; how many packets it had, and how often memory was asked for from packet `from` on.
fn asked(file: &[u8], from: u64, mut each: impl FnMut(u64, &Packet<'_>)) -> (u64, u64) {
    let mut decoder = Decoder::new(Precision::Micro);
    let (mut rest, mut packets, mut asked, mut over) = (file, 0, 0, false);
    while !over {
        let info = measure(|| match decoder.step().unwrap() {
            Step::Record(record) => {
                packets += 1;
                each(packets, &record.packet());
            }
            Step::More => decoder.fill(&mut rest).unwrap(),
            Step::Opened(_) => {}
            Step::End => over = true,
        });
        asked += if packets >= from { info.count_total } else { 0 };
    }
    (packets, asked)
}

#[test]
fn a_packet_of_a_file_costs_no_memory_as_text_or_as_record() {
    // Every connection has been seen, and the buffers have their size.
    let (file, warm) = (file(12_000), 4000);
    for (compat, v) in [(Compat::Ours, 0), (Compat::Ours, 2), (Compat::V499, 0), (Compat::V50, 3)] {
        let opts = Opts { n: true, v, ..Opts::new(compat) };
        let mut printer = Printer::new(opts, Names::default(), Box::new(|_| 0));
        let (mut out, mut written) = (Out::with_room(128 * 1024), 0);
        let (packets, asked) = asked(&file, warm, |number, packet| {
            printer.numbered(number, packet, &mut out);
            written += out.len();
            out.clear();
        });
        assert_eq!((packets, asked), (12_000, 0), "{compat:?} -v {v}");
        assert!(written > 12_000 * 150, "{compat:?} -v {v}: {written} bytes");
    }
    let (records, tunnels) = (Records::default(), Tunnels::known(Compat::Ours));
    let mut out = Out::with_room(128 * 1024);
    let answer = asked(&file, warm, |number, packet| {
        records.packet(number, packet, &tunnels, &mut out);
        out.clear();
    });
    assert_eq!(answer, (12_000, 0));
    assert!(measure(|| drop(vec![0; packets_of(&file)])).count_total > 0, "the counter counts");
}

/// Something that the compiler cannot know.
fn packets_of(file: &[u8]) -> usize {
    file.len() / 300
}
