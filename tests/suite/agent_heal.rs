//! What is deleted or altered by another hand comes back, and nothing else is touched: with a handful of peers
//! (plain rows) and with 1,500 (nexthop objects). Every repair must come from a notice: the slow sweep runs each
//! five minutes, these tests wait one.

use std::collections::BTreeSet;

use crate::support::agent::Agent;
use crate::support::cluster::{Cluster, Peer};
use crate::support::space::{Space, hold, until};

const CONFIG: &str = r#"{"Network":"10.0.0.0/8","SubnetLen":24,"Backend":{"Type":"vxlan"}}"#;
const SIZES: [u32; 2] = [2, 1_500];
/// The peer that is tampered with.
const VICTIM: Peer = Peer(2);

/// Rows of other programs, some as close to ours as can be.
const FOREIGN: &str = "
    link add vx9 type vxlan id 9 dstport 4790
    link set vx9 up
    addr add 172.31.9.1/24 dev vx9
    neigh add 10.0.2.0 lladdr 02:99:00:00:00:01 dev eth0 nud permanent
    neigh add 10.0.2.0 lladdr 02:99:00:00:00:02 dev vx9 nud permanent
    nexthop add id 7 via 192.168.50.1 dev eth0
    route add 172.29.0.0/16 nhid 7
    route add 172.30.0.0/16 via 192.168.50.1 dev eth0
    route add 10.0.2.0/24 via 192.168.50.1 dev eth0 table 77
    route add 10.0.2.0/24 via 192.168.50.1 dev eth0 metric 50
    route add 10.99.0.0/16 via 172.31.9.7 dev vx9";

/// One node, its agent, peers in the store, strangers' rows, and the tables as they should stay.
struct Scene {
    agent: Agent,
    cluster: Cluster,
    golden: BTreeSet<String>,
    peers: u32,
}

impl Scene {
    fn new(peers: u32) -> Self {
        let cluster = Cluster::on_dir(1, CONFIG);
        cluster.put_peers((1..=peers).map(Peer));
        cluster.space(1).batch("ip", FOREIGN);
        // The very MAC of a peer, on a device that is not ours.
        let mac = VICTIM.mac();
        cluster.space(1).run(&format!("bridge fdb add {mac} dev vx9 dst 172.31.9.9 self permanent"));
        let mut agent = cluster.start(1);
        agent.ready();
        let golden = tables(cluster.space(1));
        let scene = Self { agent, cluster, golden, peers };
        let wanted = usize::try_from(peers).unwrap();
        for (what, part) in [("neigh", "dev flannel.1 lladdr"), ("fdb", "dev flannel.1 dst")] {
            assert_eq!(scene.count(part), wanted, "{what} rows of {peers} peers");
        }
        let objects = if peers > 1_000 { wanted } else { 0 };
        assert_eq!(
            scene.count("dev flannel.1 scope link proto 142"),
            objects,
            "nexthop objects of {peers} peers"
        );
        scene
    }

    fn count(&self, part: &str) -> usize {
        self.golden.iter().filter(|row| row.contains(part)).count()
    }

    fn space(&self) -> &Space {
        self.cluster.space(1)
    }

    /// Does the damage, then waits until everything is as it was. The agent may be faster than a command that takes
    /// several steps: one that begins with `-` may fail.
    fn heals(&mut self, damage: &str) {
        for line in damage.split(';').map(str::trim) {
            match line.strip_prefix('-') {
                Some(line) => drop(self.space().output(line)),
                None => drop(self.space().run(line)),
            }
        }
        let peers = self.peers;
        until(&format!("after `{damage}` at {peers} peers all is as before"), || {
            let now = tables(self.space());
            let lost: Vec<_> = self.golden.difference(&now).take(8).collect();
            let extra: Vec<_> = now.difference(&self.golden).take(8).collect();
            hold(lost.is_empty() && extra.is_empty(), format!("missing {lost:#?}, too many {extra:#?}"))
        });
        assert_eq!(self.agent.code(), None, "the agent lives on after `{damage}`");
    }
}

