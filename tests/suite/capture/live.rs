//! `capture` on running interfaces: a lab of two nodes, and between them a second tunnel on a port of its own.

mod abroad;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{nodes, same, text};
use crate::support::swap::{FLANCTL, until};

/// The lab's name; it is gone when the test ends, however it ends.
pub(super) const NAME: &str = "t-capture";

/// A network and a port that no tunnel has unless somebody chose them.
pub(super) const VNI: u32 = 77;
const PORT: u16 = 4444;

pub(super) struct Lab {
    dir: tempfile::TempDir,
    /// Addresses of both pods.
    pub(super) pods: [String; 2],
}

impl Lab {
    fn up() -> Self {
        let mut lab = Self { dir: tempfile::tempdir().unwrap(), pods: Default::default() };
        lab.pods = nodes::up(NAME);
        // No device asks or announces anything by itself: packets are counted.
        for (node, own, other) in [("node1", 1, 2), ("node2", 2, 1)] {
            let ends = format!("local 192.168.50.1{own} remote 192.168.50.1{other}");
            let vxlan = format!("type vxlan id {VNI} dstport {PORT} {ends} dev eth0");
            for line in [
                &format!("link add other address 02:00:00:00:77:0{own} {vxlan}"),
                "link set other addrgenmode none",
                &format!("addr add 10.99.0.{own}/24 dev other"),
                "link set other up",
                &format!("neigh add 10.99.0.{other} lladdr 02:00:00:00:77:0{other} dev other"),
            ] {
                lab.does(node, &format!("ip {line}"));
            }
        }
        lab.ping();
        lab
    }

    pub(super) fn command(member: &str, line: &str) -> Command {
        nodes::command(NAME, member, line)
    }

    pub(super) fn does(&self, member: &str, line: &str) -> String {
        nodes::does(NAME, member, line)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Two requests from pod to pod, two between the nodes through the other tunnel, two beside every tunnel.
    pub(super) fn ping(&self) {
        for (member, to) in
            [("pod1", self.pods[1].as_str()), ("node1", "10.99.0.2"), ("node1", "192.168.50.12")]
        {
            self.does(member, &format!("ping -n -q -c 2 -i 0.05 -W 5 {to}"));
        }
    }

    /// What a program captures while all is pinged, until it is interrupted.
    fn captures(&self, member: &str, program: &str, args: &str, inner: &str) -> Capture {
        self.captures_while(member, &format!("{program} {args}"), inner, || self.ping())
    }

    /// What a command captures while something is done, until it is interrupted.
    pub(super) fn captures_while(
        &self,
        member: &str,
        line: &str,
        inner: &str,
        act: impl FnOnce(),
    ) -> Capture {
        let (out, err) = (self.file("out"), self.file("err"));
        let mut command = Self::command(member, line);
        if !inner.is_empty() {
            command.args(["--inner", inner]);
        }
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let mut running = Running(command.spawn().unwrap());
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        until("it listens", || read(&err).contains("listening on").then_some(()));
        let caps = std::fs::read_to_string(format!("/proc/{}/status", running.0.id())).unwrap();
        act();
        until("the kernel handed the packets over", || running.counted(&err));
        let status = running.interrupt();
        Capture { out: read(&out), err: read(&err), status, caps }
    }

    /// The lines that flanctl prints of such a capture, without names and times.
    fn lines(&self, args: &str, inner: &str) -> Vec<String> {
        let capture = self.captures("node1", "flanctl", &format!("capture -nn -t -l {args}"), inner);
        assert!(capture.status.success(), "{args} {inner}: {}", capture.err);
        capture.out.lines().map(str::to_owned).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        nodes::down(NAME);
    }
}

pub(super) struct Capture {
    pub(super) out: String,
    pub(super) err: String,
    pub(super) status: ExitStatus,
    /// `/proc/PID/status` while it ran.
    caps: String,
}

struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id().cast_signed()), signal).unwrap();
    }

    /// SIGUSR1 until two answers, told some time after the last ping, are the same.
    fn counted(&self, err: &Path) -> Option<()> {
        let said = || -> Vec<String> {
            let text = std::fs::read_to_string(err).unwrap();
            text.lines().filter(|line| line.contains("captured, ")).map(str::to_owned).collect()
        };
        let before = said().len();
        self.signal(Signal::SIGUSR1);
        until("it tells its counts", || (said().len() > before).then_some(()));
        std::thread::sleep(std::time::Duration::from_millis(250));
        match said().as_slice() {
            [.., one, other] if one == other => Some(()),
            _ => None,
        }
    }

    fn interrupt(&mut self) -> ExitStatus {
        self.signal(Signal::SIGINT);
        until("it ends", || self.0.try_wait().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn holding<'a>(lines: &'a [String], word: &str) -> Vec<&'a String> {
    lines.iter().filter(|line| line.contains(word)).collect()
}

