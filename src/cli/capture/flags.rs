//! What the options ask for, checked: numbers are numbers, and what cannot go together is refused.

use super::table::Key;
use super::words::{self, Given, Unread};
use crate::capture::ctx::{Compat, Force, Opts, Time};
use crate::cli::Color;

/// Longest packet that is captured unless `-s` says another.
const SNAPLEN: u32 = 262_144;

/// A command line that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The words themselves.
    #[error(transparent)]
    Words(#[from] Unread),
    /// A value, or two options that do not go together; tcpdump's words where it has some.
    #[error("{0}")]
    Value(String),
}

/// Which way packets go that are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Towards this host.
    In,
    /// Away from it.
    Out,
    /// Both.
    Both,
}

/// What is asked before anything is captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ask {
    /// Packets.
    #[default]
    Packets,
    /// `-h`.
    Help,
    /// `--version`.
    Version,
    /// `-D`.
    Interfaces,
    /// `-L`.
    LinkTypes,
    /// `-J`.
    StampTypes,
}

/// What is made of the packets that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Lines.
    #[default]
    Text,
    /// One JSON object a packet.
    Ndjson,
    /// `--count`.
    Count,
    /// `--flows`.
    Flows,
    /// `--path`.
    Path,
}

/// What stood before the verb.
#[derive(Clone, Debug)]
pub struct Before {
    /// `-o json`.
    pub json: bool,
    /// `--color`.
    pub color: Color,
    /// `--netns`.
    pub netns: Option<String>,
}

/// The whole command line.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one a flag of the command line")]
pub struct Flags {
    /// What is asked.
    pub ask: Ask,
    /// What is made of packets.
    pub form: Form,
    /// JSON rather than a table, where the form is neither text nor packets.
    pub json: bool,
    /// What changes text.
    pub print: Opts,
    /// `-r`.
    pub read: Option<String>,
    /// `-V`.
    pub list: Option<String>,
    /// `-i`.
    pub interfaces: Vec<String>,
    /// `-w`.
    pub write: Option<String>,
    /// `--pcapng`, or the name says so.
    pub pcapng: bool,
    /// `--print` with `-w`.
    pub and_print: bool,
    /// `-c`.
    pub count: Option<u64>,
    /// `--skip`.
    pub skip: u64,
    /// `--print-sampling`.
    pub sampling: Option<u64>,
    /// `-C`, in bytes.
    pub file_size: Option<u64>,
    /// `-G`.
    pub rotate_secs: Option<u64>,
    /// `-W`.
    pub rotate_count: Option<u64>,
    /// `-z`.
    pub post: Option<String>,
    /// `-Z`.
    pub user: Option<String>,
    /// `-l`.
    pub line_buffered: bool,
    /// `-U`.
    pub packet_buffered: bool,
    /// `--immediate-mode`.
    pub immediate: bool,
    /// Not `-p`.
    pub promiscuous: bool,
    /// `-Q`.
    pub direction: Direction,
    /// `-s`.
    pub snaplen: u32,
    /// `-B`, in bytes.
    pub buffer: Option<u32>,
    /// `-j`.
    pub stamp_type: Option<String>,
    /// `-y`.
    pub link_type: Option<String>,
    /// `-d`, how often.
    pub dump: u8,
    /// Not `-O`.
    pub optimize: bool,
    /// `-F`.
    pub expr_file: Option<String>,
    /// `--inner`.
    pub inner: Option<String>,
    /// `--max-flows`.
    pub max_flows: usize,
    /// `--timeout`, in milliseconds.
    pub timeout: u64,
    /// `--netns`.
    pub netns: Option<String>,
    /// `--pod`.
    pub pod: Option<String>,
    /// Not `--no-annotate`.
    pub annotate: bool,
    /// `--quiet`.
    pub quiet: bool,
    /// `--run-dir`.
    pub run_dir: Option<String>,
    /// `--color`.
    pub color: Color,
    /// The filter expression.
    pub expr: String,
}

