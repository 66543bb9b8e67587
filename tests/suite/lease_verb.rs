//! `flanctl lease` and the readers on a live node, through the real binary over a directory store.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test's helpers"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use flanctl::agent::file::{self, AgentFile, StoreNote};
use flanctl::config::{StoreChoice, Uplink};
use flanctl::lease::{Attrs, Lease, VxlanData};
use flanctl::net::Mac;
use flanctl::store::{self, LeaseStore};

use crate::support::netns::{bridge, ip, scratch};

const CONFIG: &str = r#"{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan"}}"#;

fn block<T>(work: impl Future<Output = T>) -> T {
    crate::support::netns::runtime().block_on(work)
}

async fn opened(dir: &Path) -> Box<dyn LeaseStore> {
    store::open(&StoreChoice::Dir(dir.to_owned())).await.unwrap()
}

async fn put(store: &dyn LeaseStore, n: u8, node: &str, ttl: u64) -> Lease {
    let data = VxlanData { vni: 1, mac: Mac([2, 0, 0, 0, 0, n]) };
    let attrs = Attrs {
        public_ip: Some([192, 168, 0, n].into()),
        backend_type: "vxlan".into(),
        backend_data: Some(data.to_json().into()),
        node: Some(node.into()),
        ..Attrs::default()
    };
    store.create(format!("10.5.{n}.0-24").parse().unwrap(), &attrs, ttl).await.unwrap()
}

/// A store with node-1 … node-3; node-3 ends within the hour.
fn stocked() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    block(async {
        let store = opened(dir.path()).await;
        store.put_config(CONFIG).await.unwrap();
        for (n, ttl) in [(1, 86_400), (2, 86_400), (3, 1_800)] {
            put(store.as_ref(), n, &format!("node-{n}"), ttl).await;
        }
    });
    dir
}

fn flanctl(dir: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flanctl"));
    command.args(line.split_whitespace()).env_clear();
    command.args(["--store", &format!("dir:{}", dir.display()), "--run-dir", "/nonexistent"]);
    command
}

fn run(dir: &Path, line: &str) -> Output {
    flanctl(dir, line).output().unwrap()
}

/// As `flanctl`, with an agent's state file and no flag that names a store.
fn beside_agent(run_dir: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flanctl"));
    command.args(line.split_whitespace()).arg("--run-dir").arg(run_dir).env_clear().output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn list_shows_every_lease() {
    let dir = stocked();
    let output = run(dir.path(), "lease");
    let said = text(&output.stdout);
    let words: Vec<Vec<&str>> = said.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        words[0],
        ["SUBNET", "NODE", "PUBLIC", "IP", "BACKEND", "VNI", "VTEP", "MAC", "EXPIRES"],
        "{said}"
    );
    assert_eq!(
        words[1][..6],
        ["10.5.1.0/24", "node-1", "192.168.0.1", "vxlan", "1", "02:00:00:00:00:01"],
        "{said}"
    );
    assert_eq!(words.len(), 4, "{said}");
    let json: serde_json::Value =
        serde_json::from_slice(&run(dir.path(), "lease list -o json").stdout).unwrap();
    assert_eq!(json["schema"], "flanctl.lease/1");
    assert_eq!(json["rows"][1]["lease"]["mac"], "02:00:00:00:00:02");
}

#[test]
fn show_finds_a_lease_by_whatever_one_has_of_it() {
    let dir = stocked();
    for what in ["10.5.2.0/24", "10.5.2.0-24", "10.5.2.77", "192.168.0.2", "node-2"] {
        let output = run(dir.path(), &format!("lease show {what}"));
        assert!(
            text(&output.stdout).starts_with("subnet       10.5.2.0/24\nnode         node-2\n"),
            "{what}: {output:?}"
        );
    }
    for what in ["10.5.9.1", "node-9"] {
        assert_eq!(run(dir.path(), &format!("lease show {what}")).status.code(), Some(1), "{what}");
    }
}

#[test]
fn a_lease_of_a_node_that_may_live_is_released_only_with_yes() {
    let dir = stocked();
    for (line, code, want) in [
        ("lease release 10.5.2.0/24", 1, "not released: 10.5.2.0/24 of node node-2 (renewed 0s ago)"),
        ("lease release 10.5.2.0/24 --yes", 0, "released 10.5.2.0/24 of node node-2 (renewed 0s ago)"),
        ("lease release 10.5.2.0/24 --yes", 1, "no lease of 10.5.2.0/24"),
        ("lease release 10.5.3.0-24", 0, "released 10.5.3.0/24 of node node-3 (renewed 23h30m ago)"),
        ("lease release nonsense", 2, "\"nonsense\" is not a subnet"),
    ] {
        let output = run(dir.path(), line);
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        // The seconds since the lease was made move on while the test runs.
        let said = said.replace("renewed 1s ago", "renewed 0s ago").replace("23h29m", "23h30m");
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert!(said.contains(want), "{line}: {said}");
    }
}

