//! A lab whose agents stand still, so that what is broken stays broken; and who hears what in it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use flanctl::lab::faults::Site;
use flanctl::lab::manifest::Home;
use flanctl::lab::{ns, process};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockProtocol, SockType, recv, setsockopt, socket, sockopt::ReceiveTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike};

pub(super) const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

/// A lab of one test, gone when the test ends.
pub(super) struct Bed {
    name: &'static str,
    home: Home,
    /// As node1 sees it, and as node2 does.
    pub(super) sites: [Site; 2],
    pub(super) ears: Ears,
}

impl Bed {
    pub(super) fn up(name: &'static str, shape: &[&str]) -> Self {
        // Made before anything can fail, so that whatever was made of the lab goes with it.
        let down = Down(name);
        lab(&[&["up", "--name", name], shape].concat());
        let (home, manifest) = Home::existing(name).unwrap();
        for agent in process::marked(&manifest.mark()) {
            agent.pause().unwrap();
            while !agent.stopped() {
                std::thread::yield_now();
            }
        }
        let sites = ["node1", "node2"].map(|node| Site::read(&home, &manifest, node).unwrap());
        // A gateway of the underlay sends on what is for somebody beside it.
        shell(&format!("{name}-world"), "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
        let ears = Ears::open(&manifest.namespaces);
        std::mem::forget(down);
        Self { name, home, sites, ears }
    }

    /// `flanctl` inside a member of the lab.
    pub(super) fn flanctl(&self, netns: &str, words: &[&str]) -> Output {
        let run_dir = self.home.run_dir();
        started(netns, Command::new(FLANCTL).args(words).env("FLANCTL_RUN_DIR", run_dir))
    }

    /// The namespace of `node1`, `pod2`, `world`.
    pub(super) fn netns(&self, member: &str) -> String {
        format!("{}-{member}", self.name)
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        drop(Down(self.name));
    }
}

/// Takes the lab down.
struct Down(&'static str);

impl Drop for Down {
    fn drop(&mut self) {
        let _ = Command::new(FLANCTL).args(["lab", "down", "--name", self.0]).output();
    }
}

fn lab(words: &[&str]) {
    let output = Command::new(FLANCTL).arg("lab").args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a command in a namespace.
pub(super) fn started(netns: &str, command: &mut Command) -> Output {
    ns::within(netns, || command.stdin(Stdio::null()).env("LC_ALL", "C").output()).unwrap()
}

/// Runs a line of shell in a namespace.
pub(super) fn shell(netns: &str, line: &str) -> Output {
    started(netns, Command::new("sh").args(["-c", line]))
}

/// What a command said, both ways.
pub(super) fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b).into_owned()).concat()
}

/// Threads in the lab's namespaces that hear which echo requests arrive there.
pub(super) struct Ears {
    heard: Arc<Mutex<BTreeMap<String, BTreeSet<u16>>>>,
    over: Arc<AtomicBool>,
    next: AtomicU16,
    threads: Vec<JoinHandle<()>>,
}

/// The types of an echo request.
const REQUESTS: [u8; 2] = [8, 128];

impl Ears {
    fn open(namespaces: &[String]) -> Self {
        let heard = Arc::new(Mutex::new(BTreeMap::new()));
        let over = Arc::new(AtomicBool::new(false));
        let families = [AddressFamily::Inet, AddressFamily::Inet6];
        let threads = namespaces.iter().flat_map(|netns| families.map(|family| (netns.clone(), family)));
        let threads = threads.map(|(netns, family)| {
            let (heard, over) = (heard.clone(), over.clone());
            std::thread::spawn(move || listen(&netns, family, &heard, &over))
        });
        let threads = threads.collect();
        Self { heard, over, next: AtomicU16::new(1), threads }
    }

    /// A number that no ping had yet, or not for long.
    pub(super) fn number(&self) -> u16 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.heard.lock().unwrap().values_mut().for_each(|all| {
            all.remove(&number);
        });
        number
    }

    /// True if a request of that number arrived in the namespace.
    pub(super) fn heard(&self, netns: &str, number: u16) -> bool {
        self.heard.lock().unwrap().get(netns).is_some_and(|all| all.contains(&number))
    }

    /// Who heard it.
    pub(super) fn who(&self, number: u16) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter(|(_, all)| all.contains(&number)).map(|(netns, _)| netns.clone()).collect()
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn listen(
    netns: &str,
    family: AddressFamily,
    heard: &Mutex<BTreeMap<String, BTreeSet<u16>>>,
    over: &AtomicBool,
) {
    let six = family == AddressFamily::Inet6;
    let proto = if six { SockProtocol::IcmpV6 } else { SockProtocol::Icmp };
    let open = || Ok(socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, proto)?);
    // A lab without IPv6 has nothing to hear.
    let Ok(ear) = ns::within(netns, open) else { return };
    setsockopt(&ear, ReceiveTimeout, &TimeVal::milliseconds(200)).unwrap();
    let mut room = [0u8; 4096];
    while !over.load(Ordering::Relaxed) {
        let Ok(len) = recv(ear.as_raw_fd(), &mut room, nix::sys::socket::MsgFlags::empty()) else { continue };
        // IPv4's raw sockets bring the IP header along.
        let head = if six { 0 } else { usize::from(room[0] & 15) * 4 };
        if len >= head + 8 && REQUESTS.contains(&room[head]) {
            let number = u16::from_be_bytes([room[head + 4], room[head + 5]]);
            heard.lock().unwrap().entry(netns.to_owned()).or_default().insert(number);
        }
    }
}

/// Who has an address, among the lab's namespaces.
pub(super) fn owners(bed: &Bed, members: &[String]) -> BTreeMap<IpAddr, String> {
    let mut all = BTreeMap::new();
    for member in members {
        let netns = bed.netns(member);
        let text = said(&shell(&netns, "ip -o addr show scope global"));
        let addrs =
            text.lines().filter_map(|line| line.split_whitespace().nth(3)?.split('/').next()?.parse().ok());
        all.extend(addrs.map(|ip: IpAddr| (ip, netns.clone())));
    }
    all
}
