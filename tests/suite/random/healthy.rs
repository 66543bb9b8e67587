//! Random packets in healthy labs: every one is foretold to arrive, and does; `doctor` finds nothing.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use flanctl::lab::ns;
use serde_json::Value;
use tempfile::TempDir;

use super::ask::{shoot, stages};
use super::bed::{Bed, owners, said, started};
use super::dice::{Dice, wished};

/// Where every member of the lab echoes.
const PORT: u16 = 7007;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says back what it is told, over UDP and TCP, in one namespace.
struct Echo {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Echo {
    /// Over UDP at each address by itself: an answer from another one would be of another connection.
    fn open(netns: &str, addrs: &[IpAddr]) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let any = SocketAddr::from(([0u16; 8], PORT));
        let tcp = ns::within(netns, || TcpListener::bind(any)).unwrap();
        tcp.set_nonblocking(true).unwrap();
        let each = addrs.iter().map(|ip| {
            let udp = ns::within(netns, || UdpSocket::bind((*ip, PORT))).unwrap();
            udp.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let end = over.clone();
            std::thread::spawn(move || {
                let mut room = [0u8; 65_536];
                while !end.load(Ordering::Relaxed) {
                    if let Ok((len, from)) = udp.recv_from(&mut room) {
                        let _ = udp.send_to(&room[..len], from);
                    }
                }
            })
        });
        let mut threads: Vec<JoinHandle<()>> = each.collect();
        let gone = over.clone();
        threads.push(std::thread::spawn(move || {
            while !gone.load(Ordering::Relaxed) {
                let Ok((mut stream, _)) = tcp.accept() else {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                };
                let mut room = [0u8; 4096];
                let _ = stream.set_nonblocking(false);
                let _ = stream.set_read_timeout(Some(PATIENCE));
                if let Ok(len) = stream.read(&mut room) {
                    let _ = stream.write_all(&room[..len]);
                }
            }
        }));
        Self { over, threads }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A packet of a healthy lab.
#[derive(Debug)]
struct Packet {
    from: String,
    src: Option<IpAddr>,
    dst: IpAddr,
    proto: &'static str,
    size: u32,
    whole: bool,
}

/// Sizes of IP packets: below, at and above what fits into the tunnel.
const SIZES: [u32; 8] = [84, 84, 500, 1000, 1350, 1400, 2000, 4000];

impl Packet {
    /// From a member to an address that another one has.
    fn any(dice: &mut Dice, places: &[(IpAddr, String)], world: &[IpAddr]) -> Option<Self> {
        let (ip, member) = &places[dice.below(places.len())];
        let all: Vec<IpAddr> = places.iter().map(|(ip, _)| *ip).chain(world.iter().copied()).collect();
        let dst = all[dice.below(all.len())];
        let pod = member.starts_with("pod");
        // A pod that talks to itself asks no node.
        if dst.is_ipv4() != ip.is_ipv4() || dst == *ip {
            return None;
        }
        let proto = dice.one(&["icmp", "icmp", "udp", "tcp"]);
        let proto = ["icmp", "udp", "tcp"].into_iter().find(|p| *p == proto)?;
        // Nobody echoes in the world; and the kernel takes no TCP for the anycast address of an IPv6 net, which a
        // node's end of the tunnel is.
        let end = matches!(dst, IpAddr::V6(ip) if ip.segments()[7] == 0);
        let proto = if world.contains(&dst) || (end && proto == "tcp") { "icmp" } else { proto };
        let size = SIZES[dice.below(SIZES.len())];
        // TCP cuts its stream by itself: what is foretold is its first packet.
        let size = if proto == "tcp" { 60 } else { size };
        let whole = proto == "icmp" && size <= 1400 && dice.chance(50);
        Some(Self { from: member.clone(), src: pod.then_some(*ip), dst, proto, size, whole })
    }

    /// True if it is answered.
    fn answered(&self, bed: &Bed) -> Result<(), String> {
        let netns = bed.netns(&self.from);
        let to = SocketAddr::new(self.dst, PORT);
        let done = match self.proto {
            "icmp" => {
                let head = if self.dst.is_ipv6() { 48 } else { 28 };
                let (size, whole) =
                    (self.size.saturating_sub(head).to_string(), if self.whole { "do" } else { "dont" });
                let words = [
                    "-n",
                    "-c",
                    "3",
                    "-i",
                    "0.2",
                    "-W",
                    "2",
                    "-M",
                    whole,
                    "-s",
                    &size,
                    &self.dst.to_string(),
                ];
                let output = started(&netns, Command::new("ping").args(words));
                return if output.status.success() { Ok(()) } else { Err(said(&output)) };
            }
            "udp" => ns::within(&netns, || {
                let any: SocketAddr =
                    if to.is_ipv6() { ([0u16; 8], 0).into() } else { ([0, 0, 0, 0], 0).into() };
                let socket = UdpSocket::bind(any)?;
                socket.set_read_timeout(Some(PATIENCE))?;
                socket.send_to(&vec![7; self.payload(8)], to)?;
                socket.recv(&mut [0; 65_536])
            }),
            _ => ns::within(&netns, || {
                let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.write_all(b"hello")?;
                stream.read(&mut [0; 16])
            }),
        };
        done.map(drop).map_err(|e| e.to_string())
    }