impl Flags {
    /// Nothing given behind the verb.
    fn new(before: Before) -> Self {
        Self {
            ask: Ask::default(),
            form: Form::default(),
            json: before.json,
            print: Opts::new(Compat::Ours),
            read: None,
            list: None,
            interfaces: Vec::new(),
            write: None,
            pcapng: false,
            and_print: false,
            count: None,
            skip: 0,
            sampling: None,
            file_size: None,
            rotate_secs: None,
            rotate_count: None,
            post: None,
            user: None,
            line_buffered: false,
            packet_buffered: false,
            immediate: false,
            promiscuous: true,
            direction: Direction::Both,
            snaplen: SNAPLEN,
            buffer: None,
            stamp_type: None,
            link_type: None,
            dump: 0,
            optimize: true,
            expr_file: None,
            inner: None,
            max_flows: 10_000,
            timeout: 500,
            netns: before.netns,
            pod: None,
            annotate: true,
            quiet: false,
            run_dir: None,
            color: before.color,
            expr: String::new(),
        }
    }

    /// Reads the words behind `capture`.
    pub fn parse(words: &[String], before: Before) -> Result<Self, Wrong> {
        let (given, rest) = words::read(words)?;
        let mut flags = Self::new(before);
        // What is printed depends on it from the first flag on.
        for (_, value) in given.iter().filter(|(key, _)| *key == Key::Compat) {
            flags.print = Opts::new(compat(value)?);
        }
        let mut stamps = 0;
        for option in &given {
            stamps += u8::from(option.0 == Key::Stamp);
            flags.take(option)?;
        }
        flags.print.time = match stamps {
            0 => Time::Day,
            1 => Time::None,
            2 => Time::Unix,
            3 => Time::SincePrevious,
            4 => Time::Date,
            5 => Time::SinceFirst,
            _ => return wrong("only -t, -tt, -ttt, -tttt, and -ttttt are supported"),
        };
        flags.expr = rest.join(" ");
        flags.check(&given)?;
        Ok(flags)
    }

