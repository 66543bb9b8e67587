//! One packet as it was captured.

/// A captured packet. Borrowed from the reader's block: nothing is copied.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// When.
    pub ts: Stamp,
    /// How long it was on the wire.
    pub len: u32,
    /// The header's number of captured bytes; `data` holds as many.
    pub caplen: u32,
    /// How its first bytes are to be read.
    pub link: Link,
    /// What was captured of it.
    pub data: &'a [u8],
    /// Which of the file's or the session's interfaces it came through.
    pub interface: u32,
}

/// A time as a file keeps it: the fraction may be out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Seconds since 1970.
    pub secs: i64,
    /// Microseconds or nanoseconds, as the printer's options say.
    pub frac: u32,
}

/// A link type by its number in a pcap file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link(pub u16);

impl Link {
    /// BSD loopback: the address family in the writer's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP.
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing.
    pub const PPP_HDLC: Self = Self(50);
    /// PPP over Ethernet, from the PPPoE header on.
    pub const PPP_ETHER: Self = Self(51);
    /// A bare IP packet of either version.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: the address family big end first.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture.
    pub const SLL: Self = Self(113);
    /// A bare IPv4 packet.
    pub const IPV4: Self = Self(228);
    /// A bare IPv6 packet.
    pub const IPV6: Self = Self(229);
    /// Linux netlog.
    pub const NFLOG: Self = Self(239);
    /// Linux cooked capture, second version.
    pub const SLL2: Self = Self(276);
}