/// Everything that an operator would look at, ours and strangers', one row a line.
fn tables(space: &Space) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    for what in ["route show table main", "route show table 77", "neigh show nud permanent", "nexthop show"] {
        let found = space.lines(&format!("ip {what}"));
        rows.extend(found.iter().map(|row| format!("{what}: {}", row.replace(" linkdown", ""))));
    }
    for dev in ["flannel.1", "vx9"] {
        let Ok(fdb) = String::from_utf8(space.output(&format!("bridge fdb show dev {dev}")).stdout) else {
            continue;
        };
        rows.extend(
            fdb.lines()
                .map(|row| format!("{dev}: fdb {}", row.trim().replace("dst", &format!("dev {dev} dst")))),
        );
    }
    for addr in space.rows("ip -j -4 addr show") {
        for info in addr["addr_info"].as_array().into_iter().flatten() {
            rows.insert(format!("{}: addr {}/{}", addr["ifname"], info["local"], info["prefixlen"]));
        }
    }
    for link in space.rows("ip -j -d link show type vxlan") {
        let data = &link["linkinfo"]["info_data"];
        let [name, mac, mtu, flags] = ["ifname", "address", "mtu", "flags"].map(|key| &link[key]);
        let up = flags.as_array().is_some_and(|f| f.iter().any(|f| f == "UP"));
        rows.insert(format!("{name}: {mac} mtu {mtu} up {up} {data}"));
    }
    rows
}

#[test]
fn one_deleted_row_comes_back() {
    for peers in SIZES {
        let mut scene = Scene::new(peers);
        let (mac, public) = (VICTIM.mac(), VICTIM.public());
        scene.heals(&format!("bridge fdb del {mac} dev flannel.1 dst {public} self"));
        scene.heals("ip neigh del 10.0.2.0 dev flannel.1");
        scene.heals("ip route del 10.0.2.0/24 metric 0");
        scene.heals(&format!(
            "ip route del 10.0.2.0/24 metric 0; ip neigh del 10.0.2.0 dev flannel.1; bridge fdb del {mac} dev flannel.1"
        ));
        scene.heals("-ip route flush dev flannel.1");
        scene.heals("-ip neigh flush dev flannel.1 nud permanent");
        if peers > 1_000 {
            let id = nexthop_id(&scene);
            scene.heals(&format!("ip nexthop del id {id}"));
            scene.heals("-ip nexthop flush proto 142");
        }
    }
}

fn nexthop_id(scene: &Scene) -> String {
    let rows = scene.space().rows("ip -j nexthop show");
    let ours = rows.iter().find(|row| row["gateway"] == VICTIM.gateway().to_string());
    ours.expect("the victim's nexthop object")["id"].to_string()
}