    fn take(&mut self, (key, value): &Given) -> Result<(), Wrong> {
        let more = |n: &mut u8| *n = n.saturating_add(1);
        let text = || Some(value.clone());
        let print = &mut self.print;
        match key {
            Key::Help => self.ask = Ask::Help,
            Key::Version => self.ask = Ask::Version,
            Key::Interfaces => self.ask = Ask::Interfaces,
            Key::LinkTypes => self.ask = Ask::LinkTypes,
            Key::StampTypes => self.ask = Ask::StampTypes,
            Key::CountOnly => self.form = Form::Count,
            Key::Flows => self.form = Form::Flows,
            Key::Path => self.form = Form::Path,
            Key::Output => match value.as_str() {
                "json" | "ndjson" => self.json = true,
                "text" | "wide" => self.json = false,
                other => return wrong(format!("unknown output {other:?}: text or ndjson")),
            },
            Key::Ascii => more(&mut print.a),
            Key::Hex => more(&mut print.x),
            Key::HexAscii => more(&mut print.xx),
            Key::Verbose => more(&mut print.v),
            Key::Quick => more(&mut print.q),
            Key::Link => print.e = true,
            Key::NoNames => print.n = true,
            Key::NoDomain => print.short_names = true,
            Key::NoSums => print.no_sums = true,
            Key::Number => print.number = true,
            Key::OneLine => print.one_line = true,
            Key::Lengths => print.lengths = true,
            Key::Sequence => print.absolute = true,
            Key::Undecoded => print.u = true,
            Key::Micro => print.nano = false,
            Key::Nano => print.nano = true,
            Key::Precision => match value.as_str() {
                "micro" => print.nano = false,
                "nano" => print.nano = true,
                other => return wrong(format!("unknown time stamp precision `{other}'")),
            },
            Key::Type => print.force = Some(force(value)?),
            Key::Read => self.read = text(),
            Key::FileList => self.list = text(),
            Key::Interface => self.interfaces.push(value.clone()),
            Key::Write => self.write = text(),
            Key::Pcapng => self.pcapng = true,
            Key::Print => self.and_print = true,
            Key::Count => self.count = Some(positive(value, "packet count")?),
            Key::Skip => self.skip = number(value, "packet skip count")?,
            Key::Sampling => {
                self.sampling = Some(positive(value, "print sampling")?);
                self.and_print = true;
                // Relative numbers would need the packets that are not looked at.
                print.absolute = true;
            }
            Key::FileSize => self.file_size = Some(size(value, print.compat)?),
            Key::RotateSeconds => self.rotate_secs = Some(positive(value, "number of seconds")?),
            Key::RotateCount => self.rotate_count = Some(positive(value, "number of output files")?),
            Key::Post => self.post = text(),
            Key::User => self.user = text(),
            Key::LineBuffered => self.line_buffered = true,
            Key::PacketBuffered => self.packet_buffered = true,
            Key::Immediate => self.immediate = true,
            Key::NoPromiscuous => self.promiscuous = false,
            Key::Direction => self.direction = direction(value)?,
            Key::Snaplen => {
                let told = number(value, "snaplen")?;
                self.snaplen = match u32::try_from(told) {
                    Ok(0) => SNAPLEN,
                    Ok(bytes) if bytes <= SNAPLEN => bytes,
                    _ => return wrong(format!("invalid snaplen {value}")),
                };
            }
            Key::BufferSize => {
                let kib = positive(value, "packet buffer size")?;
                let bytes = u32::try_from(kib.saturating_mul(1024)).ok().filter(|b| *b <= i32::MAX as u32);
                self.buffer =
                    Some(bytes.ok_or_else(|| Wrong::Value(format!("invalid packet buffer size {value}")))?);
            }
            Key::StampType => self.stamp_type = text(),
            Key::LinkType => self.link_type = text(),
            Key::Dump => more(&mut self.dump),
            Key::NoOptimize => self.optimize = false,
            Key::ExprFile => self.expr_file = text(),
            Key::Inner => self.inner = text(),
            Key::MaxFlows => self.max_flows = positive(value, "number of flows")? as usize,
            Key::Timeout => self.timeout = positive(value, "timeout")?,
            Key::Netns => self.netns = text(),
            Key::Pod => self.pod = text(),
            Key::Annotate => self.annotate = false,
            Key::Quiet => self.quiet = true,
            Key::RunDir => self.run_dir = text(),
            Key::Color => self.color = color(value)?,
            Key::Crypto | Key::Secret => return wrong("crypto code not compiled in"),
            Key::Monitor | Key::Mesh => return wrong("802.11 is none of an overlay's links"),
            // These two were read first; -b is for BGP, -f for what NIS knew, the rest asks for nothing.
            Key::Compat | Key::Stamp | Key::AsDot | Key::Foreign | Key::Mib | Key::Ignored => {}
        }
        Ok(())
    }

