//! What others make of a live capture: tcpdump beside it, jq behind it, tshark and another machine after it; and a
//! terminal in front of it.

use std::fs::File;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::socket::{setsockopt, sockopt};

use super::{FLANCTL, Lab, NAME, Running, same, text, until};

/// A line of the shell within a member.
fn shell(member: &str, line: &str) -> Command {
    let mut command = Command::new(FLANCTL);
    command.args(["lab", "exec", "--name", NAME, member, "--", "unshare", "-m", "sh", "-c", line]);
    command.env("TZ", "UTC").env("TERM", "xterm").stdin(Stdio::null());
    command
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

impl Lab {
    /// Begins a line in node1 that is to end by itself; its output comes into files of this name.
    fn begins(&self, line: &str, name: &str) -> Running {
        let (out, err) = (self.file(name), self.file(&format!("{name}.err")));
        let mut command = shell("node1", line);
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        let running = Running(command.spawn().unwrap());
        until("it listens", || (read(&out) + &read(&err)).contains("listening on").then_some(()));
        running
    }

    /// What such a line says while something happens.
    fn said(&self, line: &str, happens: impl Fn()) -> String {
        let mut running = self.begins(line, "said");
        happens();
        let status = until("it took what it was to take", || running.0.try_wait().unwrap());
        assert!(status.success(), "{line}: {}", read(&self.file("said.err")));
        read(&self.file("said"))
    }
}

/// The line of many guides, word by word, names and times included.
pub(super) fn the_guides_line_prints_what_tcpdump_prints_beside_it(lab: &Lab) {
    let hosts = format!("192.168.50.11 node1\n192.168.50.12 node2\n{} pod1.lab\n", lab.pods[0]);
    std::fs::write(lab.file("hosts"), hosts).unwrap();
    std::fs::write(lab.file("resolv.conf"), "nameserver 127.0.0.1\n").unwrap();
    // While somebody wants stamps the kernel puts one on each packet; otherwise each listener looks at the clock itself.
    let stamped = UdpSocket::bind("127.0.0.1:0").unwrap();
    setsockopt(&stamped, sockopt::ReceiveTimestamp, &true).unwrap();
    let dir = lab.dir.path().display();
    let with =
        format!("mount --bind {dir}/hosts /etc/hosts && mount --bind {dir}/resolv.conf /etc/resolv.conf && ");
    let guide = "-i eth0 dst 192.168.50.12 -vvvvvv and udp -c 20";
    let mut both = [
        lab.begins(&format!("{with}exec tcpdump {guide}"), "theirs"),
        lab.begins(&format!("{with}exec flanctl capture --compat 4.99 {guide}"), "ours"),
    ];
    lab.does("pod1", &format!("ping -n -q -c 20 -i 0.02 -W 5 {}", lab.pods[1]));
    for running in &mut both {
        assert!(until("it took its twenty", || running.0.try_wait().unwrap()).success());
    }
    let theirs = read(&lab.file("theirs"));
    assert!(theirs.contains(" node1.") && theirs.contains("pod1.lab > "), "{theirs}");
    assert_eq!(theirs.matches("OTV, flags [I]").count(), 20, "{theirs}");
    same(guide, &theirs, &read(&lab.file("ours")));
    drop(stamped);
}

/// A connection within the tunnel is found by what it is within, and nothing else is.
pub(super) fn an_inner_filter_finds_a_connection(lab: &Lab) {
    let pod = &lab.pods[1];
    let line = format!("exec flanctl capture -i eth0 -nn -t -c 2 --inner 'host {pod} and tcp'");
    let said = lab.said(&line, || {
        lab.ping();
        let knock = format!(": > /dev/tcp/{pod}/9");
        let mut bash = Command::new(FLANCTL);
        bash.args(["lab", "exec", "--name", NAME, "pod1", "--", "bash", "-c", &knock]);
        assert!(!bash.output().unwrap().status.success(), "nobody listens there");
    });
    let inner: Vec<&str> = said.lines().filter(|line| !line.contains("VXLAN")).collect();
    assert_eq!((said.lines().count(), inner.len()), (4, 2), "{said}");
    assert!(inner[0].contains(&format!("> {pod}.9: Flags [S]")), "{said}");
    assert!(inner[1].starts_with(&format!("IP {pod}.9 > ")) && inner[1].contains("Flags [R.]"), "{said}");
}

/// Records, each as soon as its packet, through jq.
pub(super) fn records_go_into_jq(lab: &Lab) {
    let query = ".inner | select(.icmp.type == 8) | [.ip.src, .ip.dst_node, .icmp.seq] | @csv";
    let line = format!("flanctl capture -i eth0 -o ndjson -c 4 udp port 8472 | jq -r '{query}'");
    let said = lab.said(&line, || lab.ping());
    let row = |seq| format!("\"{}\",\"node2\",{seq}\n", lab.pods[0]);
    assert_eq!(said, row(1) + &row(2));
}

/// On a terminal: who is who, in colour, and what is within the tunnel further right.
pub(super) fn a_terminal_shows_nodes(lab: &Lab) {
    let line = "exec script -qec 'flanctl capture -i eth0 -nn -t -c 2 udp port 8472' /dev/null";
    let said = lab.said(line, || lab.ping()).replace('\r', "");
    let blue = |name: &str| format!("\x1b[36m({name})\x1b[0m");
    let (a, b) = (&lab.pods[0], &lab.pods[1]);
    let outer = format!("192.168.50.12.8472 {}: VXLAN", blue("node2"));
    let inner = format!("    IP {a} {} > {b} {}: ICMP echo request", blue("node1"), blue("node2"));
    assert!(said.contains(&outer), "{said}");
    assert!(said.lines().any(|line| line.starts_with(&inner)), "{said}");
    let plain = line.replace("capture ", "capture --no-annotate --color never ");
    let said = lab.said(&plain, || lab.ping());
    assert!(said.lines().any(|line| line.starts_with(&format!("IP {a} > {b}: ICMP echo request"))), "{said}");
}

/// A file of ours on another machine: tshark reads it, and we know the nodes by it.
pub(super) fn a_file_is_read_elsewhere(lab: &Lab) {
    let path = lab.file("live.pcapng");
    let file = path.to_str().unwrap();
    let fields = ["frame.interface_name", "vxlan.vni", "ip.dst"].map(|name| ["-e", name]).concat();
    let args =
        [&["-n", "-r", file, "-Y", "vxlan.vni == 1 && icmp.type == 8", "-T", "fields"], &fields[..]].concat();
    let shark = [&["-d", "udp.port==8472,vxlan"], &args[..]].concat();
    let rows = text(&super::super::run("tshark", &shark));
    assert_eq!(rows, format!("eth0\t1\t192.168.50.12,{}\n", lab.pods[1]).repeat(2), "{rows}");
    let alone = lab.dir.path().join("nobody");
    let line = format!("'{FLANCTL}' capture -nn -t --run-dir {} -r {file}", alone.display());
    let mut script = Command::new("script");
    script
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    let said = text(&script.output().unwrap());
    let node = format!("> {} \x1b[36m(node2)\x1b[0m: ICMP echo request", lab.pods[1]);
    assert_eq!(said.matches(&node).count(), 2, "{said}");
}
