//! Asks many addresses for an echo at once, and how large a packet gets there whole. Sends and counts; what the
//! answers mean is others' business. The socket belongs to the namespace of the thread that calls.
#![expect(clippy::disallowed_methods, reason = "measures time")]

mod once;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::Errno;
use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, ipproto, recvfrom, sendto, socket_with,
};

pub use once::{Once, once};

/// Probes under way at one moment: a bound on what the underlay has to carry, and on the replies' queue.
const WINDOW: usize = 64;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(1_000);
/// How often a small packet is tried before an address counts as silent, and a larger one as too large.
const TRIES: u32 = 2;
/// The smallest packet that every IPv4 path must carry; for IPv6 it is 1280, which a tunnel need not reach.
pub const LEAST: u32 = 576;
/// Bytes of the packet that asks whether anybody is there.
pub const SMALL: u32 = 84;
const ICMP_HEADER: u32 = 8;

/// Whom to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub ip: IpAddr,
    /// The largest packet worth trying: the MTU of the device that leads there.
    pub most: u32,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Echo {
    /// The fastest answer; `None` if none came.
    pub rtt: Option<Duration>,
    /// The largest packet that was answered with "do not fragment" set, of all sizes from [`LEAST`] on.
    pub mtu: Option<u32>,
    /// What the kernel here said to the first packet, if it refused to send it.
    pub refused: Option<String>,
}

/// Asks all of them. `told` hears how many are done.
pub fn echo(targets: &[Target], told: &mut dyn FnMut(usize)) -> io::Result<Vec<Echo>> {
    let mut all = vec![Echo::default(); targets.len()];
    let mut done = 0;
    for v6 in [false, true] {
        let family: Vec<usize> =
            targets.iter().enumerate().filter(|(_, t)| t.ip.is_ipv6() == v6).map(|(at, _)| at).collect();
        if family.is_empty() {
            continue;
        }
        let asked = family.iter().filter_map(|at| targets.get(*at)).map(|t| Probe::new(*t)).collect();
        let mut asking = Asking { wire: Wire::open(v6)?, probes: asked, flying: BTreeMap::new(), next: 0 };
        let found = asking.run(&mut |n| told(done + n))?;
        done += found.len();
        for (at, echo) in family.iter().zip(found) {
            if let Some(room) = all.get_mut(*at) {
                *room = echo;
            }
        }
    }
    Ok(all)
}

/// One address under way: first whether it answers, then the whole MTU, then halves between.
struct Probe {
    target: Target,
    echo: Echo,
    /// Bytes that got through, and the fewest that did not.
    passed: u32,
    failed: u32,
    size: u32,
    tries: u32,
    over: bool,
}

impl Probe {
    fn new(target: Target) -> Self {
        let failed = target.most.saturating_add(1);
        Self { target, echo: Echo::default(), passed: 0, failed, size: SMALL, tries: 0, over: false }
    }

    /// An answer to the packet of this size.
    fn answered(&mut self, rtt: Duration) {
        self.echo.rtt = Some(self.echo.rtt.map_or(rtt, |best| best.min(rtt)));
        let first = self.passed == 0;
        self.passed = self.passed.max(self.size);
        if first {
            self.step_to(self.target.most.max(SMALL));
        } else {
            self.echo.mtu = Some(self.passed);
            self.halve();
        }
    }

    /// No answer in time.
    fn silent(&mut self) {
        self.tries += 1;
        if self.tries >= TRIES {
            self.too_large();
        }
    }

    /// The size does not pass.
    fn too_large(&mut self) {
        if self.passed == 0 {
            self.over = true;
            return;
        }
        self.failed = self.failed.min(self.size);
        self.halve();
    }

    fn halve(&mut self) {
        let low = self.passed.max(LEAST - 1);
        if self.failed <= low + 1 {
            self.over = true;
        } else {
            self.step_to(if self.echo.mtu.is_none() && self.failed > LEAST && self.tried_most() {
                LEAST
            } else {
                low + (self.failed - low) / 2
            });
        }
    }

    /// After the whole MTU the smallest size is asked: where not even that passes there is nothing to search.
    fn tried_most(&self) -> bool {
        self.failed == self.target.most && self.passed <= SMALL
    }

    fn step_to(&mut self, size: u32) {
        self.size = size;
        self.tries = 0;
    }
}

/// A packet that waits for its answer.
struct Flying {
    probe: usize,
    size: u32,
    sent: Instant,
}

