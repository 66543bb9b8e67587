//! What the options ask for, checked: numbers are numbers, and what cannot go together is refused.

use super::flow_table;
use super::path_flags;
use super::table::Key;
use super::values::{color, compat, direction, force, number, positive, size, timeout, wrong};
use super::words::{self, Given, Unread};
use crate::capture::ctx::{Compat, Opts, Time};
use crate::cli::Color;

/// Longest packet that is captured unless `-s` says another.
pub(super) const SNAPLEN: u32 = 262_144;

/// Milliseconds after which `--path` takes a packet for lost, unless `--timeout` says another.
pub(super) const TIMEOUT: i64 = 1000;

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
}

/// What is made of the packets that are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Lines.
    #[default]
    Text,
    /// `--count`.
    Count,
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
    /// `--flows`.
    pub flows: bool,
    /// `--max-flows`.
    pub max_flows: Option<usize>,
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
    /// `--path`.
    pub path: bool,
    /// `--timeout`, in milliseconds.
    pub timeout: i64,
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
            flows: false,
            max_flows: None,
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
            path: false,
            timeout: TIMEOUT,
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
        flags.check()?;
        Ok(flags)
    }

    #[expect(clippy::too_many_lines, reason = "one match, an arm an option")]
    fn take(&mut self, (key, value): &Given) -> Result<(), Wrong> {
        let more = |n: &mut u8| *n = n.saturating_add(1);
        let text = || Some(value.clone());
        let print = &mut self.print;
        match key {
            Key::Help => self.ask = Ask::Help,
            Key::Version => self.ask = Ask::Version,
            Key::Interfaces => self.ask = Ask::Interfaces,
            Key::LinkTypes => self.ask = Ask::LinkTypes,
            Key::CountOnly => self.form = Form::Count,
            Key::Flows => self.flows = true,
            Key::MaxFlows => {
                let most = positive(value, "number of flows")?;
                self.max_flows = Some(usize::try_from(most).unwrap_or(usize::MAX));
            }
            Key::Output => match value.as_str() {
                "json" | "ndjson" => self.json = true,
                "text" | "wide" => self.json = false,
                other => {
                    return wrong(format!("unknown output {other:?}: text, ndjson, or json for --flows"));
                }
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
            Key::Path => self.path = true,
            Key::Timeout => self.timeout = timeout(value)?,
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
    fn check(&mut self) -> Result<(), Wrong> {
        if self.print.compat != Compat::V499 && self.print.a > 0 {
            if self.print.x > 0 {
                return wrong("-A and -x[x] are mutually exclusive.");
            }
            if self.print.xx > 0 {
                return wrong("-A and -X[X] are mutually exclusive.");
            }
        }
        if let Some(name) = self.link_type.as_ref().filter(|name| crate::tap::links::named(name).is_none()) {
            return wrong(format!("invalid data link type {name}"));
        }
        if self.read.is_some() && self.list.is_some() {
            return wrong("-V and -r are mutually exclusive.");
        }
        let from_file = self.read.is_some() || self.list.is_some();
        if from_file && !self.interfaces.is_empty() && self.print.compat == Compat::Ours {
            return wrong("-r reads a file and -i an interface: one of them");
        }
        // A path's pod is looked for in the namespace that --netns names.
        if self.netns.is_some() && self.pod.is_some() && !self.path {
            return wrong("--netns and --pod both name a namespace: one of them");
        }
        if self.json && self.form == Form::Count {
            return wrong("--count and -o ndjson are two answers: one of them");
        }
        if self.post.is_some() && self.write.is_none() {
            return wrong("-z runs on what -w writes: name a file with -w");
        }
        flow_table::fits(self)?;
        path_flags::check(self)?;
        if self.print.compat != Compat::Ours {
            // tcpdump has one interface: the last that was named.
            self.interfaces = self.interfaces.pop().into_iter().collect();
        }
        self.pcapng |= self.write.as_deref().is_some_and(|name| name.ends_with(".pcapng"));
        Ok(())
    }
}
