//! The node that is asked about: its rows as the agent writes them, and the agent's state file.

use std::path::Path;
use std::time::SystemTime;

use flanctl::agent::file::{AgentFile, StoreNote, write};
use flanctl::agent::{Node, Touched};
use flanctl::config::{NetConf, Uplink};
use flanctl::kernel::{Kernel, LinuxKernel};
use flanctl::lease::{Attrs, Expiry, Lease, Peers};
use flanctl::net::{Mac, Subnet};
use flanctl::overlay::{Own, World, wants_objects};
use nix::sys::stat::stat;
use tempfile::TempDir;

use super::peers::{CONFIG, Peer};

/// A node among peers.
pub struct Seat(TempDir);

impl Seat {
    /// Everything that the agent of such a node leaves behind, in this namespace.
    pub fn new(peers: u32) -> Self {
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
        let leases: Vec<Lease> = (0..peers).map(|n| Peer(n).lease()).collect();
        let own = Subnet::v4("10.255.0.0/24".parse().unwrap());
        let uplink = Uplink {
            dev: "eth0".parse().unwrap(),
            mtu: 1500,
            v4: Some([192, 168, 0, 1].into()),
            v6: None,
            ext_v4: Some([192, 168, 0, 1].into()),
            ext_v6: None,
        };
        let mac = Mac([2, 0, 0, 0, 0, 1]);
        let mut kernel = LinuxKernel::open().unwrap();
        let have = kernel.observe().unwrap();
        let world = World {
            conf: NetConf::parse(CONFIG).unwrap(),
            uplink: uplink.clone(),
            own: Own { subnet: own, mac, mac6: Mac([2, 0, 0, 0, 0, 2]) },
            peers: Peers::of(Some(own)),
            objects: false,
        };
        let mut node = Node::new(Box::new(kernel), have, world);
        node.world.peers.reset(leases.clone());
        node.world.objects = wants_objects(node.world.peers.len(), false);
        let report = node.settle(Touched::Everything).unwrap();
        assert!(report.refused.is_empty(), "{:?}", report.refused.first());
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &state_file(own, mac, uplink, leases)).unwrap();
        Self(dir)
    }

    /// Where the state file is.
    pub fn run_dir(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

fn state_file(own: Subnet, mac: Mac, uplink: Uplink, peers: Vec<Lease>) -> AgentFile {
    let attrs = Attrs {
        public_ip: uplink.ext_v4,
        backend_type: "vxlan".into(),
        backend_data: Some(format!(r#"{{"VNI":1,"VtepMAC":"{mac}"}}"#).into()),
        node: Some("bench".into()),
        ..Attrs::default()
    };
    let now = SystemTime::now();
    AgentFile {
        pid: std::process::id(),
        started: now,
        written_at: now,
        host: "bench".to_owned(),
        netns: stat(Path::new("/proc/thread-self/ns/net")).unwrap().st_ino,
        device: "flannel.1".parse().unwrap(),
        store: StoreNote::Dir { path: "/nowhere".into() },
        config: CONFIG.to_owned(),
        own: Some(Lease { subnet: own, attrs, expires: Expiry::Unknown, revision: 1, id: 1 }),
        uplink,
        peers,
    }
}
