//! `-w`: packets into a file, or into one after another as `-C`, `-G` and `-W` say; `-z` runs on each that is done.

use std::process::Child;

use super::consume::{self, Consumer};
use super::flags::Flags;
use crate::capture::nodes::Nodes;
use crate::capture::packet::Packet;
use crate::error::Failure;
use crate::tap::sink::{self, Interface, Shape, Sink};

/// `-w`, and with `--print` whatever else is made of the packets.
pub struct Written {
    name: String,
    shape: Shape,
    size: Option<u64>,
    seconds: Option<i64>,
    files: Option<u64>,
    post: Option<String>,
    running: Vec<Child>,
    open: Option<Open>,
    /// Files that were begun.
    begun: u64,
    also: Option<Box<dyn Consumer>>,
    /// As many files are written as are wanted.
    over: bool,
}

/// The file that is being written.
struct Open {
    sink: Sink,
    name: String,
    link: u32,
    /// Second of its first packet.
    since: Option<i64>,
}

impl Written {
    /// Packets into a file that is made with the first of them, or at the end.
    pub fn new(flags: &Flags, name: &str, comments: Vec<String>, also: Option<Box<dyn Consumer>>) -> Self {
        let (pcapng, snaplen, nano, each) =
            (flags.pcapng, flags.snaplen, flags.print.nano, flags.packet_buffered);
        let interfaces = Vec::new();
        Self {
            name: name.to_owned(),
            shape: Shape { pcapng, snaplen, nano, each, comments, interfaces },
            size: flags.file_size,
            seconds: flags.rotate_secs.map(|secs| i64::try_from(secs).unwrap_or(i64::MAX)),
            files: flags.rotate_count,
            post: flags.post.clone(),
            running: Vec::new(),
            open: None,
            begun: 0,
            also,
            over: false,
        }
    }

    /// The name of file `n`, which begins at `at`.
    fn named(&self, n: u64, at: i64) -> Result<String, Failure> {
        let mut name = self.name.clone();
        if self.seconds.is_some() {
            let stamp = jiff::Timestamp::from_second(at).unwrap_or(jiff::Timestamp::MAX);
            let zoned = stamp.to_zoned(jiff::tz::TimeZone::system());
            name = jiff::fmt::strtime::format(&name, &zoned)
                .map_err(|e| Failure::found(self.name.clone()).because(e))?;
        }
        if self.size.is_none() {
            return Ok(name);
        }
        match self.files {
            // A ring: the numbers come again, and all are as long.
            Some(files) if self.seconds.is_none() => {
                let width = files.saturating_sub(1).checked_ilog10().map_or(1, |most| most as usize + 1);
                Ok(format!("{name}{:0width$}", n % files))
            }
            _ if n == 0 => Ok(name),
            _ => Ok(format!("{name}{n}")),
        }
    }

    fn begin(&mut self, link: u32, at: i64) -> Result<(), Failure> {
        let name = self.named(self.begun, at)?;
        let made = Sink::create(&name, link, &self.shape);
        let sink = made.map_err(|e| Failure::found(name.clone()).because(e))?;
        self.begun += 1;
        self.open = Some(Open { sink, name, link, since: None });
        Ok(())
    }

    /// Ends the file that is open, and has `-z` look at it.
    fn end(&mut self) -> Result<(), Failure> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.sink.flush().map_err(|e| Failure::found(open.name.clone()).because(e))?;
        drop(open.sink);
        self.running.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        if let Some(command) = &self.post {
            // The capture matters more than what is made of its files.
            match sink::start(command, &open.name) {
                Ok(child) => self.running.push(child),
                Err(e) => consume::remark(&format!("-z {command} {}: {e}", open.name)),
            }
        }
        Ok(())
    }

    /// Fails if the open file cannot hold packets of this link type.
    fn one_kind(&self, link: u32) -> Result<(), Failure> {
        let several = self.shape.pcapng && !self.shape.interfaces.is_empty();
        match &self.open {
            Some(open) if open.link != link && !several => {
                Err(Failure::found(format!("{}: a pcap file holds one link type", open.name))
                    .hint("capture interfaces of one kind, or -i any, or write pcapng"))
            }
            _ => Ok(()),
        }
    }

    /// True if a packet of this second belongs into another file.
    fn is_full(&self, now: i64) -> bool {
        let Some(open) = &self.open else { return false };
        let large = self.size.is_some_and(|size| open.sink.bytes() > size);
        let since = open.since.unwrap_or(now);
        large || self.seconds.is_some_and(|seconds| now.saturating_sub(since) >= seconds)
    }
}

impl Consumer for Written {
    fn open(&mut self, link: u32) -> Result<(), Failure> {
        // With -G the name waits for the first packet's time.
        if self.open.is_none() && self.seconds.is_none() {
            self.begin(link, 0)?;
        }
        self.one_kind(link)
    }

    fn packet(&mut self, number: u64, packet: &Packet<'_>) -> Result<(), Failure> {
        if self.over {
            return Ok(());
        }
        let (link, now) = (u32::from(packet.link.0), packet.ts.secs);
        if self.is_full(now) {
            self.end()?;
            if self.seconds.is_some() && self.files.is_some_and(|files| self.begun >= files) {
                consume::remark(&format!("Maximum file limit reached: {}", self.begun));
                self.over = true;
                return Ok(());
            }
        }
        if self.open.is_none() {
            self.begin(link, now)?;
        }
        self.one_kind(link)?;
        if let Some(open) = &mut self.open {
            open.since.get_or_insert(now);
            // Without a list of interfaces there is one.
            let interface = if self.shape.interfaces.is_empty() { 0 } else { packet.interface };
            let packet = &Packet { interface, ..*packet };
            open.sink.packet(packet).map_err(|e| Failure::found(open.name.clone()).because(e))?;
        }
        self.also.as_mut().map_or(Ok(()), |also| also.packet(number, packet))
    }

    fn pause(&mut self) -> Result<(), Failure> {
        self.also.as_mut().map_or(Ok(()), |also| also.pause())
    }

    fn called(&mut self, interfaces: &mut dyn Iterator<Item = &str>) {
        if let Some(also) = &mut self.also {
            also.called(interfaces);
        }
    }

    fn told(&mut self, nodes: &Nodes, ports: &[u16]) {
        if let Some(also) = &mut self.also {
            also.told(nodes, ports);
        }
    }

    fn interfaces(&mut self, interfaces: &[Interface]) {
        self.shape.interfaces = interfaces.to_vec();
        if let Some(also) = &mut self.also {
            also.interfaces(interfaces);
        }
    }

    fn counts(&mut self, counts: &[(u64, u64)]) {
        let Some(open) = &mut self.open else { return };
        for (interface, (received, dropped)) in (0u32..).zip(counts) {
            open.sink.counts(interface, *received, *dropped);
        }
    }

    fn is_over(&self) -> bool {
        self.over
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.end()?;
        self.also.as_mut().map_or(Ok(()), |also| also.finish())
    }
}
