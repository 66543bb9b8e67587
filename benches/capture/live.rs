//! Live: as many packets over a veth pair as one sender makes, and what each program loses of them.

use std::fs::File;
use std::io::IoSlice;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, sendmsg};
use nix::unistd::Pid;

use super::files::CROWDS;
use super::packets::{Crowd, Traffic};
use super::room;
use super::run::{self, median};
use super::table::Table;

const ROUNDS: usize = 5;

/// What a program says at its end, and what it took.
#[derive(Clone, Copy, Default)]
struct Told {
    captured: f64,
    dropped: f64,
    cpu: f64,
    /// Packets a second that were sent.
    rate: f64,
}

/// Measures both programs in turns, to a file and as text.
pub fn measure(dir: &Path, packets: u32, table: &mut Table) {
    // What is sent is for another host: the far end looks at it and drops it. Large datagrams are cut by this end's
    // kernel, which is faster than sending each, and the far end gets them one by one.
    room::feed("ip", "neigh add 192.168.0.9 lladdr 02:00:00:00:00:99 dev eth0 nud permanent\n");
    let off = Command::new("ethtool").args(["-K", "eth0", "tx-udp-segmentation", "off"]).status().unwrap();
    assert!(off.success(), "ethtool -K eth0: {off}");
    let crowd = CROWDS[0];
    let addresses = u32::from(crowd.nodes) * u32::from(crowd.pods);
    let bursts = bursts(crowd, packets);
    let file = dir.join("live.pcap");
    let listens = "-i far0 -B 4096 udp port 8472";
    let to_file = format!("-w {} {listens}", file.display());
    let as_text = format!("-nn {listens}");
    let lines = [&to_file, &as_text]
        .map(|options| [format!("tcpdump -Z root {options}"), format!("capture {options}")]);
    let rounds: Vec<[[Told; 2]; 2]> = (0..ROUNDS)
        .map(|_| lines.each_ref().map(|pair| pair.each_ref().map(|line| told(dir, line, &bursts))))
        .collect();
    let of = |way: usize, who: usize, part: fn(&Told) -> f64| {
        median(rounds.iter().map(|round| part(&round[way][who])))
    };
    let million = |told: &Told| told.cpu / told.captured * 1e6;
    for (way, what) in [(0, "live to -w"), (1, "live as text")] {
        table.note(&format!("{what}, sent a second"), addresses, of(way, 1, |told| told.rate), "");
        let dropped = |who| of(way, who, |told| told.dropped);
        table.add_no_more(&format!("{what}, dropped"), addresses, dropped(1), "", dropped(0));
        let times = (way == 1).then_some(3.0);
        let (peer, ours) = (of(way, 0, million), of(way, 1, million));
        table.add_faster(&format!("{what}, processor a million"), addresses, ours, peer, times);
    }
}

/// Datagrams of one size, as many in a burst as the kernel cuts out of one.
const SIZE: usize = 330;
const PAYLOAD: usize = SIZE - 42;
const BURST: usize = 64;

/// The tunnel packets of a crowd, those that begin connections left out.
fn bursts(crowd: Crowd, packets: u32) -> Vec<Vec<u8>> {
    let mut traffic = Traffic::new(crowd).of_size(SIZE);
    let mut record = Vec::new();
    let mut next = || loop {
        record.clear();
        traffic.record(&mut record);
        if record.len() == 16 + SIZE {
            return record[16 + 42..].to_vec();
        }
    };
    (0..packets as usize / BURST).map(|_| (0..BURST).flat_map(|_| next()).collect()).collect()
}

/// Sends them all; packets a second.
fn send(bursts: &[Vec<u8>]) -> f64 {
    let socket = UdpSocket::bind("192.168.0.1:0").unwrap();
    let to = SockaddrIn::new(192, 168, 0, 9, 8472);
    let cut = [ControlMessage::UdpGsoSegments(&(PAYLOAD as u16))];
    let start = Instant::now();
    for burst in bursts {
        sendmsg(socket.as_raw_fd(), &[IoSlice::new(burst)], &cut, MsgFlags::empty(), Some(&to)).unwrap();
    }
    (bursts.len() * BURST) as f64 / start.elapsed().as_secs_f64()
}

/// One program over all bursts.
fn told(dir: &Path, line: &str, bursts: &[Vec<u8>]) -> Told {
    let err = dir.join("live.err");
    let said = || std::fs::read_to_string(&err).unwrap();
    let before = run::cpu_of_children();
    let mut command = run::command(line);
    let mut child = command.stdout(Stdio::null()).stderr(File::create(&err).unwrap()).spawn().unwrap();
    while !said().contains("listening on") {
        assert!(child.try_wait().unwrap().is_none(), "{line}: {}", said());
        sleep(Duration::from_millis(10));
    }
    let rate = send(bursts);
    // What lies in the buffer is taken before it is asked to end.
    let (mut took, mut idle) = (ticks(child.id()), 0);
    while idle < 3 {
        sleep(Duration::from_millis(150));
        let now = ticks(child.id());
        idle = if now == took { idle + 1 } else { 0 };
        took = now;
    }
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let status = child.wait().unwrap();
    assert!(status.success(), "{line}: {}", said());
    let text = said();
    let number = |what: &str| -> f64 {
        let line = text.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{line}: {text}"));
        line.split(' ').next().unwrap().parse().unwrap()
    };
    let (captured, dropped) = (number(" captured"), number(" dropped by kernel"));
    Told { captured, dropped, cpu: run::cpu_of_children() - before, rate }
}

/// What the process took of a processor so far, in the kernel's own unit.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The second field is a name that may hold anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum()
}