    fn payload(&self, head: u32) -> usize {
        let ip = if self.dst.is_ipv6() { 40 } else { 20 };
        self.size.saturating_sub(ip + head) as usize
    }

    fn words(&self) -> Vec<String> {
        let mut words = vec![self.dst.to_string(), "--proto".to_owned(), self.proto.to_owned()];
        words.extend(["--size".to_owned(), self.size.to_string()]);
        words.extend(self.src.iter().flat_map(|src| ["--from".to_owned(), src.to_string()]));
        if self.proto != "icmp" {
            words.extend(["--dport".to_owned(), PORT.to_string()]);
        }
        words
    }
}

fn run(name: &'static str, shape: &[&str], members: &[&str], world: &[&str], rounds: usize) {
    let (seed, rounds) = wished(rounds);
    let bed = Bed::up(name, shape);
    let mut members: Vec<String> = members.iter().map(|m| (*m).to_owned()).collect();
    members.sort();
    let addresses = owners(&bed, &members);
    let places: Vec<(IpAddr, String)> = addresses
        .into_iter()
        .map(|(ip, netns)| (ip, netns.trim_start_matches(&format!("{name}-")).to_owned()))
        .collect();
    // Behind NAT a node's own address means nothing to the others.
    let places: Vec<_> = places.into_iter().filter(|(ip, _)| !ip.to_string().starts_with("10.0.")).collect();
    let world: Vec<IpAddr> = world.iter().map(|ip| ip.parse().unwrap()).collect();
    let _echoes: Vec<Echo> = members
        .iter()
        .map(|m| {
            let own: Vec<IpAddr> = places.iter().filter(|(_, place)| place == m).map(|(ip, _)| *ip).collect();
            Echo::open(&bed.netns(m), &own)
        })
        .collect();
    let dir = TempDir::new().unwrap();
    let shots: BTreeMap<String, _> = members
        .iter()
        .filter(|m| m.starts_with("node"))
        .map(|node| {
            let file = dir.path().join(node);
            shoot(&bed, node, &file);
            (node.clone(), file)
        })
        .collect();
    let mut dice = Dice::of(seed);
    let (mut wrong, mut asked) = (Vec::new(), 0);
    while asked < rounds {
        let Some(packet) = Packet::any(&mut dice, &places, &world) else { continue };
        asked += 1;
        let node = packet.from.replace("pod", "node");
        let shot = shots[&node].display().to_string();
        let words = packet.words();
        let mut line = vec!["-o", "json", "trace", "--snapshot", &shot];
        line.extend(words.iter().map(String::as_str));
        let output = bed.flanctl(&bed.netns(&node), &line);
        let text = said(&output);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        let fine = found["verdict"] == "delivered" && found["findings"].as_array().is_some_and(Vec::is_empty);
        let answered = packet.answered(&bed);
        if !fine || answered.is_err() {
            wrong.push(format!(
                "{packet:?}\n  flanctl trace {}: {}\n{}\n  {answered:?}",
                words.join(" "),
                found["verdict"],
                stages(&text)
            ));
        }
    }
    wrong.extend(shots.keys().filter_map(|node| sick(&bed, node)));
    assert!(wrong.is_empty(), "seed {seed}: {} of {asked} are wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// What doctor finds on a node, if it finds anything.
fn sick(bed: &Bed, node: &str) -> Option<String> {
    let output = bed.flanctl(&bed.netns(node), &["-o", "json", "doctor"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<_> =
        found["findings"].as_array().unwrap().iter().filter(|f| f["code"] != "agent.stopped").collect();
    (!codes.is_empty()).then(|| format!("doctor on {node}: {codes:#?}"))
}

#[test]
fn packets_of_a_healthy_lab_arrive_as_foretold() {
    run(
        "t-healthy-4",
        &["--nodes", "3"],
        &["node1", "node2", "node3", "pod1", "pod2", "pod3"],
        &["192.0.2.1"],
        70,
    );
}

#[test]
fn packets_of_a_healthy_lab_of_two_families_arrive_as_foretold() {
    run(
        "t-healthy-6",
        &["--nodes", "2", "--ipv6"],
        &["node1", "node2", "pod1", "pod2"],
        &["192.0.2.1", "2001:db8::1"],
        70,
    );
}

#[test]
fn packets_of_a_healthy_lab_of_two_segments_arrive_as_foretold() {
    let dir = TempDir::new().unwrap();
    let conf = dir.path().join("net-conf.json");
    let text = r#"{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan","DirectRouting":true}}"#;
    std::fs::write(&conf, text).unwrap();
    let members = ["node1", "node2", "node3", "pod1", "pod2", "pod3"];
    let shape = ["--nodes", "3", "--segments", "2", "--config", &conf.display().to_string()];
    run("t-healthy-d", &shape, &members, &["192.0.2.1"], 60);
}

#[test]
fn packets_of_a_healthy_lab_behind_nat_arrive_as_foretold() {
    let members = ["node1", "node2", "pod1", "pod2"];
    run("t-healthy-n", &["--nodes", "2", "--nat"], &members, &["192.0.2.1"], 20);
}
