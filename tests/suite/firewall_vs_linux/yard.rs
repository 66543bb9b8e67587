//! Three namespaces in a row, sender, router, receiver, with the rules in the router; and a wire from the sender to
//! the receiver past the router, over which a later packet tells that all earlier ones are through.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use flanctl::kernel::exec::run;
use flanctl::kernel::netns::InNetns;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, recv, sendto, socket,
};
use nix::unistd::Pid;

use super::dice::Case;
use super::packets::{Caught, Shot, read};

/// `SENDER` and `RECEIVER` stand for the names of the ends.
const WIRES: &str = "
    ip link set lo up
    for ns in SENDER RECEIVER; do ip netns add $ns; ip -n $ns link set lo up; done
    ip link add name a0 address 02:00:00:00:00:01 type veth peer name s0 address 02:00:00:00:00:0a netns SENDER
    ip link add name b0 address 02:00:00:00:00:02 type veth peer name d0 address 02:00:00:00:00:0d netns RECEIVER
    ip -n SENDER link add name past type veth peer name past netns RECEIVER
    for f in ipv4/conf/all/rp_filter ipv4/conf/default/rp_filter ipv4/conf/a0/rp_filter ipv4/conf/b0/rp_filter \
        ipv4/icmp_ratelimit ipv6/icmp/ratelimit; do echo 0 > /proc/sys/net/$f; done
    for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > /proc/sys/net/$f; done
    ip addr add 10.1.0.1/24 dev a0; ip addr add fd01::1/64 dev a0 nodad
    ip addr add 10.2.0.1/24 dev b0; ip addr add fd02::1/64 dev b0 nodad
    ip link set a0 up; ip link set b0 up
    ip -n SENDER addr add 10.1.0.2/24 dev s0; ip -n SENDER addr add fd01::2/64 dev s0 nodad
    ip -n SENDER addr add 10.9.0.1/24 dev past
    ip -n RECEIVER addr add 10.2.0.2/24 dev d0; ip -n RECEIVER addr add fd02::2/64 dev d0 nodad
    ip -n RECEIVER addr add 10.9.0.2/24 dev past
    for at in 'SENDER s0' 'SENDER past' 'RECEIVER d0' 'RECEIVER past'; do
        set -- $at; ip -n $1 link set $2 up; done
    for n in 2 3 4 77; do for net in 10.2.0. fd02::; do
        ip neigh replace $net$n dev b0 lladdr 02:00:00:00:00:0d nud permanent; done; done
    ip neigh replace 10.1.0.2 dev a0 lladdr 02:00:00:00:00:0a nud permanent
    ip neigh replace fd01::2 dev a0 lladdr 02:00:00:00:00:0a nud permanent
    for net in 10.1.0. fd01::; do
        ip -n SENDER neigh replace ${net}1 dev s0 lladdr 02:00:00:00:00:01 nud permanent; done
    for net in 10.2.0. fd02::; do
        ip -n RECEIVER neigh replace ${net}1 dev d0 lladdr 02:00:00:00:00:02 nud permanent; done
    ip -n SENDER route add default via 10.1.0.1; ip -n SENDER -6 route add default via fd01::1
    ip -n RECEIVER route add default via 10.2.0.1; ip -n RECEIVER -6 route add default via fd02::1
    # The ends only look: nothing in them answers.
    for at in 'SENDER s0' 'RECEIVER d0'; do set -- $at
        ip netns exec $1 nft \"add table inet deaf; add chain inet deaf in { type filter hook input priority 0; }
            add rule inet deaf in iifname $2 meta l4proto { tcp, udp, icmp } drop
            add rule inet deaf in iifname $2 icmpv6 type { echo-request, destination-unreachable } drop\"; done
";

