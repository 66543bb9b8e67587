//! What any bytes are given to: a target returns, or something is wrong. The first bytes choose among options.

use std::io::{Cursor, Read};

use flanctl::capture::Printer;
use flanctl::capture::bpf::{Insn, Program};
use flanctl::capture::ctx::{Compat, Force, Opts, Time, Tunnels};
use flanctl::capture::inner;
use flanctl::capture::json::Records;
use flanctl::capture::names::Names;
use flanctl::capture::nodes::{Node, Nodes};
use flanctl::capture::packet::{Link, Packet, Stamp};
use flanctl::capture::select::{Held, Select, Unread};
use flanctl::capture::source::{Decoder, Precision, Step};
use flanctl::capture::text::Out;
use flanctl::tap::{filter, unpacked};

/// A target: its name, and what it does with the bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 4] =
    [("link", link), ("file", file), ("inner", inner_filter), ("ndjson", ndjson)];

/// Takes bytes from the front; what is not there is 0.
struct Front<'a>(&'a [u8]);

impl<'a> Front<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn one_of<T: Copy>(&mut self, list: &[T]) -> T {
        list[usize::from(self.byte()) % list.len()]
    }

    /// The next bytes, at most `most`, as many as a byte says.
    fn some(&mut self, most: usize) -> &'a [u8] {
        let len = usize::from(self.byte()).min(most).min(self.0.len());
        let (some, rest) = self.0.split_at(len);
        self.0 = rest;
        some
    }

    /// A packet of the rest: its link type, by number too, and how much longer it was.
    fn packet(&mut self) -> Packet<'a> {
        let known = [1u16, 113, 276, 101, 228, 229, 0, 108, 9, 50, 51, 239, 147];
        let link = match self.byte() {
            255 => self.word(),
            at => known[usize::from(at) % known.len()],
        };
        let more = self.one_of(&[0u32, 0, 0, 1, 14, 1400, 70_000, u32::MAX - 70_000]);
        let frac = self.one_of(&[0u32, 999_999, 1_000_000, u32::MAX]);
        let data = self.0;
        let caplen = data.len() as u32;
        let ts = Stamp { secs: 1_700_000_000, frac };
        Packet { ts, len: caplen.saturating_add(more), caplen, link: Link(link), data, interface: 0 }
    }
}

fn nodes() -> Nodes {
    let node = |name: &str, third: u8| Node {
        name: name.to_owned(),
        nets: vec![([10, 244, third, 0].into(), 24), ("fd00::".parse().unwrap(), 8)],
        publics: vec![[192, 168, 50, third].into()],
    };
    Nodes(vec![node("node-a", 1), node("b\"\\\n\u{e9}", 2)])
}

fn opts(front: &mut Front<'_>) -> Opts {
    let mut opts = Opts::new(front.one_of(&[Compat::V499, Compat::V50, Compat::Ours, Compat::Ours]));
    let (flags, more) = (front.byte(), front.byte());
    let bit = |byte: u8, at: u8| byte >> at & 1 == 1;
    (opts.v, opts.q) = (flags & 3, u8::from(bit(flags, 2)) + u8::from(bit(more, 7)));
    (opts.n, opts.e, opts.absolute) = (bit(flags, 3), bit(flags, 4), bit(flags, 5));
    (opts.no_sums, opts.one_line, opts.nano) = (bit(flags, 6), bit(flags, 7), bit(more, 0));
    (opts.number, opts.lengths) = (bit(more, 1), bit(more, 2));
    match more >> 3 & 7 {
        1 => opts.x = 1,
        2 => opts.x = 2,
        3 => opts.xx = 1,
        4 => opts.xx = 2,
        5 => opts.a = 1,
        6 => opts.a = 2,
        _ => {}
    }
    opts.time = front.one_of(&[Time::Day, Time::None, Time::Unix, Time::SincePrevious, Time::Date]);
    let forced = [None, None, None, Some(Force::Vxlan), Some(Force::Domain), Some(Force::Resp)];
    opts.force = front.one_of(&forced);
    opts
}

/// Text of packets of any link type: two of them, since some things outlive a packet. Each ends its line.
fn link(bytes: &[u8]) {
    let mut front = Front(bytes);
    let opts = opts(&mut front);
    let mut names = Names::default();
    if front.byte() & 1 == 1 {
        names.nodes = nodes();
    }
    let mut printer = Printer::new(opts, names, Box::new(|_| 3600));
    let mut out = Out::default();
    for packet in [front.packet(), Front(bytes).packet()] {
        printer.packet(&packet, &mut out);
        assert_eq!(out.bytes().last(), Some(&b'\n'));
    }
}

