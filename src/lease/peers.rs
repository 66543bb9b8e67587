//! The other nodes' leases, and who wins where two of them claim one row.
//! Ends equal to the last full list under any interleaving of events and lists; never holds the own lease.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use super::{Lease, VxlanData};
use crate::net::{Mac, Subnet};

/// Leases of peers by subnet, with look-ups by gateway (a subnet's first address) and by VTEP MAC.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    own: Option<Subnet>,
    leases: BTreeMap<Subnet, Lease>,
    by_gateway: HashMap<IpAddr, Holders>,
    by_mac: HashMap<Mac, Holders>,
}

/// Nearly always one; a list only where leases contend.
#[derive(Clone, Debug)]
enum Holders {
    One(Subnet),
    Many(Vec<Subnet>),
}

impl Holders {
    fn list(&self) -> &[Subnet] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }

    fn add(&mut self, subnet: Subnet) {
        let mut all = self.list().to_vec();
        if !all.contains(&subnet) {
            all.push(subnet);
            *self = Self::Many(all);
        }
    }

    /// True when nobody is left.
    fn remove(&mut self, subnet: Subnet) -> bool {
        match self {
            Self::One(one) => *one == subnet,
            Self::Many(many) => {
                many.retain(|s| *s != subnet);
                if let [one] = many.as_slice() {
                    *self = Self::One(*one);
                    return false;
                }
                self.list().is_empty()
            }
        }
    }
}

impl Peers {
    /// Peers of the node that holds `own`.
    pub fn of(own: Option<Subnet>) -> Self {
        Self { own, ..Self::default() }
    }

    /// Every peer's lease in subnet order.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.leases.values()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.leases.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }

    /// The lease of this subnet.
    pub fn get(&self, subnet: &Subnet) -> Option<&Lease> {
        self.leases.get(subnet)
    }

    /// Takes a full list in place of everything; answers the subnets whose lease came, went or changed.
    pub fn reset(&mut self, list: impl IntoIterator<Item = Lease>) -> Vec<Subnet> {
        let mut gone: std::collections::BTreeSet<Subnet> = self.leases.keys().copied().collect();
        let mut changed = Vec::new();
        let fresh = self.leases.is_empty();
        for lease in list {
            gone.remove(&lease.subnet);
            let subnet = lease.subnet;
            if self.add(lease) {
                changed.push(subnet);
            }
        }
        for subnet in gone {
            self.remove(&subnet);
            changed.push(subnet);
        }
        if fresh {
            // Made in one piece the tree is full; grown in order it is half empty.
            self.leases = std::mem::take(&mut self.leases).into_iter().collect();
        }
        changed
    }

    /// Takes one lease; true if it says something new (a renewal says nothing).
    pub fn add(&mut self, lease: Lease) -> bool {
        if self.own == Some(lease.subnet) {
            return false;
        }
        if let Some(old) = self.leases.get_mut(&lease.subnet)
            && old.attrs == lease.attrs
        {
            // Same words, maybe another etcd lease behind them.
            old.id = lease.id;
            old.revision = lease.revision;
            return false;
        }
        self.remove(&lease.subnet);
        let subnet = lease.subnet;
        for gateway in subnet.nets().map(|n| n.network()) {
            self.by_gateway.entry(gateway).and_modify(|h| h.add(subnet)).or_insert(Holders::One(subnet));
        }
        for mac in macs(&lease) {
            self.by_mac.entry(mac).and_modify(|h| h.add(subnet)).or_insert(Holders::One(subnet));
        }
        self.leases.insert(subnet, lease);
        true
    }

    /// Forgets one lease; answers it if it was there.
    pub fn remove(&mut self, subnet: &Subnet) -> Option<Lease> {
        let lease = self.leases.remove(subnet)?;
        for gateway in subnet.nets().map(|n| n.network()) {
            if self.by_gateway.get_mut(&gateway).is_some_and(|h| h.remove(*subnet)) {
                self.by_gateway.remove(&gateway);
            }
        }
        for mac in macs(&lease) {
            if self.by_mac.get_mut(&mac).is_some_and(|h| h.remove(*subnet)) {
                self.by_mac.remove(&mac);
            }
        }
        Some(lease)
    }

