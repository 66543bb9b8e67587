//! Interfaces, through libpcap: opened, filtered in the kernel, read without waiting on any one of them.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pcap::{Active, Capture, Device, Direction, Linktype, Precision, TimestampType};

use super::filter::{refused, said};
use super::links;
use crate::capture::packet::{Link, Packet, Stamp};
use crate::error::Failure;

/// How an interface is opened.
#[derive(Clone, Debug)]
pub struct How {
    /// Bytes of each packet.
    pub snaplen: u32,
    /// Bytes of the kernel's buffer.
    pub buffer: Option<u32>,
    /// Also what is not for this host.
    pub promiscuous: bool,
    /// Each packet as it comes.
    pub immediate: bool,
    /// Nanoseconds.
    pub nano: bool,
    /// Only packets of this direction.
    pub direction: Option<Direction>,
    /// The link type by number in files.
    pub link: Option<u32>,
    /// Who stamps the packets.
    pub stamp: Option<String>,
}

/// What the kernel counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that the filter took.
    pub received: u64,
    /// Packets without room in the buffer.
    pub dropped: u64,
    /// Packets that the interface lost.
    pub if_dropped: u64,
}

/// A packet as it comes from an interface.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Seconds since 1970.
    pub sec: i64,
    /// Micro- or nanoseconds, as it was opened.
    pub frac: u32,
    /// Bytes on the wire.
    pub len: u32,
    /// What was captured.
    pub data: &'a [u8],
}

impl<'a> Seen<'a> {
    /// As the printers take it: of which link type, through which of the session's interfaces.
    pub fn packet(&self, link: u32, interface: u32) -> Packet<'a> {
        Packet {
            ts: Stamp { secs: self.sec, frac: self.frac },
            len: self.len,
            caplen: self.data.len() as u32,
            link: Link(link as u16),
            data: self.data,
            interface,
        }
    }
}

/// An open interface.
pub struct Tap {
    /// Its name.
    pub name: String,
    /// Its link type by number in files.
    pub link: u32,
    capture: Capture<Active>,
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").field("name", &self.name).field("link", &self.link).finish_non_exhaustive()
    }
}

impl Tap {
    /// Opens an interface of the calling thread's namespace.
    pub fn open(name: &str, how: &How) -> Result<Self, Failure> {
        let named = numbered(name);
        let name = named.as_deref().unwrap_or(name);
        let failed = |e: pcap::Error| refusal(name, &said(&e));
        let precision = if how.nano { Precision::Nano } else { Precision::Micro };
        let mut wanted = Capture::from_device(name)
            .map_err(failed)?
            .snaplen(how.snaplen.cast_signed())
            .promisc(how.promiscuous && name != "any")
            .immediate_mode(how.immediate)
            .precision(precision)
            .timeout(100);
        if let Some(stamp) = &how.stamp {
            wanted = wanted.tstamp_type(stamper(stamp)?);
        }
        if let Some(bytes) = how.buffer {
            wanted = wanted.buffer_size(bytes.cast_signed());
        }
        let mut capture = wanted.open().and_then(Capture::setnonblock).map_err(failed)?;
        let link = how.link.map(|link| Linktype(links::dlt(link)));
        // Cooked packets of `any` say which interface they came through only in the second version.
        let link = link.or((name == "any").then_some(Linktype(276)));
        if let Some(link) = link {
            capture.set_datalink(link).map_err(failed)?;
        }
        if let Some(direction) = how.direction {
            capture.direction(direction).map_err(failed)?;
        }
        let link = links::of_dlt(capture.get_datalink().0);
        Ok(Self { name: name.to_owned(), link, capture })
    }

    /// The link types that the interface can be captured with.
    pub fn links(&mut self) -> Result<Vec<u32>, Failure> {
        let list = self.capture.list_datalinks();
        let list = list.map_err(|e| Failure::found(self.name.clone()).because(said(&e)))?;
        Ok(list.into_iter().map(|link| links::of_dlt(link.0)).collect())
    }

    /// Gives the kernel a filter.
    pub fn filter(&mut self, expr: &str, optimize: bool) -> Result<(), Failure> {
        let set = self.capture.filter(expr, optimize);
        set.map_err(|e| refused(expr, &said(&e)))
    }