#[test]
fn one_altered_row_is_put_right() {
    for peers in SIZES {
        let mut scene = Scene::new(peers);
        let mac = VICTIM.mac();
        scene.heals(&format!("bridge fdb replace {mac} dev flannel.1 dst 172.20.9.9 self permanent"));
        scene.heals(&format!("bridge fdb replace {mac} dev flannel.1 dst 172.20.9.9 self dynamic"));
        let home = VICTIM.public();
        scene.heals(&format!("bridge fdb replace {mac} dev flannel.1 dst {home} via lo self permanent"));
        scene.heals("ip neigh replace 10.0.2.0 lladdr 02:66:66:66:66:66 dev flannel.1 nud permanent");
        scene.heals("ip neigh replace 10.0.2.0 lladdr 02:66:66:66:66:66 dev flannel.1 nud reachable");
        // K14: a gateway that is not the peer's.
        scene.heals("ip route replace 10.0.2.0/24 via 192.168.50.1 dev eth0");
        scene.heals("ip route replace 10.0.2.0/24 via 10.0.9.0 dev flannel.1 onlink");
        scene.heals("ip route replace 10.0.2.0/24 via 10.0.2.0 dev flannel.1 onlink proto boot mtu 500");
        scene.heals("ip route replace blackhole 10.0.2.0/24");
        scene.heals("ip route prepend 10.0.2.0/24 via 192.168.50.1 dev eth0");
        scene.heals("ip route append 10.0.2.0/24 via 192.168.50.1 dev eth0");
        // Rows that nobody asked for, on our device.
        scene.heals("ip route add 10.77.0.0/24 via 10.77.0.0 dev flannel.1 onlink");
        scene.heals("ip neigh add 10.77.0.0 lladdr 02:66:66:66:66:66 dev flannel.1 nud permanent");
        scene.heals("bridge fdb add 02:66:66:66:66:66 dev flannel.1 dst 172.20.9.9 self permanent");
        if peers > 1_000 {
            let id = nexthop_id(&scene);
            scene.heals(&format!("ip nexthop replace id {id} via 10.0.9.0 dev flannel.1 onlink proto 142"));
            scene.heals(&format!("ip nexthop replace id {id} blackhole proto 142"));
        }
    }
}

#[test]
fn a_deleted_device_comes_back_with_its_mac_and_all_rows() {
    for peers in SIZES {
        let mut scene = Scene::new(peers);
        scene.heals("ip link del flannel.1");
        scene.heals("ip link del flannel.1");
        scene.heals("ip link del flannel.1; -ip link add flannel.1 type vxlan id 1 dstport 4789");
        let lines = scene.agent.log().lines().count();
        assert!(lines < 100, "{lines} lines in the log at {peers} peers:\n{}", scene.agent.log());
    }
}

#[test]
fn a_device_that_was_set_otherwise_is_put_right() {
    for peers in SIZES {
        let mut scene = Scene::new(peers);
        let own =
            scene.golden.iter().find_map(|r| r.strip_prefix(r#""flannel.1": addr ""#)).expect("our address");
        let own = own.replace('"', "");
        scene.heals("ip link set flannel.1 down");
        scene.heals("ip link set flannel.1 down; ip link set flannel.1 up");
        scene.heals("ip link set flannel.1 mtu 1300");
        scene.heals("ip link set flannel.1 address 02:66:66:66:66:66");
        scene.heals(&format!("ip addr del {own} dev flannel.1"));
        scene.heals("ip addr add 10.0.250.9/24 dev flannel.1");
        scene.heals(&format!("ip addr add 10.0.250.9/24 dev flannel.1; ip addr del {own} dev flannel.1"));
        scene.heals("ip link set flannel.1 type vxlan learning");
        scene.heals("ip link set flannel.1 type vxlan local 192.168.50.77");
        scene.heals("ip link set flannel.1 down; ip link set flannel.1 address 02:66:66:66:66:66; ip link set flannel.1 mtu 1280");
    }
}

/// K23: more notices than any buffer holds.
#[test]
fn a_burst_of_link_notices_does_not_stop_healing() {
    let mut scene = Scene::new(2);
    // Making and deleting a device waits for the kernel's grace periods: a few of those, many aliases.
    let aliases = |n: u32| format!("link set eth0 alias a{n}\nlink set flannel.1 alias a{n}\n");
    let mut lines: String = (0..5_000).map(aliases).collect();
    lines.push_str(&"link add burst type bridge\nlink del burst\n".repeat(20));
    scene.space().batch("ip", &lines);
    scene.heals("ip neigh del 10.0.2.0 dev flannel.1");
    // Held still meanwhile, so that its buffer overruns.
    scene.agent.signal(nix::sys::signal::Signal::SIGSTOP);
    scene.space().batch("ip", &lines.repeat(3));
    scene.space().run("ip link set flannel.1 mtu 1300");
    scene.agent.signal(nix::sys::signal::Signal::SIGCONT);
    scene.heals("ip route del 10.0.2.0/24 metric 0");
}
