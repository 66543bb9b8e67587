//! The contract of a lease store, run against each: listing and watching, then leasing. What only etcd can do
//! (compaction, restarts, TLS, passwords) has a part of its own.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, start programs and look at the clock"
)]

mod dir_faults;
mod etcd_faults;
mod etcd_reach;
mod leasing;
mod list_watch;

use std::net::Ipv4Addr;
use std::time::{Duration, SystemTime};

use flanctl::config::{Backend, NetConf, Range4, Range6, StoreChoice, VxlanConf};
use flanctl::lease::{Attrs, Identity, Lease};
use flanctl::net::Subnet;
use flanctl::store::{self, AcquireError, Acquired, LeaseEvent, LeaseStore, LeaseWatch};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tempfile::TempDir;

use crate::support::etcd::{Etcd, PREFIX};

/// Where a store under test lives.
enum Bed {
    Dir(TempDir),
    Etcd(Box<Etcd>),
}

impl Bed {
    fn dir() -> Self {
        Self::Dir(tempfile::tempdir().expect("a temporary directory"))
    }

    fn etcd() -> Self {
        Self::Etcd(Box::new(Etcd::start()))
    }

    /// A store of its own, as another process would have.
    async fn open(&self) -> Box<dyn LeaseStore> {
        let choice = match self {
            Self::Dir(dir) => StoreChoice::Dir(dir.path().to_owned()),
            Self::Etcd(etcd) => StoreChoice::Etcd(etcd.settings()),
        };
        store::open(&choice).await.expect("settings that work")
    }

    /// Puts text at a key, past every check, without a time to live.
    fn put_raw(&self, key: &str, text: &str) {
        match self {
            Self::Dir(dir) => {
                std::fs::create_dir_all(dir.path().join("subnets")).expect("a directory");
                std::fs::write(dir.path().join(key), text).expect("a file");
            }
            Self::Etcd(etcd) => drop(etcd.ctl(&["put", &format!("{PREFIX}/{key}"), text])),
        }
    }

    fn remove_raw(&self, key: &str) {
        match self {
            Self::Dir(dir) => std::fs::remove_file(dir.path().join(key)).expect("a file"),
            Self::Etcd(etcd) => drop(etcd.ctl(&["del", &format!("{PREFIX}/{key}")])),
        }
    }
}

/// One claim, told of both stores: `both! { name, … }` makes a test a store of each `async fn name(bed: &Bed)`.
macro_rules! both {
    ($($name:ident),* $(,)?) => {
        mod dir {$(
            #[test]
            fn $name() {
                $crate::store_contract::run(super::$name(&$crate::store_contract::Bed::dir()));
            }
        )*}
        mod etcd {$(
            #[test]
            fn $name() {
                $crate::store_contract::run(super::$name(&$crate::store_contract::Bed::etcd()));
            }
        )*}
    };
}
use both;

fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(120), test).await.expect("the test ends within two minutes")
    })
}

fn subnet(key: &str) -> Subnet {
    key.parse().expect("a lease key")
}

fn attrs(ip: &str) -> Attrs {
    Attrs { public_ip: Some(ip.parse().expect("an address")), ..Attrs::default() }
}

fn id(node: &str, ip: &str) -> Identity {
    Identity { node: node.into(), public_ip: Some(ip.parse().expect("an address")), public_ipv6: None }
}

fn range4(network: &str, min: &str, max: &str) -> Range4 {
    let ip = |text: &str| text.parse::<Ipv4Addr>().expect("an address");
    Range4 { network: network.parse().expect("a net"), subnet_len: 24, min: ip(min), max: ip(max) }
}

fn conf(v4: Option<Range4>, v6: bool) -> NetConf {
    let vxlan =
        VxlanConf { vni: 1, port: 8472, mtu: None, gbp: false, learning: false, direct_routing: false };
    let v6 = v6.then(|| Range6 {
        network: "fc00::/48".parse().expect("a net"),
        subnet_len: 64,
        min: "fc00:0:0:1::".parse().expect("an address"),
        max: "fc00:0:0:ffff::".parse().expect("an address"),
    });
    NetConf { v4, v6, nftables: false, backend: Backend::Vxlan(vxlan) }
}

/// Network 10.3.0.0/16 with 25 subnets, as flannel's own tests have it.
fn upstream() -> NetConf {
    conf(Some(range4("10.3.0.0/16", "10.3.1.0", "10.3.25.0")), false)
}

async fn acquire(
    store: &dyn LeaseStore,
    id: &Identity,
    conf: &NetConf,
    previous: Option<&str>,
) -> Result<Acquired, AcquireError> {
    let says = |_: Subnet, _: Option<&Lease>| Attrs {
        public_ip: id.public_ip,
        public_ipv6: id.public_ipv6,
        ..Attrs::default()
    };
    let mut dice = StdRng::from_os_rng();
    store::acquire(store, id, conf, previous.map(subnet), &says, &SystemTime::now, &mut dice).await
}

/// The next batch within `secs`.
async fn next(watch: &mut dyn LeaseWatch, secs: u64) -> Vec<LeaseEvent> {
    let batch = tokio::time::timeout(Duration::from_secs(secs), watch.next()).await;
    batch.expect("an event in time").expect("a working watch")
}

/// True if nothing is told for a while.
async fn quiet(watch: &mut dyn LeaseWatch) -> bool {
    tokio::time::timeout(Duration::from_millis(400), watch.next()).await.is_err()
}
