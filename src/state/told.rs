//! What the kernel itself answers when it is asked: for a route, and to a probe.

use std::time::Duration;

use super::{Route, RouteKey};
use crate::net::IfName;

/// The kernel's own routing decision for a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It goes by this row of a table.
    Row(RouteKey, Box<Route>),
    /// It is not sent, or not let in: the kernel's words.
    Refused(String),
}

/// A probe that was sent, and what the kernel was seen to do with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Bytes of the IP packet.
    pub size: u32,
    /// How long the answer took; `None` if none came.
    pub rtt: Option<Duration>,
    /// What the kernel said when it was to be sent.
    pub refused: Option<String>,
    /// What was seen of it, in order; `None` where nothing could be watched, with the reason in `blind`.
    pub seen: Option<Vec<Sighting>>,
    /// Why nothing was watched.
    pub blind: Option<String>,
}

/// One place in the kernel at which a probe was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Microseconds since the first one.
    pub after: u64,
    /// What happened.
    pub what: Seen,
}

/// What happened to a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A route was looked up: `fib_table_lookup`, its words.
    Looked {
        /// The device that it leads to, if one was found.
        dev: Option<IfName>,
        /// `table 254 … ==> dev flannel.1 gw 10.244.2.0`.
        text: String,
    },
    /// It was given to a device to send.
    Sent(IfName, u32),
    /// It came in by a device.
    Received(IfName, u32),
    /// It was thrown away.
    Dropped {
        /// The kernel's name for it.
        reason: String,
        /// In which function.
        place: String,
        /// The last device that it was seen on.
        dev: Option<IfName>,
    },
}
