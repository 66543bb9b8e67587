//! What a rule says, step by step, in terms that nft and iptables share. What no reader understood is kept as the text
//! that the tool printed, so that whoever meets it can quote it.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// One element of a set, or of a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Element {
    /// One span for each part of the key.
    pub key: Vec<Span>,
    /// What a map says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
}

/// What a map maps to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Data {
    /// A verdict.
    Say(Say),
    /// Values.
    Values(Vec<Span>),
}

/// A single value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A number: a port, a mark, a protocol.
    Num(u64),
    /// An address.
    Ip(IpAddr),
    /// A name: a device, a MAC.
    Name(String),
}

/// Which values fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// This one.
    Is(Value),
    /// From the first to the last, both included.
    From(Value, Value),
    /// The addresses of a network.
    Net(IpNet),
    /// Names that begin so (`eth*`).
    Like(String),
    /// Every one.
    Any,
}

/// One thing that a rule says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The rule goes on only if this holds.
    If {
        /// As printed.
        text: String,
        /// What is asked.
        test: Test,
    },
    /// A verdict map: what it holds for the key is done.
    Choose {
        /// As printed.
        text: String,
        /// The key.
        key: Expr,
        /// The map.
        among: Among,
    },
    /// A verdict.
    Say(Say),
    /// Something is written to the packet or its connection.
    Write {
        /// As printed.
        text: String,
        /// What is written.
        what: Slot,
        /// The value.
        to: Expr,
    },
    /// An address is rewritten.
    Nat(Nat),
    /// The packet is kept out of conntrack.
    Notrack,
    /// An element is added to a set or taken from it: its contents are not certain any more.
    Edit {
        /// Name of the set.
        set: String,
    },
    /// What comes later of a connection is taken past the rules, once it went both ways.
    Offload(String),
    /// Counters, logs, and what else changes no packet's fate.
    Aside,
    /// Something that cannot be followed: it may do anything.
    Other(String),
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Say {
    /// On to the next base chain.
    Accept,
    /// Gone.
    Drop,
    /// Gone, with an answer.
    Reject(String),
    /// Back to where the chain was called.
    Return,
    /// On with the next rule.
    Continue,
    /// Into a chain, and back.
    Jump(String),
    /// Into a chain, not back.
    Goto(String),
    /// Handed to a program.
    Queue,
}

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The packet's mark.
    Mark,
    /// Its connection's mark.
    CtMark,
    /// DSCP.
    Dscp,
    /// Hops left.
    Ttl,
}

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// A comparison.
    Compare {
        /// What is looked at.
        left: Expr,
        /// How.
        op: Op,
        /// What it is held against.
        right: Among,
    },
    /// One of these holds.
    Either(Vec<Test>),
    /// This does not hold.
    Not(Box<Test>),
    /// Depends on what no listing tells (a rate, the dice, a program's set).
    Unknown,
}

/// How values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Among them.
    Is,
    /// Not among them.
    IsNot,
    /// Less than.
    Below,
    /// Greater than.
    Above,
    /// Less or equal.
    AtMost,
    /// Greater or equal.
    AtLeast,
    /// One of these bits is set.
    Has,
    /// None of these bits is set.
    Lacks,
}

/// What is looked up in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Among {
    /// Written in the rule.
    These(Vec<Element>),
    /// A named set or map of the table.
    Set(String),
    /// Computed from the packet.
    Value(Box<Expr>),
}

/// Something with a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expr {
    /// A fixed value.
    Is(Value),
    /// Something of the packet.
    Field(Field),
    /// Bits of a value.
    Bits {
        /// The value.
        of: Box<Expr>,
        /// What is done with them.
        op: BitOp,
        /// The other value.
        with: Box<Expr>,
    },
    /// Several at once (`ip saddr . tcp dport`).
    Row(Vec<Expr>),
    /// What a map holds for a key.
    Look {
        /// The key.
        key: Box<Expr>,
        /// The map.
        among: Among,
    },
    /// One of the numbers from `first`, so many, that nothing foretells (`numgen`, `jhash`).
    Dice {
        /// The least.
        first: u64,
        /// How many.
        count: u64,
    },
    /// What no reader understood, as printed.
    Other(String),
}

/// What is done with bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum BitOp {
    And,
    Or,
    Xor,
    Left,
    Right,
}

/// What can be looked at. `V4`, `V6`: only packets of that family have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Field {
    Source,
    Destination,
    V4Source,
    V4Destination,
    V6Source,
    V6Destination,
    /// AF_INET or AF_INET6.
    Family,
    /// Ethernet's number of the family.
    EtherType,
    Protocol,
    V4Protocol,
    V6NextHeader,
    V4Version,
    V6Version,
    /// Of TCP, UDP and what else has ports; with a protocol only that one's.
    SourcePort(Option<u8>),
    DestinationPort(Option<u8>),
    /// Of ICMP (1) or ICMPv6 (58).
    IcmpType(u8),
    IcmpCode(u8),
    TcpFlags,
    InDevice,
    OutDevice,
    Mark,
    CtMark,
    CtState,
    CtStatus,
    CtDirection,
    /// Of the connection's first packet.
    CtSource,
    CtDestination,
    CtSourcePort,
    CtDestinationPort,
    CtProtocol,
    Length,
    V4Length,
    /// Of the payload behind the fixed header.
    V6Length,
    /// Flags and offset of a fragment; a packet that is traced is whole, whether it may be cut is not known.
    V4Fragment,
    V4Dscp,
    V6Dscp,
    V4Ttl,
    V6HopLimit,
    PacketType,
    SourceType,
    DestinationType,
    SourceMac,
    /// 1 if a route leads back to the source through the device it came from.
    Reverse,
    Bridged,
}

/// How an address is rewritten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nat {
    /// As printed.
    pub text: String,
    /// What is rewritten, and to what.
    pub kind: NatKind,
    /// The new address; nothing keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<To>,
    /// The new port; nothing keeps it where that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<To>,
    /// True if ports are drawn at random.
    #[serde(default)]
    pub random: bool,
}

/// What is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NatKind {
    /// The source, to the output device's address.
    Masquerade,
    /// The destination, to the input device's address.
    Redirect,
    /// The source.
    Source,
    /// The destination.
    Destination,
    /// The network part of source or destination, whichever the hook rewrites; the host part stays.
    Network,
}

/// What is put in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// One of these.
    Span(Span),
    /// What this yields.
    Expr(Expr),
}
