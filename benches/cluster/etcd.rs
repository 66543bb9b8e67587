//! A real etcd-server with leases in it, ended by its pid.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use etcd_client::{Client, PutOptions, Txn, TxnOp};
use tokio::runtime::Runtime;

use super::peers::{CONFIG, PREFIX, Peer};

/// What the agent is told.
pub const URL: &str = "http://127.0.0.1:2379";

/// Puts in one transaction.
const AT_ONCE: usize = 100;

/// A running server and a client of it.
pub struct Etcd {
    child: Child,
    runtime: Runtime,
    client: Client,
}

impl Etcd {
    /// Starts one in the namespace of the calling thread, its data in memory: the figures are flanctl's, not a disk's.
    pub fn start() -> Self {
        let data = "/run/etcd";
        let _ = std::fs::remove_dir_all(data);
        let child = Command::new("etcd")
            .args(["--data-dir", data, "--listen-client-urls", URL, "--advertise-client-urls", URL])
            .args(["--listen-peer-urls", "http://127.0.0.1:2380", "--logger", "zap", "--log-level", "error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("etcd-server is needed: apt-get install etcd-server");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            // Half a minute: the kernel may still be taking the last namespace's 50,000 routes apart.
            for _ in 0..600 {
                if let Ok(mut client) = Client::connect([URL], None).await
                    && client.put(format!("{PREFIX}/config"), CONFIG, None).await.is_ok()
                {
                    return client;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            panic!("etcd does not answer");
        });
        Self { child, runtime, client }
    }

    /// Leases of the peers with these numbers.
    pub fn fill(&mut self, peers: std::ops::Range<u32>) {
        let peers: Vec<Peer> = peers.map(Peer).collect();
        for some in peers.chunks(AT_ONCE) {
            let options = PutOptions::new().with_lease(self.grant());
            let put = |p: &Peer| TxnOp::put(p.key(), p.value(), Some(options.clone()));
            let ops: Vec<TxnOp> = some.iter().map(put).collect();
            self.runtime.block_on(self.client.txn(Txn::new().and_then(ops))).unwrap();
        }
    }

    /// An etcd lease. Nodes have one each; with thousands of keys on one, every put costs etcd a millisecond more.
    pub fn grant(&mut self) -> i64 {
        self.runtime.block_on(self.client.lease_grant(86_400, None)).unwrap().id()
    }

    /// One peer joins on its own etcd lease.
    pub fn put(&mut self, peer: Peer, lease: i64) {
        let options = PutOptions::new().with_lease(lease);
        self.runtime.block_on(self.client.put(peer.key(), peer.value(), Some(options))).unwrap();
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