/// A capture file, packed or not, however its bytes come: the same packets, and no more than it has room for.
fn file(bytes: &[u8]) {
    let mut front = Front(bytes);
    let (at_once, precision) =
        (usize::from(front.byte()), front.one_of(&[Precision::Micro, Precision::Nano]));
    let Ok(plain) = unpacked(Box::new(Cursor::new(front.0.to_vec()))) else { return };
    let mut whole = Vec::new();
    // A small file may unpack to a very large one.
    let _ = plain.take(1 << 20).read_to_end(&mut whole);
    let packets = read(&whole, 1 << 20, precision);
    // The error at the end counts as one.
    assert!(packets.len() <= 1 + whole.len() / 12, "{} packets in {} bytes", packets.len(), whole.len());
    assert_eq!(packets, read(&whole, at_once + 1, precision));
}

/// What a decoder says of each packet, its bytes but for their number left out; and the error at the end.
fn read(file: &[u8], at_once: usize, precision: Precision) -> Vec<(i64, u32, u32, usize, String)> {
    let mut decoder = Decoder::new(precision);
    let mut pieces = file.chunks(at_once);
    let mut said = Vec::new();
    loop {
        match decoder.step() {
            Ok(Step::More) => decoder.fill(&mut pieces.next().unwrap_or_default()).unwrap(),
            Ok(Step::Record(r)) => said.push((r.sec, r.frac, r.link, r.data.len(), String::new())),
            Ok(Step::Opened(_)) => {}
            Ok(Step::End) => break,
            Err(broken) => said.push((0, 0, 0, 0, broken.to_string())),
        }
    }
    let notes = decoder.notes();
    let _ = notes.map(|notes| Nodes::of_comments(&notes.comments));
    said
}

/// Words that make an expression; those with a blank go to libpcap.
const WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "!",
    "(",
    ")",
    "vxlan",
    "vni",
    "1",
    "77",
    "node",
    "node-a",
    "node-z",
    "tcp",
    "udp",
    "icmp",
    "icmp6",
    "arp",
    "ip",
    "ip6",
    "host 10.244.1.8",
    "net 10.244.0.0/16",
    "src host fd00::1",
    "port 8472",
    "vlan",
    "portrange 1-99",
    "greater 100",
    "ip[8] < 5",
    "tcp[13] & 2 != 0",
    "ether broadcast",
    "ip proto 4",
    "&&",
    "||",
    "len > 3",
    "dst",
    "=",
    "16777216",
    "less",
    "inbound",
    "ip6 protochain 17",
];

/// `--inner`: any text, or words that may well mean something; any program; any packet.
fn inner_filter(bytes: &[u8]) {
    let mut front = Front(bytes);
    let by_libpcap = front.byte() & 1 == 1;
    let text = if by_libpcap {
        let words: Vec<&str> =
            front.some(24).iter().map(|at| WORDS[usize::from(*at) % WORDS.len()]).collect();
        words.join(" ")
    } else {
        String::from_utf8_lossy(front.some(200)).into_owned()
    };
    let any = Program(front.some(240).chunks(8).map(insn).collect());
    let compile = |words: &str| {
        if !by_libpcap {
            return Ok((any.clone(), any.clone()));
        }
        let compiled = |link| filter::compile(words, link, true).map_err(|failure| failure.to_string());
        Ok((compiled(1)?, compiled(101)?))
    };
    let packet = front.packet();
    any.matches(packet.data, packet.len);
    let tunnels = Tunnels::known(Compat::Ours);
    let tunnel = inner::find(&packet, &tunnels);
    let Ok(select) = Select::read::<Refused>(&text, &nodes(), &|words| compile(words).map_err(Refused))
    else {
        return;
    };
    select.takes(&Held::outer(&packet, tunnel));
    if let Some(tunnel) = tunnel {
        select.takes(&Held::inner(tunnel));
    }
}

/// Why an expression is none; nobody asks.
struct Refused(#[expect(dead_code, reason = "it is enough that there is a reason")] String);

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        Self(unread.to_string())
    }
}

fn insn(bytes: &[u8]) -> Insn {
    let mut front = Front(bytes);
    let (code, jt, jf) = (front.word() & 0xff, front.byte(), front.byte());
    Insn { code, jt, jf, k: u32::from(front.word()) << 16 | u32::from(front.word()) }
}

/// Records: one line of JSON a packet, with what every packet has.
fn ndjson(bytes: &[u8]) {
    let mut front = Front(bytes);
    let flags = front.byte();
    let mut records = Records { nano: flags & 1 == 1, ..Records::default() };
    if flags & 2 == 2 {
        records.nodes = nodes();
        records.interfaces = vec!["eth\"0\u{1}\\".to_owned()];
        records.indexes.insert(2, "flannel.1".to_owned());
    }
    let packet = front.packet();
    let mut out = Out::default();
    records.packet(7, &packet, &Tunnels::known(Compat::Ours), &mut out);
    let text = std::str::from_utf8(out.bytes()).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    assert!(
        !line.contains('\n') && value["outer"].is_object() && value["caplen"] == packet.data.len(),
        "{line}"
    );
}
