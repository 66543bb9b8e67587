//! What of the three tables is not as the leases say, in one reading: the leases are gone through once, and rows that
//! stand as they should are not kept.

use super::arp;
use super::device::device_rows;
use super::expect::{Peer, expected};
use super::fdb;
use super::route;
use super::row::{Row, Standing};
use super::{Keep, Reading, Sight};

/// The rows that differ, and the peers that were looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// One a peer and address family, in order of the subnets.
    pub peers: Vec<Peer>,
    /// The overlay's devices, whether they differ or not.
    pub devices: Vec<Row>,
    /// Routes.
    pub routes: Vec<Row>,
    /// Neighbours.
    pub neighs: Vec<Row>,
    /// Forwarding entries.
    pub fdb: Vec<Row>,
    /// Leases that no node can honour, and records that are none.
    pub refused: Vec<Row>,
    /// What could not be judged, one sentence each.
    pub unseen: Vec<String>,
}

/// Holds the tables against the leases; `None` without leases.
pub fn drift(sight: &Sight<'_>) -> Option<Drift> {
    let expected = expected(sight)?;
    let off = |reading: Reading| {
        let mut rows = reading.rows;
        rows.retain(|row| row.state.is_drift());
        rows.shrink_to_fit();
        rows
    };
    let routes = off(route::beside_leases(sight, &expected, Keep::Drift).0);
    let neighs = off(arp::beside_leases(sight.state, &expected, Keep::Drift).0);
    let fdb = off(fdb::beside_leases(sight.state, &expected, Keep::Drift).0);
    let refused = expected.refused.iter().filter(|row| row.state == Standing::Refused).cloned().collect();
    let devices = device_rows(sight);
    Some(Drift { peers: expected.peers, devices, routes, neighs, fdb, refused, unseen: expected.unseen })
}
