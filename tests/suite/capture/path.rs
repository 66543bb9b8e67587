//! `capture --path` in a lab of two nodes: packets out, in and between the node and a pod, segments, and losses that
//! are made, each with the devices between which it is and the counter that tells of it.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus};

use flanctl::kernel::netns::InNetns;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::nodes;
use crate::support::space::{hold, until};
use crate::support::swap::FLANCTL;

/// The lab's name; it is gone when the test ends, however it ends.
const NAME: &str = "t-path";

struct Lab {
    dir: tempfile::TempDir,
    /// Addresses of both pods.
    pods: [String; 2],
}

impl Lab {
    fn up() -> Self {
        let mut lab = Self { dir: tempfile::tempdir().unwrap(), pods: Default::default() };
        lab.pods = nodes::up(NAME);
        // Neighbours are found before anything is watched.
        lab.does("pod1", &format!("ping -n -q -c 1 -W 5 {}", lab.pods[1]));
        lab
    }

    fn command(member: &str, line: &str) -> Command {
        nodes::command(NAME, member, line)
    }

    fn does(&self, member: &str, line: &str) -> String {
        nodes::does(NAME, member, line)
    }

    /// A ping that need not arrive.
    fn pings(&self, member: &str, count: u32, to: &str) {
        let ping = Self::command(member, &format!("ping -n -q -c {count} -i 0.05 -W 1 {to}")).output();
        ping.unwrap();
    }

    /// Starts following on node1 and waits until all devices are open.
    fn follow(&self, args: &str) -> Following {
        let (out, err) = (self.dir.path().join("out"), self.dir.path().join("err"));
        let mut command = Self::command("node1", &format!("flanctl capture --path -nn {args}"));
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let following = Following { child: command.spawn().unwrap(), out, err };
        until("it follows", || hold(following.said().contains("following packets at"), following.said()));
        following
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        nodes::down(NAME);
    }
}

struct Following {
    child: Child,
    out: std::path::PathBuf,
    err: std::path::PathBuf,
}

impl Following {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.err).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.out).unwrap();
        // The last line may not be whole yet.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    fn records(&self) -> Vec<Value> {
        self.lines().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until so many records fit.
    fn wait(&self, count: usize, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        until("the packets were followed", || {
            let found: Vec<Value> = self.records().into_iter().filter(&fits).collect();
            if found.len() >= count {
                Ok(found)
            } else {
                Err(format!("{:#?}\n{}", self.records(), self.said()))
            }
        })
    }

    fn end(&mut self) -> ExitStatus {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT).unwrap();
        until("it ends", || self.child.try_wait().unwrap().ok_or("it runs"))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The devices of a record, in order.
fn devices(record: &Value) -> Vec<&str> {
    record["points"].as_array().unwrap().iter().map(|point| point["stage"].as_str().unwrap()).collect()
}

/// True for an echo of this type between these two.
fn echo(record: &Value, kind: u64, src: &str, dst: &str) -> bool {
    let packet = &record["packet"];
    packet["icmp"]["type"] == kind && packet["ip"]["src"] == src && packet["ip"]["dst"] == dst
}

const OUT: [&str; 4] = ["pod", "bridge", "tunnel", "uplink"];
const IN: [&str; 4] = ["uplink", "tunnel", "bridge", "pod"];

#[test]
fn each_packet_is_a_record_of_its_way_or_of_its_loss() {
    let lab = Lab::up();
    whole_ways(&lab);
    text_and_filters(&lab);
    large_packets(&lab);
    losses(&lab);
    devices_that_vanish(&lab);
}