struct Asking {
    wire: Wire,
    probes: Vec<Probe>,
    flying: BTreeMap<u16, Flying>,
    next: u16,
}

impl Asking {
    fn run(&mut self, told: &mut dyn FnMut(usize)) -> io::Result<Vec<Echo>> {
        let mut ready: VecDeque<usize> = (0..self.probes.len()).collect();
        let mut over = 0;
        while over < self.probes.len() {
            while self.flying.len() < WINDOW {
                let Some(at) = ready.pop_front() else { break };
                self.send(at, &mut ready);
            }
            self.wait()?;
            self.receive(&mut ready)?;
            self.expire(&mut ready);
            let now = self.probes.iter().filter(|probe| probe.over).count();
            if now != over {
                over = now;
                told(over);
            }
        }
        Ok(std::mem::take(&mut self.probes).into_iter().map(|probe| probe.echo).collect())
    }

    fn send(&mut self, at: usize, ready: &mut VecDeque<usize>) {
        let Some(probe) = self.probes.get_mut(at).filter(|probe| !probe.over) else { return };
        while self.flying.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let seq = self.next;
        self.next = self.next.wrapping_add(1);
        // Before it goes: through devices of this very kernel the answer is there when the call returns.
        let sent = Instant::now();
        match self.wire.send(probe.target.ip, seq, probe.size) {
            Ok(()) => {
                self.flying.insert(seq, Flying { probe: at, size: probe.size, sent });
            }
            Err(Errno::MSGSIZE) => {
                probe.too_large();
                ready.push_back(at);
            }
            // The queue is full: that says nothing about the way.
            Err(Errno::NOBUFS | Errno::AGAIN) => {
                std::thread::sleep(Duration::from_millis(1));
                ready.push_back(at);
            }
            Err(errno) => {
                probe.echo.refused = Some(io::Error::from(errno).to_string());
                probe.over = true;
            }
        }
    }

