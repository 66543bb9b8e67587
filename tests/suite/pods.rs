//! Which namespaces are found behind a node's veths, what they are called, and what is said without rights.

use std::process::{Child, Command};

use flanctl::snapshot::Snapshot;
use flanctl::state::Pod;

use super::support::space::Space;

/// A node with a bridge, a wire to the world (its uplink) and pods of two kinds: `blue`, which `ip netns` named, and
/// one that only a process holds.
struct Node {
    space: Space,
    world: Space,
    held: Space,
    sleeper: Child,
    name: String,
}

impl Node {
    fn new(tag: &str) -> Self {
        let (space, world, held) = (Space::new(), Space::new(), Space::new());
        let name = format!("pods-{tag}-{}", std::process::id());
        space.ip(&format!("netns add {name}"));
        let at = |far: &str| format!("peer name eth0 netns {far}");
        space.ip(&format!("link add eth0 type veth {}", at(&world.path())));
        space.ip("link add cni0 type bridge");
        space.ip(&format!("link add vetha type veth {}", at(&name)));
        space.ip(&format!("link add vethb type veth {}", at(&held.path())));
        // A pair with both ends here leads to no pod.
        space.ip("link add ends type veth peer name here");
        space.ip("link add flannel.1 type vxlan id 1 dev eth0 dstport 8472");
        for port in ["vetha", "vethb"] {
            space.ip(&format!("link set {port} master cni0"));
        }
        space.ip(&format!("-n {name} addr add 10.9.0.7/24 dev eth0"));
        held.ip("addr add 10.9.0.8/24 dev eth0");
        let sleeper = held.spawn(Command::new("sleep").arg("600"));
        Self { space, world, held, sleeper, name }
    }

    fn snapshot(&self, before: &str) -> Snapshot {
        let flanctl = env!("CARGO_BIN_EXE_flanctl");
        let text = self.space.run(&format!("{before} {flanctl} snapshot"));
        Snapshot::decode(text.as_bytes()).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.sleeper.kill().unwrap();
        self.sleeper.wait().unwrap();
        self.space.ip(&format!("netns del {}", self.name));
        assert!(!self.world.path().is_empty() && !self.held.path().is_empty());
    }
}

fn named<'a>(pods: &'a [Pod], name: &str) -> &'a Pod {
    let all: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    pods.iter().find(|pod| pod.name == name).unwrap_or_else(|| panic!("no {name} among {all:?}"))
}

fn has(pod: &Pod, ip: &str) -> bool {
    pod.state.owner_of(ip.parse().unwrap()).is_some()
}

#[test]
fn a_namespace_is_found_by_its_name_or_by_a_process_and_the_world_is_no_pod() {
    let node = Node::new("all");
    let snapshot = node.snapshot("");
    assert_eq!(snapshot.pods.len(), 2, "{:?}", snapshot.pods.iter().map(|p| &p.name).collect::<Vec<_>>());
    let blue = named(&snapshot.pods, &node.name);
    assert!(has(blue, "10.9.0.7") && blue.aliases.contains(&format!("/run/netns/{}", node.name)));
    let pid = format!("pid {}", node.sleeper.id());
    // This very process holds the file of that namespace open; the sleeper is the one that lives in it.
    let held = snapshot.pods.iter().find(|pod| pod.name == pid || pod.aliases.contains(&pid));
    assert!(held.is_some_and(|pod| has(pod, "10.9.0.8")), "{:?}", snapshot.pods);
    assert!(!snapshot.unseen.iter().any(|said| said.contains("veth")), "{:?}", snapshot.unseen);
}

#[test]
fn a_pods_own_rules_are_read_and_of_one_that_nobody_touched_there_are_none() {
    let node = Node::new("rules");
    let tables = |pod: &Pod| {
        let rules = pod.state.firewall.as_ref().unwrap();
        assert_eq!(rules.unseen, Vec::<String>::new());
        rules.tables.iter().map(|table| format!("{:?} {}", table.owner, table.name)).collect::<Vec<_>>()
    };
    let before = node.snapshot("");
    assert_eq!(tables(named(&before.pods, &node.name)), Vec::<String>::new());
    node.space.ip(&format!("netns exec {} nft add table ip guard", node.name));
    // The kernel's old tables do not count as changes of nf_tables.
    node.held.run("iptables-legacy -A OUTPUT -p tcp -j DROP");
    let after = node.snapshot("");
    assert_eq!(tables(named(&after.pods, &node.name)), ["Nft guard"]);
    let held = after.pods.iter().find(|pod| has(pod, "10.9.0.8")).unwrap();
    assert_eq!(tables(held), ["IptablesLegacy filter"]);
}

#[test]
fn without_rights_the_names_are_there_and_the_inside_is_missed_aloud() {
    let node = Node::new("bare");
    let snapshot = node.snapshot("setpriv --bounding-set -sys_admin --inh-caps -sys_admin");
    let blue = named(&snapshot.pods, &node.name);
    assert!(blue.state.links.is_empty() && blue.nsid.is_some());
    let said = format!("the inside of {} could not be read", node.name);
    assert!(snapshot.unseen.iter().any(|line| line.starts_with(&said)), "{:?}", snapshot.unseen);
}

#[test]
fn the_ports_of_a_bridge_are_listed_with_the_pod_behind_each() {
    let node = Node::new("ports");
    let flanctl = env!("CARGO_BIN_EXE_flanctl");
    let text = node.space.run(&format!("{flanctl} fdb show --dev cni0 -o json"));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let rows = document["rows"].as_array().unwrap();
    let ports: Vec<_> =
        rows.iter().map(|row| (row["port"].as_str(), row["pod"]["ips"][0].as_str())).collect();
    assert_eq!(ports, [(Some("vetha"), Some("10.9.0.7")), (Some("vethb"), Some("10.9.0.8"))]);
    let refused = node.space.output(&format!("{flanctl} fdb --dev eth0"));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(3));
    assert!(said.contains("eth0 is no bridge here") && said.contains("bridges here: cni0"), "{said}");
}
