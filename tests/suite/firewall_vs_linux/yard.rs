//! Three namespaces in a row, sender, router, receiver, with the rules in the router; and a wire from the sender to
//! the receiver past the router, over which a later packet tells that all earlier ones are through.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use flanctl::kernel::exec::run;
use flanctl::kernel::netns::InNetns;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, recv, sendto, socket,
};
use nix::unistd::Pid;

use super::packets::{Caught, Shot, read};

const ENDS: [&str; 2] = ["fwvs-sender", "fwvs-receiver"];

const WIRES: &str = "
    ip link set lo up
    for ns in fwvs-sender fwvs-receiver; do ip netns add $ns; ip -n $ns link set lo up; done
    ip link add name a0 address 02:00:00:00:00:01 type veth peer name s0 address 02:00:00:00:00:0a netns fwvs-sender
    ip link add name b0 address 02:00:00:00:00:02 type veth peer name d0 address 02:00:00:00:00:0d netns fwvs-receiver
    ip -n fwvs-sender link add name past type veth peer name past netns fwvs-receiver
    for f in ipv4/conf/all/rp_filter ipv4/conf/default/rp_filter ipv4/conf/a0/rp_filter ipv4/conf/b0/rp_filter \
        ipv4/icmp_ratelimit ipv6/icmp/ratelimit; do echo 0 > /proc/sys/net/$f; done
    for f in ipv4/ip_forward ipv6/conf/all/forwarding; do echo 1 > /proc/sys/net/$f; done
    ip addr add 10.1.0.1/24 dev a0; ip addr add fd01::1/64 dev a0 nodad
    ip addr add 10.2.0.1/24 dev b0; ip addr add fd02::1/64 dev b0 nodad
    ip link set a0 up; ip link set b0 up
    ip -n fwvs-sender addr add 10.1.0.2/24 dev s0; ip -n fwvs-sender addr add fd01::2/64 dev s0 nodad
    ip -n fwvs-sender addr add 10.9.0.1/24 dev past
    ip -n fwvs-receiver addr add 10.2.0.2/24 dev d0; ip -n fwvs-receiver addr add fd02::2/64 dev d0 nodad
    ip -n fwvs-receiver addr add 10.9.0.2/24 dev past
    for at in 'fwvs-sender s0' 'fwvs-sender past' 'fwvs-receiver d0' 'fwvs-receiver past'; do
        set -- $at; ip -n $1 link set $2 up; done
    for n in 2 3 4 77; do for net in 10.2.0. fd02::; do
        ip neigh replace $net$n dev b0 lladdr 02:00:00:00:00:0d nud permanent; done; done
    ip neigh replace 10.1.0.2 dev a0 lladdr 02:00:00:00:00:0a nud permanent
    ip neigh replace fd01::2 dev a0 lladdr 02:00:00:00:00:0a nud permanent
    for net in 10.1.0. fd01::; do
        ip -n fwvs-sender neigh replace ${net}1 dev s0 lladdr 02:00:00:00:00:01 nud permanent; done
    for net in 10.2.0. fd02::; do
        ip -n fwvs-receiver neigh replace ${net}1 dev d0 lladdr 02:00:00:00:00:02 nud permanent; done
    ip -n fwvs-sender route add default via 10.1.0.1; ip -n fwvs-sender -6 route add default via fd01::1
    ip -n fwvs-receiver route add default via 10.2.0.1; ip -n fwvs-receiver -6 route add default via fd02::1
    # The ends only look: nothing in them answers.
    for at in 'fwvs-sender s0' 'fwvs-receiver d0'; do set -- $at
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
    set in4 { type ipv4_addr . ipv4_addr . mark; size 99; flags dynamic; }
    set in6 { type ipv6_addr . ipv6_addr . mark; size 99; flags dynamic; }
    set out4 { type ipv4_addr . ipv4_addr . mark; size 99; flags dynamic; }
    set out6 { type ipv6_addr . ipv6_addr . mark; size 99; flags dynamic; }
    chain in {
        type filter hook input priority 2000;
        ct state invalid,new,established,untracked meta l4proto { tcp, udp, icmp } add @in4 { ip saddr . ip daddr . mark } drop
        meta l4proto { tcp, udp } add @in6 { ip6 saddr . ip6 daddr . mark } drop
        icmpv6 type { echo-request, destination-unreachable } add @in6 { ip6 saddr . ip6 daddr . mark } drop
    }
    chain out {
        type filter hook postrouting priority 2000;
        add @out4 { ip saddr . ip daddr . mark }
        add @out6 { ip6 saddr . ip6 daddr . mark }
    }
}
";