    /// The next packet, if one is there.
    pub fn take(&mut self) -> Result<Option<Seen<'_>>, Failure> {
        match self.capture.next_packet() {
            Ok(packet) => Ok(Some(Seen {
                sec: packet.header.ts.tv_sec,
                frac: packet.header.ts.tv_usec as u32,
                len: packet.header.len,
                data: packet.data,
            })),
            Err(pcap::Error::TimeoutExpired | pcap::Error::NoMorePackets) => Ok(None),
            Err(e) => Err(Failure::found(self.name.clone()).because(said(&e))),
        }
    }

    /// What the kernel counted since it was opened.
    pub fn counts(&mut self) -> Counts {
        let seen = self.capture.stats();
        seen.map_or_else(
            |_| Counts::default(),
            |s| Counts {
                received: s.received.into(),
                dropped: s.dropped.into(),
                if_dropped: s.if_dropped.into(),
            },
        )
    }
}

/// Waits until one of them has packets, a signal comes, or the time is over.
pub fn wait(taps: &[Tap], millis: u16) {
    let fds: Vec<BorrowedFd<'_>> = taps.iter().map(|tap| tap.capture.as_fd()).collect();
    let mut polled: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    debug_assert!(fds.iter().all(|fd| fd.as_raw_fd() >= 0));
    // A signal or a dead interface shows at the next read.
    let _ = poll(&mut polled, PollTimeout::from(millis));
}

/// Interfaces with what is known of them, as `-D` lists them.
pub fn interfaces() -> Result<Vec<String>, Failure> {
    let list = Device::list().map_err(|e| Failure::found("the interfaces").because(said(&e)))?;
    let line = |(at, device): (usize, &Device)| {
        let told = device.desc.as_ref().map(|desc| format!(" ({desc})")).unwrap_or_default();
        let mut words = Vec::new();
        let flags = &device.flags;
        if flags.is_up() {
            words.push("Up");
        }
        if flags.is_running() {
            words.push("Running");
        }
        if flags.is_loopback() {
            words.push("Loopback");
        }
        if flags.is_wireless() {
            words.push("Wireless");
        }
        match flags.connection_status {
            pcap::ConnectionStatus::Connected => words.push("Connected"),
            pcap::ConnectionStatus::Disconnected => words.push("Disconnected"),
            _ => {}
        }
        let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
        format!("{}.{}{told} [{words}]", at + 1, device.name)
    };
    Ok(list.iter().enumerate().map(line).collect())
}

/// The interface that `-D` lists under this number, unless one is called so.
fn numbered(name: &str) -> Option<String> {
    let number: usize = name.parse().ok()?;
    let list = Device::list().ok()?;
    if list.iter().any(|device| device.name == name) {
        return None;
    }
    list.into_iter().nth(number.checked_sub(1)?).map(|device| device.name)
}

/// Who stamps the packets, by the name that `-j` takes.
fn stamper(name: &str) -> Result<TimestampType, Failure> {
    match name {
        "host" => Ok(TimestampType::Host),
        "host_lowprec" => Ok(TimestampType::HostLowPrec),
        "host_hiprec" => Ok(TimestampType::HostHighPrec),
        "adapter" => Ok(TimestampType::Adapter),
        "adapter_unsynced" => Ok(TimestampType::AdapterUnsynced),
        _ => Err(Failure::found(format!("invalid time stamp type {name}"))
            .hint("there are: host, host_lowprec, host_hiprec, adapter, adapter_unsynced")),
    }
}

/// Why an interface cannot be opened, and what to do about it.
fn refusal(name: &str, said: &str) -> Failure {
    let failure = Failure::found(format!("{name}: {said}"));
    if said.contains("permission") || said.contains("Operation not permitted") {
        return failure.hint(
            "capturing needs CAP_NET_RAW: use sudo, or sudo setcap cap_net_raw+ep $(command -v flanctl)",
        );
    }
    let names = Device::list().map(|list| list.into_iter().map(|d| d.name).collect::<Vec<_>>().join(", "));
    match names {
        Ok(names) if said.contains("No such device") => failure.hint(format!("there are: {names}")),
        _ => failure,
    }
}