    /// Until something can be read, or the oldest packet's time is over.
    fn wait(&self) -> io::Result<()> {
        let oldest = self.flying.values().map(|flying| flying.sent).min();
        let Some(left) = oldest.map(|sent| (sent + PATIENCE).saturating_duration_since(Instant::now()))
        else {
            return Ok(());
        };
        let mut fds = [PollFd::new(self.wire.socket.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn receive(&mut self, ready: &mut VecDeque<usize>) -> io::Result<()> {
        while let Some((from, seq)) = self.wire.receive()? {
            let fits = |flying: &&Flying| self.probes.get(flying.probe).is_some_and(|p| p.target.ip == from);
            if self.flying.get(&seq).filter(fits).is_none() {
                continue;
            }
            let Some(flying) = self.flying.remove(&seq) else { continue };
            if let Some(probe) = self.probes.get_mut(flying.probe) {
                probe.size = flying.size;
                probe.answered(flying.sent.elapsed());
                ready.push_back(flying.probe);
            }
        }
        Ok(())
    }

    fn expire(&mut self, ready: &mut VecDeque<usize>) {
        let late: Vec<u16> =
            self.flying.iter().filter(|(_, f)| f.sent.elapsed() >= PATIENCE).map(|(seq, _)| *seq).collect();
        for seq in late {
            let Some(flying) = self.flying.remove(&seq) else { continue };
            if let Some(probe) = self.probes.get_mut(flying.probe) {
                probe.silent();
                ready.push_back(flying.probe);
            }
        }
    }
}

/// An ICMP socket of one family.
struct Wire {
    socket: OwnedFd,
    v6: bool,
    /// A raw socket hears everybody's answers, and IPv4's come with their IP header.
    raw: bool,
    id: u16,
}

impl Wire {
    /// Raw where that is allowed, else the kernel's own ping socket (`net.ipv4.ping_group_range`).
    fn open(v6: bool) -> io::Result<Self> {
        let (family, protocol) = match v6 {
            false => (AddressFamily::INET, ipproto::ICMP),
            true => (AddressFamily::INET6, ipproto::ICMPV6),
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let open = |kind| socket_with(family, kind, flags, Some(protocol));
        let (socket, raw) = match open(SocketType::RAW) {
            Err(Errno::PERM | Errno::ACCESS) => (open(SocketType::DGRAM)?, false),
            socket => (socket?, true),
        };
        // "Probe": never fragment here, and do not believe what the kernel remembers of the path.
        match v6 {
            false => set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)?,
            true => set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)?,
        }
        Ok(Self { socket, v6, raw, id: (std::process::id() & 0xffff) as u16 })
    }

    /// Sends an echo request whose IP packet has this many bytes.
    fn send(&self, to: IpAddr, seq: u16, size: u32) -> Result<(), Errno> {
        let header = if self.v6 { 40 } else { 20 };
        let body = size.saturating_sub(header + ICMP_HEADER) as usize;
        let kind = if self.v6 { 128 } else { 8 };
        let ([i0, i1], [s0, s1]) = (self.id.to_be_bytes(), seq.to_be_bytes());
        let mut packet = vec![kind, 0, 0, 0, i0, i1, s0, s1];
        packet.resize(packet.len() + body, b'f');
        // The kernel fills in the checksum of ICMPv6 and of its own ping sockets.
        if self.raw && !self.v6 {
            let [c0, c1] = checksum(&packet).to_be_bytes();
            if let Some(room) = packet.get_mut(2..4) {
                room.copy_from_slice(&[c0, c1]);
            }
        }
        sendto(&self.socket, &packet, SendFlags::empty(), &SocketAddr::new(to, 0)).map(|_| ())
    }

    /// The next answer that waits: from whom, to which number. `None` if nothing waits.
    fn receive(&self) -> io::Result<Option<(IpAddr, u16)>> {
        let mut room = [0u8; 128];
        loop {
            let (got, from) = match recvfrom(&self.socket, &mut room, RecvFlags::empty()) {
                Ok((got, _, from)) => (got, from),
                Err(Errno::AGAIN) => return Ok(None),
                // What an ICMP error left on the socket concerns one packet; that one will be missed in time.
                Err(Errno::INTR | Errno::HOSTUNREACH | Errno::NETUNREACH | Errno::CONNREFUSED) => continue,
                Err(errno) => return Err(errno.into()),
            };
            let from = from.and_then(|from| SocketAddr::try_from(from).ok()).map(|from| from.ip());
            let seq = room.get(..got).and_then(|bytes| self.answer(bytes));
            if let Some(answer) = from.zip(seq) {
                return Ok(Some(answer));
            }
        }
    }

    /// The number of an echo reply to us.
    fn answer(&self, bytes: &[u8]) -> Option<u16> {
        let headers = match (self.raw && !self.v6, bytes.first()) {
            (true, Some(first)) => usize::from(first & 0x0f) * 4,
            _ => 0,
        };
        let (head, _) = bytes.get(headers..)?.split_first_chunk::<8>()?;
        let [kind, code, _, _, i0, i1, s0, s1] = *head;
        let reply = (if self.v6 { 129 } else { 0 }, 0);
        // The kernel numbers its own ping sockets itself, and hands over nobody else's answers.
        let ours = !self.raw || u16::from_be_bytes([i0, i1]) == self.id;
        ((kind, code) == reply && ours).then(|| u16::from_be_bytes([s0, s1]))
    }
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [a, b] => u32::from(u16::from_be_bytes([*a, *b])),
        [a] => u32::from(*a) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays the wire: every packet up to `path` is answered.
    fn search(path: u32, most: u32) -> (Echo, u32) {
        let mut probe = Probe::new(Target { ip: [10, 0, 0, 1].into(), most });
        let mut sent = 0;
        while !probe.over {
            sent += 1;
            if probe.size <= path { probe.answered(Duration::from_millis(1)) } else { probe.silent() }
        }
        (probe.echo, sent)
    }

    #[test]
    fn the_search_ends_at_the_largest_packet_that_passes() {
        for most in [1450, 1430, 8950, 1280] {
            for path in [most, most - 1, most - 50, 1000, 577, 576] {
                let (echo, sent) = search(path, most);
                assert_eq!(echo.mtu, Some(path), "of {most}");
                assert!(sent <= 32, "{sent} packets for {path} of {most}");
            }
        }
        assert_eq!(search(1450, 1450).1, 2, "a whole path takes two packets");
        assert_eq!(search(575, 1450).0.mtu, None);
        assert!(search(575, 1450).1 <= 6, "nothing passes: nothing to search");
        assert_eq!(search(0, 1450).0, Echo::default());
    }

    #[test]
    fn a_checksum_makes_the_sum_of_all_words_ones() {
        for body in [&[8u8, 0, 0, 0, 1, 2, 3, 4, 5][..], &[8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]] {
            let sum = checksum(body);
            let mut whole = body.to_vec();
            whole[2..4].copy_from_slice(&sum.to_be_bytes());
            assert_eq!(checksum(&whole), 0, "{body:?}");
        }
    }
}
