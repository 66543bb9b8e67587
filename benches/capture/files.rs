//! Files: two of them, read by both programs to nowhere; their texts beside each other; memory over ten times as much.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::packets::{Crowd, Traffic};
use super::run::{self, Spent, in_turns};
use super::table::{Mark, Table};

/// Many addresses, and few. tcpdump looks through its lists of addresses and of connections, so that few connections
/// are fairer to it.
pub const CROWDS: [Crowd; 2] =
    [Crowd { nodes: 16, pods: 250, connections: 2000 }, Crowd { nodes: 4, pods: 50, connections: 2000 }];

/// As many connections as memory is measured with.
const BUSY: Crowd = Crowd { nodes: 16, pods: 250, connections: 10_000 };

/// How many times faster each is to be than tcpdump: with -nn, with -nnvv, and records than tcpdump's -nn.
const MARKS: [[f64; 3]; 2] = [[20.0, 15.0, 1.0], [8.0, 6.0, 1.0]];

const ROUNDS: usize = 7;

/// Measures everything about files in `dir`.
pub fn measure(dir: &Path, packets: u32, table: &mut Table) {
    for (crowd, marks) in CROWDS.into_iter().zip(MARKS) {
        let addresses = u32::from(crowd.nodes) * u32::from(crowd.pods);
        let path = make(dir, crowd, packets);
        let file = path.to_str().unwrap();
        for options in ["-nn", "-nnvv"] {
            same(
                &format!("tcpdump {options} -r {file}"),
                &format!("capture --compat 4.99 {options} -r {file}"),
            );
        }
        let lines = [
            "tcpdump -nn -r",
            "capture -nn -r",
            "tcpdump -nnvv -r",
            "capture -nnvv -r",
            "capture -o ndjson -r",
        ]
        .map(|line| format!("{line} {file}"));
        let [plain, ours_plain, verbose, ours_verbose, ours_records] =
            in_turns(lines.each_ref().map(String::as_str), ROUNDS);
        let mut rows = |what: &str, ours: Spent, peer: Spent, mark: f64| {
            table.add_faster(what, addresses, ours.wall, peer.wall, Some(mark));
            table.add_faster(&format!("{what}, processor"), addresses, ours.cpu, peer.cpu, None);
        };
        rows("-nn -r", ours_plain, plain, marks[0]);
        rows("-nnvv -r", ours_verbose, verbose, marks[1]);
        rows("-o ndjson -r (peer: -nn)", ours_records, plain, marks[2]);
        std::fs::remove_file(&path).unwrap();
    }
    let path = make(dir, BUSY, packets);
    let addresses = u32::from(BUSY.nodes) * u32::from(BUSY.pods);
    let limit = [Mark { below: 30.0, at: addresses }];
    for options in ["-nn", "-nnvv", "-o ndjson"] {
        let what = format!("{options}, ten times as much, {} connections, at most", BUSY.connections);
        let peak = memory(&format!("capture {options} -r -"), &path);
        table.add(&what, addresses, peak, "MiB", None, &limit);
    }
    std::fs::remove_file(&path).unwrap();
}

/// Writes the file of a crowd.
fn make(dir: &Path, crowd: Crowd, packets: u32) -> PathBuf {
    let path = dir.join(format!("{}.pcap", u32::from(crowd.nodes) * u32::from(crowd.pods)));
    let mut file = BufWriter::new(File::create(&path).unwrap());
    file.write_all(&Traffic::head()).unwrap();
    let mut traffic = Traffic::new(crowd);
    let mut record = Vec::new();
    for _ in 0..packets {
        record.clear();
        traffic.record(&mut record);
        file.write_all(&record).unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
    path
}

/// Holds both outputs against each other, to the last byte.
fn same(peer: &str, ours: &str) {
    let mut children = [peer, ours].map(|line| run::command(line).stdout(Stdio::piped()).spawn().unwrap());
    let mut outputs = children.each_mut().map(|child| child.stdout.take().unwrap());
    let mut blocks = [vec![0; 1 << 20], vec![0; 1 << 20]];
    let mut whole = 0;
    loop {
        let got: Vec<usize> =
            outputs.iter_mut().zip(&mut blocks).map(|(from, to)| filled(from, to)).collect();
        let differs =
            blocks[0][..got[0]].iter().zip(&blocks[1][..got[1]]).position(|(one, other)| one != other);
        assert!(
            differs.is_none() && got[0] == got[1],
            "{ours}: differs at byte {}",
            whole + differs.unwrap_or(0)
        );
        whole += got[0];
        if got[0] == 0 {
            break;
        }
    }
    assert!(whole > 0 && children.iter_mut().all(|child| child.wait().unwrap().success()), "{ours}");
    eprintln!("  {ours}: {whole} bytes as tcpdump has them");
}

/// Fills the block unless the end comes first.
fn filled(from: &mut impl Read, block: &mut [u8]) -> usize {
    let mut at = 0;
    while at < block.len() {
        match from.read(&mut block[at..]).unwrap() {
            0 => break,
            got => at += got,
        }
    }
    at
}

/// The most memory in MiB that a program has in hand while it reads the file's packets ten times over.
fn memory(line: &str, path: &Path) -> f64 {
    let mut child = run::command(line).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let (mut to, mut file) = (child.stdin.take().unwrap(), File::open(path).unwrap());
    let feeder = thread::spawn(move || {
        let head = Traffic::head().len() as u64;
        std::io::copy(&mut (&mut file).take(head), &mut to).unwrap();
        for _ in 0..10 {
            file.seek(SeekFrom::Start(head)).unwrap();
            std::io::copy(&mut file, &mut to).unwrap();
        }
    });
    let mut most: f64 = 0.0;
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => most = most.max(run::peak(&child).unwrap_or_default()),
        }
        thread::sleep(Duration::from_millis(2));
    };
    feeder.join().unwrap();
    assert!(status.success() && most > 0.0, "{line}: {status}");
    most
}