/// What the router itself notes, behind all other rules: who came to the end of a hook, with which mark. What came to
/// the end of `input` is not answered.
pub(super) const NOTES: &str = "
add table inet notes
delete table inet notes
table inet notes {
    set in4 { typeof ip saddr . ip daddr . meta mark . meta length; size 99; flags dynamic; }
    set in6 { typeof ip6 saddr . ip6 daddr . meta mark . meta length; size 99; flags dynamic; }
    set out4 { typeof ip saddr . ip daddr . meta mark . meta length; size 99; flags dynamic; }
    set out6 { typeof ip6 saddr . ip6 daddr . meta mark . meta length; size 99; flags dynamic; }
    chain in {
        type filter hook input priority 2000;
        ct state invalid,new,established,untracked meta l4proto { tcp, udp, icmp } add @in4 { ip saddr . ip daddr . meta mark . meta length } drop
        meta l4proto { tcp, udp } add @in6 { ip6 saddr . ip6 daddr . meta mark . meta length } drop
        icmpv6 type { echo-request, destination-unreachable } add @in6 { ip6 saddr . ip6 daddr . meta mark . meta length } drop
    }
    chain out {
        type filter hook postrouting priority 2000;
        add @out4 { ip saddr . ip daddr . meta mark . meta length }
        add @out6 { ip6 saddr . ip6 daddr . meta mark . meta length }
    }
}
";

/// Addresses and mark that the router noted, of packets of one length.
pub(super) type Note = (IpAddr, IpAddr, u32);

/// What became of one packet.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    /// What the sender and the receiver saw.
    pub(super) caught: Vec<Caught>,
    /// What came to the router itself.
    pub(super) here: BTreeSet<Note>,
    /// What left the router.
    pub(super) left: BTreeSet<Note>,
}

/// Where a packet starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Sender,
    Router,
    Receiver,
}

/// The namespaces with their sockets; the calling thread stands in the router.
pub(super) struct Yard {
    taps: Vec<OwnedFd>,
    /// For each start, a socket that sends IPv4 and one that sends IPv6, headers included.
    raw: Vec<[OwnedFd; 2]>,
    sentinel: (UdpSocket, UdpSocket),
}