/// Addresses and mark that the router noted.
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
    pub(super) fn new() -> Self {
        sh(WIRES);
        // One processor handles every packet that this thread sends, in order.
        let mut one = CpuSet::new();
        one.set(0).unwrap();
        sched_setaffinity(Pid::from_raw(0), &one).unwrap();
        let mut raw = Vec::new();
        let mut taps = Vec::new();
        for place in [Some(ENDS[0]), None, Some(ENDS[1])] {
            let _there = place.map(|name| InNetns::enter(name).unwrap());
            raw.push([AddressFamily::Inet, AddressFamily::Inet6].map(|family| {
                socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Raw).unwrap()
            }));
            if place.is_some() {
                let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
                taps.push(socket(AddressFamily::Packet, SockType::Datagram, flags, SockProtocol::EthAll).unwrap());
            }
        }
        let bound = |name: &str, addr: &str| {
            let _there = InNetns::enter(name).unwrap();
            UdpSocket::bind(addr).unwrap()
        };
        let sentinel = (bound(ENDS[0], "10.9.0.1:7"), bound(ENDS[1], "10.9.0.2:7"));
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

    /// Sends, and forgets what is seen of it.
    pub(super) fn send(&self, from: From, shot: &Shot) {
        let raw = &self.raw[from as usize][usize::from(shot.src.is_ipv6())];
        let to = SockaddrStorage::from(SocketAddr::new(shot.dst, 0));
        // A rule that drops what this host sends is told to the sender.
        let sent = sendto(raw.as_raw_fd(), &shot.bytes(), &to, MsgFlags::empty());
        assert!(sent.is_ok() || from == From::Router, "{shot:?}: {sent:?}");
        self.settle();
        self.seen(0);
    }

    /// Sends and tells what became of it.
    pub(super) fn watch(&self, from: From, shot: &Shot) -> Observed {
        self.seen(0);
        let raw = &self.raw[from as usize][usize::from(shot.src.is_ipv6())];
        let to = SockaddrStorage::from(SocketAddr::new(shot.dst, 0));
        let sent = sendto(raw.as_raw_fd(), &shot.bytes(), &to, MsgFlags::empty());
        assert!(sent.is_ok() || from == From::Router, "{shot:?}: {sent:?}");
        self.settle();
        let caught = self.seen(shot.tag);
        let listed = sh("nft -j list table inet notes");
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let notes = |name: &str| -> BTreeSet<Note> {
            let objects = listed["nftables"].as_array().unwrap().iter().filter_map(|o| o.get("set"));
            let sets = objects.filter(|set| set["name"].as_str().unwrap().starts_with(name));
            sets.flat_map(|set| set["elem"].as_array().cloned().unwrap_or_default()).map(|e| note(&e)).collect()
        };
        Observed { caught, here: notes("in"), left: notes("out") }
    }

    /// Everything in the taps that is this packet or a refusal; the sender's own copy is not.
    fn seen(&self, tag: u32) -> Vec<Caught> {
        let mut caught = Vec::new();
        for (end, tap) in self.taps.iter().enumerate() {
            let mut buffer = [0; 4096];
            while let Ok(len) = recv(tap.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                match read(&buffer[..len], tag) {
                    Some(Caught::Arrived { .. }) if end == 0 => {}
                    Some(one) => caught.push(one),
                    None => {}
                }
            }
        }
        caught
    }
}

fn note(element: &serde_json::Value) -> Note {
    let element = element["elem"].get("val").unwrap_or(element);
    let parts = element["concat"].as_array().unwrap();
    let addr = |at: usize| parts[at].as_str().unwrap().parse().unwrap();
    (addr(0), addr(1), u32::try_from(parts[2].as_u64().unwrap()).unwrap())
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
