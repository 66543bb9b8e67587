//! The real `flanctl run`, started, watched and ended.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::etcd::URL;

const NOTIFY: &str = "/run/flanctl-notify";
const LOG: &str = "/run/flanctl.log";
const ENV: &str = "/run/flannel-subnet.env";

/// A running agent.
pub struct Agent {
    child: Child,
    notify: UnixDatagram,
    /// When it was started.
    pub started: Instant,
}

/// What of a process /proc tells.
pub struct Cpu {
    /// Its own time.
    pub own: Duration,
    /// Its ended children's (the firewall programs).
    pub children: Duration,
}

impl Agent {
    /// Starts it in the namespace of the calling thread; `-v 1` adds debug lines to its log.
    pub fn start(verbose: bool) -> Self {
        let _ = fs::remove_file(NOTIFY);
        let notify = UnixDatagram::bind(NOTIFY).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_flanctl"));
        command
            .args(["run", "--etcd-endpoints", URL, "--iface", "eth0", "--run-dir", "/run/flannel"])
            .args(["--subnet-file", ENV])
            .env("NOTIFY_SOCKET", NOTIFY)
            .env("NODE_NAME", "the-node")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(LOG).unwrap());
        if verbose {
            command.args(["-v", "1"]);
        }
        let started = Instant::now();
        let child = command.spawn().unwrap();
        Self { child, notify, started }
    }

    /// Time from start to READY.
    pub fn ready(&self, patience: Duration) -> Duration {
        self.notify.set_read_timeout(Some(patience)).unwrap();
        let mut room = [0; 512];
        loop {
            let got = self.notify.recv(&mut room);
            let at = self.started.elapsed();
            let len = got.unwrap_or_else(|e| panic!("the agent is not ready: {e}\n{}", last_words()));
            if String::from_utf8_lossy(&room[..len]).contains("READY=1") {
                return at;
            }
        }
    }

    /// A field of /proc/PID/status in MiB.
    pub fn memory(&self, field: &str) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix(field)).unwrap();
        line.trim_matches([':', '\t', ' ', 'k', 'B']).parse::<f64>().unwrap() / 1024.0
    }

    /// utime + stime and cutime + cstime of /proc/PID/stat.
    pub fn cpu(&self) -> Cpu {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        let ticks: Vec<u64> = rest.split(' ').skip(11).take(4).map(|t| t.parse().unwrap()).collect();
        // USER_HZ is 100 everywhere.
        let time = |ticks: u64| Duration::from_millis(ticks * 10);
        Cpu { own: time(ticks[0] + ticks[1]), children: time(ticks[2] + ticks[3]) }
    }
}

impl Drop for Agent {
    /// SIGKILL: the data path stays as it is.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The end of what it wrote to stderr, for a panic's words.
pub fn last_words() -> String {
    let log = log();
    let from = log.len().saturating_sub(1_500);
    log.get(from..).unwrap_or_default().to_owned()
}

/// What it wrote to stderr.
pub fn log() -> String {
    fs::read_to_string(LOG).unwrap_or_default()
}

/// The gateway of its own subnet.
pub fn own_gateway() -> Ipv4Addr {
    let text = fs::read_to_string(ENV).unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix("FLANNEL_SUBNET=")).unwrap();
    let net: ipnet::Ipv4Net = line.parse().unwrap();
    net.network()
}

/// As on a node that flannel never ran on.
pub fn forget() {
    let _ = fs::remove_file(ENV);
    let _ = fs::remove_dir_all("/run/flannel");
}