#[test]
fn a_config_is_checked_before_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("net-conf.json");
    std::fs::write(&file, CONFIG).unwrap();
    let store = dir.path().join("store");
    assert_eq!(run(&store, "lease config get").status.code(), Some(3));
    for (given, code) in [("{\"Network\":\"10.5.0.0/30\"}", 2), ("{", 2), (file.to_str().unwrap(), 0)] {
        assert_eq!(run(&store, &format!("lease config set {given}")).status.code(), Some(code), "{given}");
    }
    assert_eq!(text(&run(&store, "lease config get").stdout).trim_end(), CONFIG);
}

#[test]
fn watch_tells_what_is_held_and_what_changes() {
    let dir = stocked();
    let mut child = flanctl(dir.path(), "lease watch -o json").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> serde_json::Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["schema"], "flanctl.lease-watch/1");
    for n in 1..=3 {
        let line = next();
        assert_eq!((&line["event"], &line["node"]), (&"held".into(), &format!("node-{n}").into()));
    }
    block(async {
        let store = opened(dir.path()).await;
        let lease = put(store.as_ref(), 9, "node-9", 600).await;
        // One batch may swallow a lease that comes and goes at once.
        tokio::time::sleep(Duration::from_millis(300)).await;
        store.release(&lease).await.unwrap();
    });
    for want in ["added", "removed"] {
        let line = next();
        assert_eq!((&line["event"], &line["node"]), (&want.into(), &"node-9".into()), "{line}");
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::Signal::SIGINT)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_live_node_is_read_beside_the_leases_of_its_store() {
    let dir = stocked();
    let path = dir.path().to_owned();
    scratch(move || {
        ip(
            "link add flannel.1 address 02:00:00:00:00:01 mtu 1450 type vxlan id 1 local 192.168.0.1 dev eth0 dstport 8472 nolearning",
        );
        ip("addr add 10.5.1.0/32 dev flannel.1");
        ip("link set flannel.1 up");
        for n in [2, 3] {
            ip(&format!("neigh replace 10.5.{n}.0 lladdr 02:00:00:00:00:0{n} dev flannel.1 nud permanent"));
            bridge(&format!(
                "fdb replace 02:00:00:00:00:0{n} dev flannel.1 dst 192.168.0.{n} self permanent"
            ));
            ip(&format!("route add 10.5.{n}.0/24 via 10.5.{n}.0 dev flannel.1 onlink"));
        }
        for verb in ["route", "fdb", "arp"] {
            let output = run(&path, &format!("{verb} --check"));
            assert_eq!(output.status.code(), Some(0), "{verb}: {output:?}");
        }
        for (harm, verb, want) in [
            ("route del 10.5.2.0/24", "route", "missing"),
            ("neigh replace 10.5.3.0 lladdr 02:00:00:00:00:77 dev flannel.1 nud permanent", "arp", "wrong"),
            ("neigh add 10.5.7.0 lladdr 02:00:00:00:00:07 dev flannel.1 nud permanent", "arp", "stale"),
            ("link set flannel.1 address 02:00:00:00:00:99", "fdb", "wrong"),
        ] {
            ip(harm);
            let output = run(&path, &format!("{verb} --check"));
            let said = text(&output.stdout);
            assert_eq!(output.status.code(), Some(1), "{harm}: {said}");
            assert!(said.lines().any(|line| line.starts_with(want)), "{harm}: {said}");
        }
    });
}

/// The state file of an agent in this namespace over a stocked store.
fn agent_of(store: &Path, pid: u32) -> AgentFile {
    let netns = flanctl::kernel::netns::inode().unwrap();
    let mut leases = block(async { opened(store).await.list().await.unwrap().leases });
    leases.sort_by_key(|lease| lease.subnet);
    let own = leases.remove(0);
    let now = std::time::SystemTime::now();
    AgentFile {
        pid,
        started: now,
        written_at: now,
        host: "node-1".to_owned(),
        netns,
        device: "flannel.1".parse().unwrap(),
        store: StoreNote::Dir { path: store.to_owned() },
        config: CONFIG.to_owned(),
        own: Some(own),
        uplink: Uplink {
            dev: "eth0".parse().unwrap(),
            mtu: 1500,
            v4: None,
            v6: None,
            ext_v4: None,
            ext_v6: None,
        },
        peers: leases,
    }
}

#[test]
fn a_running_agent_s_leases_are_found_without_a_word() {
    let store = stocked();
    let dir = tempfile::tempdir().unwrap();
    file::write(dir.path(), &agent_of(store.path(), std::process::id())).unwrap();
    let output = beside_agent(dir.path(), "arp -o json");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["host"], "node-1", "{json}");
    assert_eq!(json["unseen"], serde_json::json!([]), "{json}");
    let nodes: Vec<&serde_json::Value> =
        json["rows"].as_array().unwrap().iter().map(|row| &row["node"]).collect();
    assert_eq!(nodes, ["node-2", "node-3"], "{json}");
    assert_eq!(json["rows"][0]["state"], "missing");
    // `lease` opens the agent's own store, and marks the agent's node.
    let json: serde_json::Value =
        serde_json::from_slice(&beside_agent(dir.path(), "lease -o json").stdout).unwrap();
    let marks: Vec<bool> =
        json["rows"].as_array().unwrap().iter().map(|row| row["lease"]["this_node"] == true).collect();
    assert_eq!(marks, [true, false, false], "{json}");
}

