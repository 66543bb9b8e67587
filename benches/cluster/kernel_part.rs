//! The lease set in hand → the kernel's last acknowledgement, beside `ip -batch` and `bridge -batch` with plain rows.

use std::fmt::Write;
use std::time::{Duration, Instant};

use flanctl::agent::{Node, Touched};
use flanctl::config::{NetConf, Uplink};
use flanctl::kernel::{Kernel, LinuxKernel};
use flanctl::lease::{Lease, Peers};
use flanctl::net::{Mac, Subnet};
use flanctl::overlay::{Own, World, wants_objects};

use super::peers::{CONFIG, Peer};
use super::room;
use super::table::Table;

/// The mark at 10,000 peers: this many times faster than iproute2.
const FASTER: f64 = 4.0;
/// A peer of many may cost this many times what one of 1,000 costs.
const FLAT: f64 = 1.3;

/// Every size, and how flat the cost a peer is.
pub fn measure(sizes: &[u32], table: &mut Table) {
    eprintln!("kernel part");
    let mut each = Vec::new();
    let base = sizes.iter().copied().find(|n| *n == 1_000);
    for &peers in sizes {
        let rounds = if peers > 20_000 { 3 } else { 5 };
        let (mut ours, mut batch) = (Vec::new(), Vec::new());
        // In turns, so that a busy moment of the machine meets both; plain rows past 20,000 take half a minute.
        for round in 0..rounds {
            ours.push(room::fresh(|| node(peers)));
            if round == 0 || peers <= 10_000 {
                batch.push(room::fresh(|| iproute2(peers)));
            }
        }
        let (ours, batch) = (median(ours), median(batch));
        let times = (peers == 10_000).then_some(FASTER);
        table.add_faster(
            "kernel part, leases in hand → last ack (peer: ip/bridge -batch)",
            peers,
            ours,
            batch,
            times,
        );
        each.push((peers, ours / f64::from(peers)));
    }
    let first = base.and_then(|base| each.iter().find(|(peers, _)| *peers == base)).copied();
    for (peers, cost) in &each {
        table.note("kernel part a peer", *peers, cost * 1e6, "us");
        if let Some((base, first)) = first.filter(|(base, _)| base != peers) {
            let what = format!("kernel part a peer, times the figure at {base}");
            let mark = [super::table::Mark { below: FLAT, at: *peers }];
            table.add(&what, *peers, cost / first, "x", None, &mark);
        }
    }
}

fn median(mut samples: Vec<Duration>) -> f64 {
    samples.sort();
    samples[samples.len() / 2].as_secs_f64()
}

/// What `run` does between the first list and its last acknowledgement.
fn node(peers: u32) -> Duration {
    let leases: Vec<Lease> = (0..peers).map(|n| Peer(n).lease()).collect();
    let mut kernel = LinuxKernel::open().unwrap();
    let have = kernel.observe().unwrap();
    let own = Subnet::v4("10.255.0.0/24".parse().unwrap());
    let world = World {
        conf: NetConf::parse(CONFIG).unwrap(),
        uplink: Uplink {
            dev: "eth0".parse().unwrap(),
            mtu: 1500,
            v4: Some([192, 168, 0, 1].into()),
            v6: None,
            ext_v4: Some([192, 168, 0, 1].into()),
            ext_v6: None,
        },
        own: Own { subnet: own, mac: Mac([2, 0, 0, 0, 0, 1]), mac6: Mac([2, 0, 0, 0, 0, 2]) },
        peers: Peers::of(Some(own)),
        objects: false,
    };
    let mut node = Node::new(Box::new(kernel), have, world);
    let start = Instant::now();
    node.world.peers.reset(leases);
    node.world.objects = wants_objects(node.world.peers.len(), false);
    let report = node.settle(Touched::Everything).unwrap();
    let took = start.elapsed();
    assert!(report.refused.is_empty(), "{:?}", report.refused.first());
    took
}

/// The same peers by iproute2; writing the batches is not counted.
fn iproute2(peers: u32) -> Duration {
    room::feed(
        "ip",
        "link add flannel.1 address 02:00:00:00:00:01 mtu 1450 type vxlan id 1 local 192.168.0.1 dev eth0 dstport 8472 \
         nolearning\naddr add 10.255.0.0/32 dev flannel.1\nlink set flannel.1 up\n",
    );
    let (mut ip, mut bridge) = (String::new(), String::new());
    for peer in (0..peers).map(Peer) {
        let (gateway, mac) = (peer.gateway(), peer.mac());
        writeln!(ip, "neigh replace {gateway} lladdr {mac} dev flannel.1 nud permanent").unwrap();
        writeln!(bridge, "fdb replace {mac} dev flannel.1 dst {} self permanent", peer.vtep()).unwrap();
        writeln!(ip, "route replace {} via {gateway} dev flannel.1 onlink", peer.net()).unwrap();
    }
    let start = Instant::now();
    room::feed("bridge", &bridge);
    room::feed("ip", &ip);
    start.elapsed()
}