    /// What cannot go together.
    fn check(&mut self, given: &[Given]) -> Result<(), Wrong> {
        let has = |key| given.iter().any(|(k, _)| *k == key);
        if self.print.compat != Compat::V499 && self.print.a > 0 {
            if self.print.x > 0 {
                return wrong("-A and -x[x] are mutually exclusive.");
            }
            if self.print.xx > 0 {
                return wrong("-A and -X[X] are mutually exclusive.");
            }
        }
        if self.read.is_some() && self.list.is_some() {
            return wrong("-V and -r are mutually exclusive.");
        }
        let from_file = self.read.is_some() || self.list.is_some();
        if from_file && (!self.interfaces.is_empty() || self.netns.is_some() || self.pod.is_some()) {
            // tcpdump reads the file and forgets the interface; an error tells what is meant.
            if !self.interfaces.is_empty() && self.print.compat == Compat::Ours {
                return wrong("-r reads a file and -i an interface: one of them");
            }
        }
        if self.netns.is_some() && self.pod.is_some() {
            return wrong("--netns and --pod both name a namespace: one of them");
        }
        if self.form == Form::Path && from_file {
            return wrong("--path follows packets on this host, and needs no -r");
        }
        if self.form == Form::Count && has(Key::Flows) {
            return wrong("--count and --flows are two answers: one of them");
        }
        if self.json && self.form == Form::Text {
            self.form = Form::Ndjson;
        }
        self.pcapng |= self.write.as_deref().is_some_and(|name| name.ends_with(".pcapng"));
        Ok(())
    }
}

fn wrong<T>(text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Value(text.into()))
}

fn number(text: &str, what: &str) -> Result<u64, Wrong> {
    text.trim_start().parse().map_err(|_| Wrong::Value(format!("invalid {what} {text}")))
}

fn positive(text: &str, what: &str) -> Result<u64, Wrong> {
    let n = number(text, what)?;
    if n == 0 { wrong(format!("invalid {what} {text}")) } else { Ok(n) }
}

/// Millions of bytes, or with a letter units of 1,024.
fn size(text: &str, compat: Compat) -> Result<u64, Wrong> {
    let parted = text.char_indices().last().map(|(at, letter)| (text.get(..at).unwrap_or_default(), letter));
    let (digits, unit) = match parted {
        Some((digits, 'k' | 'K')) if compat != Compat::V499 => (digits, 1 << 10),
        Some((digits, 'm' | 'M')) if compat != Compat::V499 => (digits, 1 << 20),
        Some((digits, 'g' | 'G')) if compat != Compat::V499 => (digits, 1 << 30),
        _ => (text, 1_000_000),
    };
    let many = positive(digits, "file size").ok().and_then(|n| n.checked_mul(unit));
    many.ok_or_else(|| Wrong::Value(format!("invalid file size {text}")))
}

fn compat(text: &str) -> Result<Compat, Wrong> {
    match text.strip_prefix("tcpdump-").unwrap_or(text) {
        "5.0" | "5" => Ok(Compat::V50),
        "4.99" | "4.99.3" => Ok(Compat::V499),
        _ => wrong(format!("unknown tcpdump {text:?}: 5.0 or 4.99")),
    }
}

fn direction(text: &str) -> Result<Direction, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        "inout" => Ok(Direction::Both),
        _ => wrong(format!("unknown capture direction `{text}'")),
    }
}

fn color(text: &str) -> Result<Color, Wrong> {
    match text {
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        "never" => Ok(Color::Never),
        _ => wrong(format!("unknown color {text:?}: auto, always or never")),
    }
}

fn force(text: &str) -> Result<Force, Wrong> {
    let known = match text.to_ascii_lowercase().as_str() {
        "aodv" => Force::Aodv,
        "carp" => Force::Carp,
        "cnfp" => Force::Cnfp,
        "domain" => Force::Domain,
        "lmp" => Force::Lmp,
        "pgm" => Force::Pgm,
        "pgm_zmtp1" => Force::PgmZmtp1,
        "ptp" => Force::Ptp,
        "quic" => Force::Quic,
        "radius" => Force::Radius,
        "resp" => Force::Resp,
        "rpc" => Force::Rpc,
        "rtcp" => Force::Rtcp,
        "rtp" => Force::Rtp,
        "snmp" => Force::Snmp,
        "someip" => Force::Someip,
        "tftp" => Force::Tftp,
        "vat" => Force::Vat,
        "vxlan" => Force::Vxlan,
        "wb" => Force::Wb,
        "zmtp1" => Force::Zmtp1,
        _ => return wrong(format!("unknown packet type `{text}'")),
    };
    Ok(known)
}