#[test]
fn a_reader_makes_no_store() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    for line in ["lease", "lease show 10.5.1.1", "lease watch", "lease config get", "route", "fdb", "arp"] {
        let output = run(&store, line);
        assert_eq!(output.status.code(), Some(3), "{line}: {output:?}");
        assert!(text(&output.stderr).contains("hint: "), "{line}: {output:?}");
        assert!(!store.exists(), "{line}");
    }
    // An empty one stays empty, and is told from one without leases.
    for line in ["lease", "lease show 10.5.1.1", "route", "fdb", "arp --check -q"] {
        let output = run(dir.path(), line);
        assert_eq!(output.status.code(), Some(3), "{line}: {output:?}");
        assert!(text(&output.stderr).contains("no leases in directory"), "{line}: {output:?}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{line}");
    }
    assert_eq!(run(&store, &format!("lease config set {CONFIG}")).status.code(), Some(0));
    let output = run(&store, "lease");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).contains("# no leases in directory"), "{output:?}");
}

#[test]
fn an_agent_that_ended_is_none_that_runs() {
    let store = stocked();
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    let pid = nix::unistd::Pid::from_raw(child.id() as i32);
    file::write(dir.path(), &agent_of(store.path(), child.id())).unwrap();
    let state = |want: char| {
        let path = format!("/proc/{}/stat", child.id());
        while !std::fs::read_to_string(&path).unwrap().contains(&format!(") {want} ")) {
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    assert!(text(&beside_agent(dir.path(), "arp --check -q").stderr).is_empty());
    for (signal, letter, want) in [
        (nix::sys::signal::Signal::SIGSTOP, 'T', "is stopped"),
        (nix::sys::signal::Signal::SIGKILL, 'Z', "is not running"),
    ] {
        nix::sys::signal::kill(pid, signal).unwrap();
        state(letter);
        let output = beside_agent(dir.path(), "arp --check");
        let said = format!("agent {} {want}", child.id());
        assert!(text(&output.stdout).contains(&said) && text(&output.stderr).contains(&said), "{output:?}");
    }
    child.wait().unwrap();
}

#[test]
fn a_record_that_cannot_be_read_is_told_of() {
    let dir = stocked();
    std::fs::write(dir.path().join("subnets/10.5.7.0-24"), "{").unwrap();
    let output = run(dir.path(), "arp --check -q");
    let said = text(&output.stdout);
    assert!(said.lines().any(|l| l.starts_with("refused") && l.contains("10.5.7.0-24")), "{output:?}");
    let output = run(dir.path(), "lease show 10.5.7.9");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("10.5.7.0-24 has 10.5.7.9, and cannot be read"), "{output:?}");
}

#[test]
fn a_config_that_leases_do_not_fit_is_written_only_with_yes() {
    let dir = stocked();
    let vni = r#"{"Network":"10.5.0.0/16","Backend":{"Type":"vxlan","VNI":7}}"#;
    let elsewhere = r#"{"Network":"10.6.0.0/16","Backend":{"Type":"vxlan"}}"#;
    for (given, want) in [(vni, "is on another VNI"), (elsewhere, "is outside the new network")] {
        let output = run(dir.path(), &format!("lease config set {given}"));
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stderr).contains(want), "{output:?}");
        assert_eq!(text(&run(dir.path(), "lease config get").stdout).trim_end(), CONFIG);
    }
    let typo = r#"{"Network":"10.5.0.0/16","SubnetLan":24,"Backend":{"Type":"vxlan","Vmi":7}}"#;
    let output = run(dir.path(), &format!("lease config set {typo}"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).contains("agents take it at SIGHUP or at their next start"), "{output:?}");
    for want in ["unknown key SubnetLan: ignored", "unknown key Vmi in Backend: ignored"] {
        assert!(text(&output.stderr).contains(want), "{output:?}");
    }
    assert_eq!(run(dir.path(), &format!("lease config set {vni} --yes")).status.code(), Some(0));
}

#[test]
fn a_mistyped_prefix_of_etcd_is_told_from_an_empty_one() {
    let etcd = crate::support::etcd::Etcd::start();
    let on = |prefix: &str, line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flanctl"));
        command.args(line.split_whitespace()).args(["--run-dir", "/nonexistent", "--etcd-prefix", prefix]);
        command.args(["--etcd-endpoints", &etcd.url()]).env_clear().output().unwrap()
    };
    assert_eq!(on("/net", &format!("lease config set {CONFIG}")).status.code(), Some(0));
    for line in ["lease", "lease show 10.5.1.1", "route", "fdb", "arp"] {
        let output = on("/typo", line);
        assert_eq!(output.status.code(), Some(3), "{line}: {output:?}");
        let want = format!("nothing under prefix /typo of etcd {}", etcd.url());
        assert!(text(&output.stderr).contains(&want), "{line}: {output:?}");
        assert_eq!(on("/net", line).status.code(), Some(i32::from(line.contains("show"))), "{line}");
    }
}