fn whole_ways(lab: &Lab) {
    let [near, far] = &lab.pods;
    let mut following = lab.follow("-o ndjson --nano");
    lab.pings("pod1", 2, far);
    lab.pings("pod2", 1, near);
    lab.pings("node1", 1, near);
    for (kind, src, dst, count, way) in
        [(8, near, far, 2, OUT), (0, far, near, 2, IN), (8, far, near, 1, IN), (0, near, far, 1, OUT)]
    {
        for record in following.wait(count, |record| echo(record, kind, src, dst)) {
            assert_eq!((devices(&record).as_slice(), &record["fate"]), (&way[..], &Value::from("through")));
            assert_eq!(record["schema"], "flanctl.path/1");
            let points = record["points"].as_array().unwrap();
            let after: Vec<f64> = points.iter().map(|point| point["after_us"].as_f64().unwrap()).collect();
            assert!(after[0] == 0.0 && after.is_sorted() && after[3] > 0.0, "{record:#?}");
            let uplink = points.iter().find(|point| point["stage"] == "uplink").unwrap();
            let (ours, theirs) = ("192.168.50.11", "192.168.50.12");
            let ends = if way == OUT { (ours, theirs) } else { (theirs, ours) };
            assert_eq!((&uplink["vni"], &uplink["dev"]), (&Value::from(1), &Value::from("eth0")));
            let outer = (uplink["outer_src"].as_str().unwrap(), uplink["outer_dst"].as_str().unwrap());
            assert_eq!(outer, ends);
        }
    }
    let local =
        following.wait(1, |record| record["packet"]["icmp"]["type"] == 8 && devices(record).len() == 2);
    assert_eq!(devices(&local[0]), ["bridge", "pod"]);
    assert!(following.end().success());
    let said = following.said();
    assert!(
        said.contains("followed, 0 lost") && said.contains(&format!("({NAME}-pod1), cni0, flannel.1, eth0")),
        "{said}"
    );
}

fn text_and_filters(lab: &Lab) {
    let [near, far] = &lab.pods;
    // It ends by itself, and what the filter does not take is not told.
    let mut following = lab.follow(&format!("-c 2 --pod pod1 -q src host {near} and icmp"));
    lab.pings("pod1", 2, far);
    let status = until("it took two", || following.child.try_wait().unwrap().ok_or("it runs"));
    assert!(status.success(), "{}", following.said());
    let lines = following.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        let (packet, way) = line.split_once("  ").unwrap();
        assert!(
            packet.ends_with(&format!("IP {near} > {far}: ICMP echo request, id {}", id(packet))),
            "{line}"
        );
        let points: Vec<&str> = way.split("  ").map(|point| point.split(' ').next().unwrap()).collect();
        assert_eq!(points, ["veth0", "cni0", "flannel.1", "eth0"], "{line}");
        assert!(way.starts_with("veth0 +0us") && way.ends_with("us (vni 1 to 192.168.50.12)"), "{line}");
    }
    let refused = |args: &str| {
        let output = Lab::command("node1", &format!("flanctl capture --path {args}")).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    for (args, word) in [
        ("--pod nobody", "no pod nobody behind a veth of this node"),
        ("host nonsense nonsense", "can't parse filter expression"),
        (&format!("--netns {NAME}-pod1"), "no flannel device here"),
        ("--netns t-path-nobody", "t-path-nobody"),
    ] {
        let said = refused(args);
        assert!(said.contains(word), "{args}: {said}");
    }
}

/// What follows the packet's words: its identifier and sequence.
fn id(packet: &str) -> &str {
    packet.split_once("request, id ").map(|(_, id)| id).unwrap_or_default()
}

/// Bytes through a connection from one pod to the other: segments that the uplink's card cuts, or puts together.
fn sends(from: &str, to: &str, listen: &str, bytes: usize) {
    let inside = InNetns::enter(&format!("{NAME}-{to}")).unwrap();
    let listener = TcpListener::bind((listen, 0)).unwrap();
    drop(inside);
    let at = listener.local_addr().unwrap();
    let taking = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut taken = Vec::new();
        stream.read_to_end(&mut taken).unwrap();
        taken.len()
    });
    let inside = InNetns::enter(&format!("{NAME}-{from}")).unwrap();
    let mut stream = TcpStream::connect(at).unwrap();
    drop(inside);
    stream.write_all(&vec![7; bytes]).unwrap();
    drop(stream);
    assert_eq!(taking.join().unwrap(), bytes);
}

