//! What fuzzing begins with: the packets and files of the fixtures behind a few options, and what earlier runs found
//! worth keeping. Those are in `fixtures/fuzz/TARGET.pcap`, an input a packet: a file that any reader of captures shows.

use std::path::{Path, PathBuf};

use flanctl::capture::source::{Decoder, Precision, Step};

/// The longest seed that is made of a fixture.
const MOST: usize = 8192;

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let kept = fixtures.join("fuzz").join(format!("{target}.pcap"));
    let mut seeds = packets(&kept);
    assert!(!seeds.is_empty(), "{} has seeds", kept.display());
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(fixtures.join("capture")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "pcap"));
    files.sort();
    for path in &files {
        match target {
            "file" => seeds.extend(Some([&[99, 0][..], &std::fs::read(path).unwrap()].concat())),
            "link" => {
                seeds.extend(packets(path).iter().map(|p| [&[2, 11, 0, 0, 0, 0, 0, 0, 0][..], p].concat()))
            }
            "inner" => {
                seeds.extend(packets(path).iter().map(|p| [&[1, 3, 6, 0, 13, 0, 0, 0, 0][..], p].concat()))
            }
            _ => seeds.extend(packets(path).iter().map(|p| [&[2, 0, 0, 0][..], p].concat())),
        }
    }
    seeds.retain(|seed| seed.len() <= MOST);
    seeds
}

/// The packets of a capture file.
fn packets(path: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let (mut decoder, mut rest, mut packets) = (Decoder::new(Precision::Micro), bytes.as_slice(), Vec::new());
    loop {
        match decoder.step() {
            Ok(Step::Record(record)) => packets.push(record.data.to_vec()),
            Ok(Step::More) => decoder.fill(&mut rest).unwrap(),
            Ok(Step::Opened(_)) => {}
            // Some fixtures end within a packet.
            Ok(Step::End) | Err(_) => return packets,
        }
    }
}
