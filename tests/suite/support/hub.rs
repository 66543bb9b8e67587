//! A real etcd in a place of its own, written to through the client and looked at through etcdctl.
#![allow(dead_code, reason = "not every area needs every helper")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use etcd_client::{Client, PutOptions, Txn, TxnOp};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::netns::runtime;
use super::swap::{Place, Running, until};

/// Where it listens, in the hub's namespace.
pub(crate) const ADDR: &str = "10.77.0.254";

/// The hub: an underlay switch `br0` with etcd at [`ADDR`].
pub(crate) struct Hub {
    pub(crate) place: Place,
    runtime: Runtime,
    client: Client,
    server: Running,
    _dir: TempDir,
}

/// A key as etcdctl shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) value: serde_json::Value,
    pub(crate) lease: i64,
}

impl Hub {
    pub(crate) fn start() -> Self {
        let hub = Place::new();
        hub.ip(&["link add br0 type bridge", &format!("addr add {ADDR}/16 dev br0"), "link set br0 up"]);
        // In memory where there is such a place: the tests are not about disks.
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let mut command = Command::new("etcd");
        let url = format!("http://{ADDR}:2379");
        command.arg("--data-dir").arg(dir.path().join("data"));
        command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url]);
        command.args(["--listen-peer-urls", "http://127.0.0.1:2380", "--log-level", "error"]);
        let server = hub.start(&mut command, &dir.path().join("log"));
        let runtime = runtime();
        let client = until("etcd answers", || {
            hub.inside(|| {
                runtime.block_on(async {
                    let client = Client::connect([&url], None).await.ok()?;
                    client.kv_client().get("x", None).await.ok().map(|_| client)
                })
            })
        });
        Self { place: hub, runtime, client, server, _dir: dir }
    }

    /// etcd ends, and does not come back.
    pub(crate) fn dies(&mut self) {
        self.server.kill();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{ADDR}:2379")
    }

    /// A node's place: `eth0` with this address on the hub's switch.
    pub(crate) fn node(&self, addr: &str) -> Place {
        let place = Place::new();
        self.join(&place, addr);
        place
    }

    pub(crate) fn join(&self, place: &Place, addr: &str) {
        let port = format!("p{}", addr.replace('.', ""));
        place.wire("eth0", &self.place, &port);
        place.ip(&[&format!("addr add {addr}/16 dev eth0")]);
        self.place.ip(&[&format!("link set {port} master br0")]);
    }

    pub(crate) fn put(&self, pairs: &[(String, String)]) {
        self.change(pairs.iter().map(|(k, v)| TxnOp::put(k.as_str(), v.as_str(), None)).collect());
    }

    pub(crate) fn delete(&self, keys: &[String]) {
        self.change(keys.iter().map(|k| TxnOp::delete(k.as_str(), None)).collect());
    }

    /// Put with a fresh lease, as flanneld does it.
    pub(crate) fn put_leased(&self, key: &str, value: &str) {
        self.runtime.block_on(async {
            let granted = self.client.lease_client().grant(86_400, None).await.unwrap();
            let options = PutOptions::new().with_lease(granted.id());
            self.client.kv_client().put(key, value, Some(options)).await.unwrap();
        });
    }

    /// In transactions of what etcd takes at a time.
    fn change(&self, ops: Vec<TxnOp>) {
        self.runtime.block_on(async {
            for some in ops.chunks(100) {
                self.client.kv_client().txn(Txn::new().and_then(some)).await.unwrap();
            }
        });
    }

    pub(crate) fn ctl(&self, args: &str) -> String {
        self.place.run("etcdctl", &format!("--endpoints={} {args}", self.url()))
    }

    /// Every key under a prefix, with its value and etcd lease.
    pub(crate) fn entries(&self, prefix: &str) -> BTreeMap<String, Entry> {
        let text = self.ctl(&format!("get --prefix {prefix} -w fields"));
        let (mut all, mut key, mut value) = (BTreeMap::new(), String::new(), serde_json::Value::Null);
        for line in text.lines() {
            let Some((name, said)) = line.split_once(" : ") else { continue };
            let quoted = || serde_json::from_str::<String>(said).unwrap();
            match name {
                "\"Key\"" => key = quoted(),
                "\"Value\"" => value = serde_json::from_str(&quoted()).unwrap_or_default(),
                "\"Lease\"" => {
                    let entry = Entry { value: value.take(), lease: said.parse().unwrap() };
                    all.insert(std::mem::take(&mut key), entry);
                }
                _ => {}
            }
        }
        all
    }

    /// How many etcd leases there are.
    pub(crate) fn leases(&self) -> usize {
        self.ctl("lease list").lines().skip(1).count()
    }
}