/// Requests, and answers, of two that were sent.
fn echoes(lines: &[String], to: &str) -> (usize, usize) {
    (
        holding(lines, &format!("> {to}: ICMP echo request")).len(),
        holding(lines, &format!("IP {to} >")).iter().filter(|line| line.contains("ICMP echo reply")).count(),
    )
}

#[test]
fn a_running_overlay_is_captured_inside_and_out() {
    let lab = Lab::up();
    let pod = lab.pods[1].as_str();
    filters(&lab, pod);
    names_and_namespaces(&lab, pod);
    files(&lab, pod);
    super::flows::each_flow_is_told(&lab);
    beside_tcpdump(&lab);
    abroad::the_guides_line_prints_what_tcpdump_prints_beside_it(&lab);
    abroad::an_inner_filter_finds_a_connection(&lab);
    abroad::records_go_into_jq(&lab);
    abroad::a_terminal_shows_nodes(&lab);
    abroad::a_file_is_read_elsewhere(&lab);
}

/// The filter in the kernel is as wide as ours needs it, whatever port the tunnel has.
fn filters(lab: &Lab, pod: &str) {
    for (args, inner, in_pods, in_other, beside) in [
        ("-i eth0", "icmp and vni 1", 2, 0, 0),
        ("-i eth0", &format!("vni {VNI} and icmp"), 0, 2, 0),
        ("-i eth0", &format!("host {pod} and icmp"), 2, 0, 0),
        ("-i eth0", "host 10.99.0.2", 0, 2, 0),
        ("-i any", "host 10.99.0.2", 0, 2, 0),
        ("-i eth0", "node node2 and icmp", 2, 0, 0),
        ("-i eth0 vni 77 or icmp", "", 0, 2, 2),
        ("-i eth0 node node2 and icmp", "", 0, 0, 2),
        ("", "icmp", 2, 2, 0),
    ] {
        let lines = lab.lines(args, inner);
        let what = format!("{args} --inner {inner}: {lines:?}");
        assert_eq!(echoes(&lines, pod), (in_pods, in_pods), "{what}");
        assert_eq!(echoes(&lines, "10.99.0.2"), (in_other, in_other), "{what}");
        assert_eq!(echoes(&lines, "192.168.50.12"), (beside, beside), "{what}");
    }
    // Two interfaces of two kinds: the expression is compiled for each.
    let both = lab.lines("-i any -i flannel.1 vni 77 or icmp", "");
    let own = |line: &&&String| line.starts_with(&format!("IP {} > {pod}:", lab.pods[0]));
    assert_eq!(holding(&both, "echo request").iter().filter(own).count(), 2, "{both:?}");
    let refused = Lab::command("node1", "flanctl capture -i eth0 node nobody").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("there are: node1, node2"), "{said}");
}

