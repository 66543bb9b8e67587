//! Peers that exist as leases only: a pure function of their number.

use std::net::Ipv4Addr;

use flanctl::lease::{Attrs, Expiry, Lease};
use flanctl::net::{Mac, Subnet};
use flanctl::overlay::NexthopIds;
use ipnet::Ipv4Net;

/// Where the cluster lives in etcd.
pub const PREFIX: &str = "/coreos.com/network";
/// Room for 65,280 subnets.
pub const CONFIG: &str = r#"{"Network":"10.0.0.0/8","SubnetLen":24,"Backend":{"Type":"vxlan"}}"#;

/// One peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub u32);

impl Peer {
    /// The first address of its subnet: the gateway.
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 1, 0, 0)) + (self.0 << 8))
    }

    /// Its subnet.
    pub fn net(self) -> Ipv4Net {
        Ipv4Net::new(self.gateway(), 24).unwrap()
    }

    /// The MAC of its VTEP.
    pub fn mac(self) -> Mac {
        let [a, b, c, d] = self.0.to_be_bytes();
        Mac([0x02, 0xbe, a, b, c, d])
    }

    /// Its underlay address.
    pub fn vtep(self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(172, 16, 0, 1)) + self.0)
    }

    /// The id of its nexthop object.
    pub fn nexthop(self) -> u32 {
        NexthopIds::new(1, 24).id(self.net()).unwrap()
    }

    /// Its key in etcd.
    pub fn key(self) -> String {
        format!("{PREFIX}/subnets/{}-24", self.gateway())
    }

    /// Its value in etcd.
    pub fn value(self) -> String {
        format!(
            r#"{{"PublicIP":"{}","PublicIPv6":null,"BackendType":"vxlan","BackendData":{},"Node":"node-{:05}"}}"#,
            self.vtep(),
            self.data(),
            self.0
        )
    }

    /// Its lease, as the store hands it over.
    pub fn lease(self) -> Lease {
        let attrs = Attrs {
            public_ip: Some(self.vtep()),
            backend_type: "vxlan".into(),
            backend_data: Some(self.data().into()),
            node: Some(format!("node-{:05}", self.0).into()),
            ..Attrs::default()
        };
        let revision = i64::from(self.0) + 10;
        Lease { subnet: Subnet::v4(self.net()), attrs, expires: Expiry::Unknown, revision, id: 1 }
    }

    fn data(self) -> String {
        format!(r#"{{"VNI":1,"VtepMAC":"{}"}}"#, self.mac())
    }
}