    /// Leases whose subnet begins at `gateway`, newest first: the newest one's MAC is the neighbour's.
    pub fn at_gateway(&self, gateway: IpAddr) -> Vec<&Lease> {
        self.newest_first(self.by_gateway.get(&gateway))
    }

    /// Leases that carry this VTEP MAC in either family, newest first: the newest one's public IP is where the
    /// MAC lives. (A node that changed its address may hold a second, older lease for up to a day.)
    pub fn with_mac(&self, mac: Mac) -> Vec<&Lease> {
        self.newest_first(self.by_mac.get(&mac))
    }

    fn newest_first(&self, holders: Option<&Holders>) -> Vec<&Lease> {
        let mut leases: Vec<&Lease> = holders
            .map(Holders::list)
            .unwrap_or_default()
            .iter()
            .filter_map(|s| self.leases.get(s))
            .collect();
        leases.sort_by_key(|l| std::cmp::Reverse((l.revision, l.subnet)));
        leases
    }
}

fn macs(lease: &Lease) -> impl Iterator<Item = Mac> {
    let read =
        |text: &Option<Box<str>>| text.as_deref().and_then(|t| VxlanData::parse(t).ok()).map(|d| d.mac);
    let v4 = read(&lease.attrs.backend_data);
    let v6 = read(&lease.attrs.backend_v6_data).filter(|m| Some(*m) != v4);
    v4.into_iter().chain(v6)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lease::{Attrs, Expiry};

    fn lease(n: u8, mac: u8, revision: i64) -> Lease {
        Lease {
            subnet: format!("10.1.{n}.0-24").parse().unwrap(),
            attrs: Attrs {
                public_ip: Some([192, 0, 2, n].into()),
                backend_type: "vxlan".into(),
                backend_data: Some(format!(r#"{{"VNI":1,"VtepMAC":"02:00:00:00:00:{mac:02x}"}}"#).into()),
                ..Attrs::default()
            },
            expires: Expiry::Unknown,
            revision,
            id: 0,
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Add(u8, u8),
        Remove(u8),
        Reset(Vec<(u8, u8)>),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..6u8, 0..4u8).prop_map(|(n, m)| Step::Add(n, m)),
            (0..6u8).prop_map(Step::Remove),
            proptest::collection::vec((0..6u8, 0..4u8), 0..6).prop_map(Step::Reset),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn any_interleaving_ends_equal_to_the_last_full_list(
            steps in proptest::collection::vec(step(), 0..40),
            last in proptest::collection::btree_map(0..6u8, 0..4u8, 0..6),
        ) {
            let own: Subnet = "10.1.3.0-24".parse().unwrap();
            let mut peers = Peers::of(Some(own));
            for (at, step) in steps.into_iter().enumerate() {
                let revision = at as i64;
                match step {
                    Step::Add(n, m) => { peers.add(lease(n, m, revision)); }
                    Step::Remove(n) => { peers.remove(&lease(n, 0, 0).subnet); }
                    Step::Reset(list) => { peers.reset(list.into_iter().map(|(n, m)| lease(n, m, revision))); }
                }
                prop_assert!(peers.get(&own).is_none(), "own lease among peers");
            }
            peers.reset(last.iter().map(|(n, m)| lease(*n, *m, 99)));
            let want: BTreeMap<Subnet, Attrs> = last.iter().map(|(n, m)| lease(*n, *m, 99))
                .filter(|l| l.subnet != own).map(|l| (l.subnet, l.attrs)).collect();
            let have: BTreeMap<Subnet, Attrs> = peers.iter().map(|l| (l.subnet, l.attrs.clone())).collect();
            prop_assert_eq!(&have, &want);
            // The look-ups tell the same story as the table.
            for m in 0..4u8 {
                let mac = Mac([2, 0, 0, 0, 0, m]);
                let mut by_mac: Vec<Subnet> = peers.with_mac(mac).iter().map(|l| l.subnet).collect();
                by_mac.sort();
                let table: Vec<Subnet> = peers.iter().filter(|l| macs(l).any(|x| x == mac)).map(|l| l.subnet).collect();
                prop_assert_eq!(by_mac, table);
            }
            let indexed: usize = peers.by_gateway.values().map(|h| h.list().len()).sum();
            prop_assert_eq!(indexed, peers.len());
        }
    }
}
