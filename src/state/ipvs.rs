//! IPVS: services whose address stands on a device of this host (`kube-ipvs0`) and whose packets go to real servers.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// What is matched.
    pub matches: Matches,
    /// `rr`, `lc`, …
    pub scheduler: String,
    /// The servers behind it.
    pub servers: Vec<Server>,
}

/// What a service takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matches {
    /// Packets to an address and a port.
    Address {
        /// IP protocol: 6, 17 or 132.
        proto: u8,
        /// Its address.
        ip: IpAddr,
        /// Its port; 0 is every one.
        port: u16,
    },
    /// Packets with a firewall mark.
    Mark(u32),
}

/// A real server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its address.
    pub ip: IpAddr,
    /// Its port.
    pub port: u16,
    /// How packets get there: `Masq`, `Route`, `Tunnel`, `Local`.
    pub forward: String,
    /// Its share; 0 takes no new connections.
    pub weight: u32,
}

impl Service {
    /// True if it is a service of this address, by whatever port.
    pub fn is_at(&self, at: IpAddr) -> bool {
        matches!(self.matches, Matches::Address { ip, .. } if ip == at)
    }

    /// True if it takes a packet of this protocol to this address and port.
    pub fn takes(&self, at: IpAddr, number: u8, to: Option<u16>) -> bool {
        match self.matches {
            Matches::Address { proto, ip, port } => {
                ip == at && proto == number && (port == 0 || to == Some(port))
            }
            Matches::Mark(_) => false,
        }
    }
}