/// Interfaces have the names of their namespace; a pod is known by its name and by its address.
fn names_and_namespaces(lab: &Lab, pod: &str) {
    let args = format!("capture -nn -t -l --netns {NAME}-node1 -i any icmp");
    let seen = lab.captures("world", "flanctl", &args, "");
    assert!(seen.out.contains("flannel.1 Out IP") && !seen.out.contains("?  "), "{}", seen.out);
    for name in ["pod1", lab.pods[0].as_str()] {
        let lines = lab.lines(&format!("--pod {name} icmp"), "");
        assert_eq!(echoes(&lines, pod), (2, 2), "--pod {name}: {lines:?}");
        assert_eq!(echoes(&lines, "192.168.50.12"), (0, 0), "{lines:?}");
    }
    let kept = lab.captures("node1", "flanctl", "capture -i eth0 -nn icmp", "");
    let effective = kept.caps.lines().find(|line| line.starts_with("CapPrm"));
    assert_eq!(effective, Some("CapPrm:\t0000000000000000"));
    let counts = "4 packets captured\n4 packets received by filter\n0 packets dropped by kernel\n";
    assert!(kept.err.ends_with(counts), "{}", kept.err);
}

/// What is written is read by others, and tells who is who and which port is a tunnel's where nobody knows.
fn files(lab: &Lab, pod: &str) {
    let run = |program: &str, args: &[&str]| -> Output { super::run(program, args) };
    for name in ["live.pcap", "live.pcapng"] {
        let path = lab.file(name);
        let file = path.to_str().unwrap();
        let args = format!("capture -i eth0 -w {file} udp port 8472 or udp port {PORT}");
        let written = lab.captures("node1", "flanctl", &args, "");
        assert!(written.err.contains("8 packets captured"), "{name}: {}", written.err);
        let read = run("tcpdump", &["-nn", "-t", "-r", file, "udp port 8472"]);
        let lines: Vec<String> = text(&read).lines().map(str::to_owned).collect();
        assert_eq!(echoes(&lines, pod), (2, 2), "{name}: {lines:?}");
    }
    let (plain, told) = (lab.file("live.pcap"), lab.file("live.pcapng"));
    let count = |file: &Path, inner: &str| {
        text(&run(FLANCTL, &["capture", "-r", file.to_str().unwrap(), "--count", "--inner", inner]))
    };
    assert_eq!(count(&told, "node node2 and icmp"), "4 packets\n");
    assert_eq!(count(&told, &format!("vni {VNI}")), "4 packets\n");
    assert_eq!(count(&plain, &format!("vni {VNI}")), "0 packets\n", "nothing tells of the port");
    let mixed = Lab::command("node1", "flanctl capture -i eth0 -i any -c 1 -w")
        .arg(lab.file("mixed.pcap"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&mixed.stderr).into_owned();
    assert!(said.contains("a pcap file holds one link type"), "{said}");
}

/// The line of many guides, and others, print what tcpdump prints beside them.
fn beside_tcpdump(lab: &Lab) {
    for args in [
        "-n -t -i eth0 dst 192.168.50.12 -vvvvvv and udp -c 4",
        "-i any -nn -t -e icmp or udp port 8472 -c 6",
        "-i flannel.1 -nn -t icmp -v -c 4",
    ] {
        let (ours, theirs) = (lab.file("ours"), lab.file("theirs"));
        let start = |program: &str, out: &Path| {
            let mut command = Lab::command("node1", &format!("{program} {args}"));
            let err = out.with_extension("err");
            command.stdout(File::create(out).unwrap()).stderr(File::create(&err).unwrap());
            let running = Running(command.spawn().unwrap());
            until("it listens", || {
                std::fs::read_to_string(&err).unwrap().contains("listening").then_some(())
            });
            running
        };
        let mut both = [start("tcpdump", &theirs), start("flanctl capture --compat 4.99", &ours)];
        lab.ping();
        for running in &mut both {
            let status = until("it took what it was to take", || running.0.try_wait().unwrap());
            assert!(status.success(), "{args}");
        }
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert!(read(&theirs).lines().count() >= 4, "{args}");
        same(args, &read(&theirs), &read(&ours));
        let listening =
            |path: &Path| read(path).lines().find(|line| line.contains("listening")).map(str::to_owned);
        let errs = [&theirs, &ours].map(|path| listening(&path.with_extension("err")));
        assert_eq!(errs[0], errs[1], "{args}");
    }
}