fn large_packets(lab: &Lab) {
    let [near, far] = &lab.pods;
    for node in ["node1", "node2"] {
        lab.does(node, "ethtool -K eth0 tx-udp_tnl-segmentation off tx-udp_tnl-csum-segmentation off");
    }
    let bytes = 400_000;
    let mut following = lab.follow("-o ndjson -B 16384 tcp");
    sends("pod1", "pod2", far, bytes);
    sends("pod2", "pod1", near, bytes);
    let data = |record: &Value, src: &str| -> usize {
        let from = record["packet"]["ip"]["src"] == *src;
        if from { record["packet"]["tcp"]["length"].as_u64().unwrap() as usize } else { 0 }
    };
    let sum = |src: &str| -> usize { following.records().iter().map(|record| data(record, src)).sum() };
    until("all bytes were followed", || {
        hold(sum(near) >= bytes && sum(far) >= bytes, format!("{} {}", sum(near), sum(far)))
    });
    let records = following.records();
    let bad: Vec<&Value> = records.iter().filter(|record| record["fate"] == "lost").collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let in_parts = |record: &&Value| {
        let points = record["points"].as_array().unwrap();
        points.iter().any(|point| point["stage"] == "uplink" && point["parts"].as_u64() > Some(1))
    };
    let cut: Vec<&Value> = records.iter().filter(in_parts).collect();
    assert!(!cut.is_empty() && cut.iter().all(|record| devices(record) == OUT), "{cut:#?}");
    assert!(following.end().success());
}

fn losses(lab: &Lab) {
    let [near, far] = &lab.pods;
    let request = |record: &Value| record["packet"]["icmp"]["type"] == 8 && record["fate"] == "lost";
    let counters = |record: &Value| -> Vec<String> {
        record["lost"]["counters"].as_object().unwrap().keys().cloned().collect()
    };
    let between = |record: &Value| record["lost"]["between"].clone();
    let lab_does = |words: &[&str]| {
        let output = Command::new(FLANCTL).arg("lab").args(words).args(["--name", NAME]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };

    lab_does(&["break", "fdb.missing"]);
    let mut following = lab.follow("-o ndjson --timeout 500 icmp");
    lab.pings("pod1", 1, far);
    let record = following.wait(1, request).remove(0);
    assert_eq!(between(&record), serde_json::json!(["flannel.1", "eth0"]), "{record:#?}");
    assert!(counters(&record).contains(&"flannel.1 tx_dropped".to_owned()), "{record:#?}");
    assert_eq!(record["lost"]["after_ms"], 500);
    assert!(following.end().success());
    let told = format!("1 packet followed, 1 lost\nhint: flanctl trace --from {near} {far} says");
    assert!(following.said().contains(&told), "{}", following.said());
    lab_does(&["heal"]);

    // The firewall, on the way out and on the way in.
    lab.does("node1", "nft add table ip t");
    lab.does("node1", "nft add chain ip t f { type filter hook forward priority 0 ; }");
    for (member, to, gap) in [("pod1", far, ["cni0", "flannel.1"]), ("pod2", near, ["flannel.1", "cni0"])] {
        lab.does("node1", &format!("nft add rule ip t f ip daddr {to} counter drop"));
        let mut following = lab.follow("-o ndjson --timeout 500 icmp");
        lab.pings(member, 1, to);
        let record = following.wait(1, request).remove(0);
        assert_eq!(between(&record), serde_json::json!(gap), "{record:#?}");
        let rule = format!("nft ip t/f: ip daddr {to} counter drop");
        assert!(counters(&record).contains(&rule), "{record:#?}");
        assert!(following.end().success());
        lab.does("node1", "nft flush chain ip t f");
    }
    lab.does("node1", "nft delete table ip t");

    // No route, and none to fall back on: IP counts it.
    lab.does("node1", &format!("ip route add unreachable {far}"));
    let mut following = lab.follow("--timeout 500 icmp");
    lab.pings("pod1", 1, far);
    let lost =
        |line: &&String| line.contains("echo request") && line.contains("lost between cni0 and flannel.1");
    let line = until("the loss was told", || {
        following.lines().iter().find(lost).cloned().ok_or_else(|| following.said())
    });
    assert!(line.contains("after 500ms: "), "{line}");
    assert!(following.end().success());
    lab.does("node1", &format!("ip route del unreachable {far}"));
}

fn devices_that_vanish(lab: &Lab) {
    let mut following = lab.follow("");
    lab.does("node1", "ip link del veth0");
    until("it tells", || hold(following.said().contains("veth0 is gone"), following.said()));
    lab.does("node1", "ip link del flannel.1");
    let status = until("it ends", || following.child.try_wait().unwrap().ok_or("it runs"));
    assert_eq!(status.code(), Some(1));
    assert!(following.said().contains("flannel.1 cannot be watched any more"), "{}", following.said());
}