impl Yard {
    /// Lays the wires. To be called in a fresh namespace.
    pub(super) fn new(number: usize) -> Self {
        let ends = [format!("fwvs-sender-{number}"), format!("fwvs-receiver-{number}")];
        sh(&WIRES.replace("SENDER", &ends[0]).replace("RECEIVER", &ends[1]));
        // One processor handles every packet that this thread sends, in order.
        let mut one = CpuSet::new();
        let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap();
        let cpus: Vec<usize> = (0..CpuSet::count()).filter(|cpu| allowed.is_set(*cpu).unwrap()).collect();
        one.set(cpus[number % cpus.len()]).unwrap();
        sched_setaffinity(Pid::from_raw(0), &one).unwrap();
        let mut raw = Vec::new();
        let mut taps = Vec::new();
        for place in [Some(&ends[0]), None, Some(&ends[1])] {
            let _there = place.map(|name| InNetns::enter(name).unwrap());
            raw.push([AddressFamily::Inet, AddressFamily::Inet6].map(|family| {
                socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Raw).unwrap()
            }));
            if place.is_some() {
                let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
                taps.push(
                    socket(AddressFamily::Packet, SockType::Datagram, flags, SockProtocol::EthAll).unwrap(),
                );
            }
        }
        let bound = |name: &str, addr: &str| {
            let _there = InNetns::enter(name).unwrap();
            UdpSocket::bind(addr).unwrap()
        };
        let sentinel = (bound(&ends[0], "10.9.0.1:7"), bound(&ends[1], "10.9.0.2:7"));
        sentinel.1.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let yard = Self { taps, raw, sentinel };
        yard.settle();
        yard
    }

    /// Waits until everything sent so far is through: packets of one processor are handled in order, and each of
    /// these is handled behind what the one before left in the queues on the way.
    fn settle(&self) {
        for _ in 0..6 {
            self.sentinel.0.send_to(b"behind", "10.9.0.2:7").unwrap();
            self.sentinel.1.recv(&mut [0; 16]).unwrap();
        }
    }

    /// Sends.
    fn send(&self, from: From, shot: &Shot) {
        let raw = &self.raw[from as usize][usize::from(shot.src.is_ipv6())];
        let to = SockaddrStorage::from(SocketAddr::new(shot.dst, 0));
        // A rule that drops what this host sends is told to the sender.
        let sent = sendto(raw.as_raw_fd(), &shot.bytes(), &to, MsgFlags::empty());
        assert!(sent.is_ok() || from == From::Router, "{shot:?}: {sent:?}");
        self.settle();
    }

    /// The packets that make a connection known to the router, before there are rules.
    pub(super) fn acquaint(&self, case: &Case) {
        let first = if case.back { case.shot.reversed() } else { case.shot.clone() };
        self.send(From::Sender, &first);
        self.send(From::Receiver, &first.reversed());
    }

    /// Sends these and tells what became of each.
    pub(super) fn watch(&self, cases: &[Case]) -> Vec<Observed> {
        self.tapped();
        cases.iter().for_each(|case| self.send(case.from, &case.shot));
        let frames = self.tapped();
        let listed = sh("nft -j list table inet notes");
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let notes = |name: &str, len: usize| -> BTreeSet<Note> {
            let objects = listed["nftables"].as_array().unwrap().iter().filter_map(|o| o.get("set"));
            let sets = objects.filter(|set| set["name"].as_str().unwrap().starts_with(name));
            let elements = sets.flat_map(|set| set["elem"].as_array().cloned().unwrap_or_default());
            elements.filter_map(|element| note(&element, len)).collect()
        };
        let observed = |case: &Case| {
            // Its own end sees the packet when it is sent.
            let own = |end: usize, caught: &Caught| {
                let here = if end == 0 { From::Sender } else { From::Receiver };
                here == case.from && matches!(caught, Caught::Arrived { .. })
            };
            let read = |(end, frame): &(usize, Vec<u8>)| read(frame, &case.shot).filter(|c| !own(*end, c));
            let len = case.shot.len();
            Observed {
                caught: frames.iter().filter_map(read).collect(),
                here: notes("in", len),
                left: notes("out", len),
            }
        };
        cases.iter().map(observed).collect()
    }

    /// Every frame in the taps, and the end at which it was seen: 0 at the sender.
    fn tapped(&self) -> Vec<(usize, Vec<u8>)> {
        let mut frames = Vec::new();
        for (end, tap) in self.taps.iter().enumerate() {
            let mut buffer = [0; 4096];
            while let Ok(len) = recv(tap.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                frames.push((end, buffer[..len].to_vec()));
            }
        }
        frames
    }
}

/// What an element tells of packets of this length.
fn note(element: &serde_json::Value, len: usize) -> Option<Note> {
    let element = element["elem"].get("val").unwrap_or(element);
    let parts = element["concat"].as_array().unwrap();
    let addr = |at: usize| parts[at].as_str().unwrap().parse().unwrap();
    let number = |at: usize| parts[at].as_u64().unwrap();
    (number(3) == len as u64).then(|| (addr(0), addr(1), u32::try_from(number(2)).unwrap()))
}

/// A shell line that must succeed.
pub(super) fn sh(line: &str) -> String {
    feed("sh", &["-ec", line], "")
}

/// A program that must succeed, and what it reads.
pub(super) fn feed(program: &str, args: &[&str], input: &str) -> String {
    let left = run(program, args, input).unwrap();
    assert!(left.fine, "{program} {args:?}: {}\n{input}", left.err);
    left.out
}

/// True if a program takes its input.
pub(super) fn takes(program: &str, args: &[&str], input: &str) -> bool {
    run(program, args, input).unwrap().fine
}
