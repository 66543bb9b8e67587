//! `capture --flows` on files, and between the pods of a lab: who talks to whom, how long it takes, and what fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};

use flanctl::lab::ns;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::live::{Lab, NAME, VNI};
use super::{capture, fixture, text};
use crate::support::swap::until;

/// Bytes that the client sends and gets back.
const SENT: usize = 20_000;

/// A connection between the pods, and a datagram to a port where nobody listens.
fn talk(lab: &Lab) {
    let [client, server] = [1, 2].map(|n| format!("{NAME}-pod{n}"));
    let listener = ns::within(&server, || TcpListener::bind(("0.0.0.0", 0))).unwrap();
    let to = (lab.pods[1].as_str(), listener.local_addr().unwrap().port());
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut room = vec![0; SENT];
        stream.read_exact(&mut room).unwrap();
        stream.write_all(&room).unwrap();
    });
    let mut stream = ns::within(&client, || TcpStream::connect(to)).unwrap();
    stream.write_all(&vec![7; SENT]).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert_eq!(back.len(), SENT);
    answers.join().unwrap();
    let lost = ns::within(&client, || UdpSocket::bind("0.0.0.0:0")).unwrap();
    lost.send_to(b"anybody", (lab.pods[1].as_str(), 9)).unwrap();
}

/// The only flow of this protocol between these two, in the network if there is one.
fn flow<'a>(document: &'a Value, proto: &str, src: &str, dst: &str, vni: Option<u32>) -> &'a Value {
    let is = |flow: &&Value| {
        flow["proto"] == proto
            && (flow["src"]["addr"] == src && flow["dst"]["addr"] == dst)
            && flow["tunnel"]["vni"].as_u64() == vni.map(u64::from)
    };
    let found: Vec<&Value> = document["flows"].as_array().unwrap().iter().filter(is).collect();
    assert_eq!(found.len(), 1, "{proto} {src} > {dst} {vni:?}: {document:#}");
    found[0]
}

/// In a lab: pings in two tunnels and beside them, a connection, and a datagram that is refused.
pub(super) fn each_flow_is_told(lab: &Lab) {
    let [a, b] = [lab.pods[0].as_str(), lab.pods[1].as_str()];
    let both = || {
        lab.ping();
        talk(lab);
    };
    let seen = lab.captures_while("node1", "flanctl capture -i eth0 --flows -o json", "", both);
    assert!(seen.status.success(), "{}", seen.err);
    let document: Value = serde_json::from_str(&seen.out).unwrap();
    assert_eq!((&document["schema"], &document["forgotten"]), (&"flanctl.flows/1".into(), &0.into()));
    for (src, dst, vni) in
        [(a, b, Some(1)), ("10.99.0.1", "10.99.0.2", Some(VNI)), ("192.168.50.11", "192.168.50.12", None)]
    {
        let ping = flow(&document, "icmp", src, dst, vni);
        for way in ["out", "back"] {
            assert_eq!((&ping[way]["packets"], &ping[way]["dups"]), (&2.into(), &0.into()), "{ping:#}");
        }
        assert_eq!(ping["out"]["rtt"]["samples"], 2, "{ping:#}");
        assert!(ping["out"]["rtt"]["min_us"].as_f64().unwrap() > 0.0, "{ping:#}");
    }
    let tcp = flow(&document, "tcp", a, b, Some(1));
    assert!(tcp["out"]["bytes"].as_u64().unwrap() > SENT as u64, "{tcp:#}");
    assert!(tcp["back"]["bytes"].as_u64().unwrap() > SENT as u64, "{tcp:#}");
    assert!(tcp["out"]["rtt"]["samples"].as_u64().unwrap() >= 2, "SYN and data: {tcp:#}");
    assert_eq!((&tcp["src"]["node"], &tcp["dst"]["node"]), (&"node1".into(), &"node2".into()));
    assert_eq!(tcp["tunnel"]["dst"], "192.168.50.12");
    assert_eq!(tcp["interfaces"], serde_json::json!(["eth0"]));
    let refused = flow(&document, "udp", a, b, Some(1));
    assert_eq!((&refused["icmp"]["unreachable"], &refused["icmp"]["from"]), (&1.into(), &b.into()));
    assert_eq!((&refused["out"]["packets"], &refused["back"]["packets"]), (&1.into(), &0.into()));
    on_every_interface(lab);
    only_what_is_inside(lab);
    from_a_file_of_two_interfaces(lab);
    on_a_terminal(lab);
}

/// A packet passes veth, bridge, tunnel and uplink: it is counted once beside the tunnel, and once in it.
fn on_every_interface(lab: &Lab) {
    let [a, b] = [lab.pods[0].as_str(), lab.pods[1].as_str()];
    let seen = lab.captures_while("node1", "flanctl capture -i any --flows -o json", "", || talk(lab));
    let document: Value = serde_json::from_str(&seen.out).unwrap();
    for (vni, places) in [(None, &["cni0", "flannel.1"][..]), (Some(1), &["eth0"])] {
        let tcp = flow(&document, "tcp", a, b, vni);
        let names: Vec<&str> =
            tcp["interfaces"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(places.iter().all(|place| names.contains(place)), "{names:?}");
        // Only what a connection needs: the copies on other interfaces are in no count.
        let sent = tcp["out"]["bytes"].as_u64().unwrap() as usize;
        assert!((SENT..SENT + SENT / 2).contains(&sent), "{tcp:#}");
        assert_eq!(
            (&tcp["out"]["retransmits"], &tcp["back"]["retransmits"]),
            (&0.into(), &0.into()),
            "{tcp:#}"
        );
        let refused = flow(&document, "udp", a, b, vni);
        assert_eq!(refused["icmp"]["unreachable"], 1, "{refused:#}");
    }
}

/// With a filter on the inner packet, a bound, and no terminal: the table at the end.
fn only_what_is_inside(lab: &Lab) {
    let [a, b] = [lab.pods[0].as_str(), lab.pods[1].as_str()];
    let seen = lab.captures_while(
        "node1",
        "flanctl capture -n -i eth0 --flows",
        &format!("host {a} and icmp"),
        || lab.ping(),
    );
    let lines: Vec<&str> = seen.out.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("1 flow, 4 packets, "), "{lines:#?}");
    assert!(lines[2].starts_with(&format!("icmp {a} > {b} id ")), "{lines:#?}");
    assert!(
        lines[2].contains("vni 1 192.168.50.11 > 192.168.50.12  eth0") && lines[2].contains(" ms"),
        "{lines:#?}"
    );
    let written = lab.file("flows.pcap");
    let line = format!("flanctl capture -i eth0 --flows --max-flows 1 -w {} icmp", written.display());
    let seen = lab.captures_while("node1", &line, "", || lab.ping());
    assert!(seen.out.starts_with("1 flow, 4 packets, "), "{}", seen.out);
    let count = capture(&["--count", "-r", written.to_str().unwrap()]);
    assert_eq!(text(&count), "4 packets\n");
}

/// A file that tells of its interfaces: the names are theirs, and a packet of both counts on each for itself.
fn from_a_file_of_two_interfaces(lab: &Lab) {
    let [a, b] = [lab.pods[0].as_str(), lab.pods[1].as_str()];
    let written = lab.file("two.pcapng");
    let line = format!("flanctl capture -i eth0 -i flannel.1 -w {}", written.display());
    assert!(lab.captures_while("node1", &line, "", || lab.ping()).status.success());
    let read = text(&capture(&["-r", written.to_str().unwrap(), "--flows", "-o", "json"]));
    let document: Value = serde_json::from_str(&read).unwrap();
    for (vni, place) in [(None, "flannel.1"), (Some(1), "eth0")] {
        let ping = flow(&document, "icmp", a, b, vni);
        assert_eq!((&ping["interfaces"], &ping["out"]["packets"]), (&serde_json::json!([place]), &2.into()));
        assert_eq!(ping["src"]["node"], "node1", "the file tells of the leases");
    }
}

/// Drawn in place while packets pass, and whole at the end.
fn on_a_terminal(lab: &Lab) {
    let told = lab.file("terminal");
    let inside = "flanctl capture -i eth0 --flows --quiet -c 200 icmp or udp port 8472";
    let mut command = Lab::command("node1", "script -q -e -f -c");
    command.arg(format!("stty rows 8 cols 100; TERM=xterm {inside}")).arg(&told);
    let mut child = command.stdout(std::process::Stdio::null()).spawn().unwrap();
    let read = || std::fs::read_to_string(&told).unwrap_or_default();
    let ping = |args: &str| lab.does("pod1", &format!("ping -n -q -W 5 {args} {}", lab.pods[1]));
    until("the table is drawn while it goes on", || {
        ping("-c 1");
        read().contains("\u{1b}[J").then_some(())
    });
    let status = until("it took its packets", || {
        ping("-c 50 -i 0.01");
        child.try_wait().unwrap()
    });
    assert!(status.success());
    let text = read();
    assert!(text.contains("\u{1b}[K") && text.contains("(node2) id "), "{text:?}");
    let last = text.rsplit("\u{1b}[J").next().unwrap();
    assert!(last.contains(", 200 packets, ") && !last.contains('\u{1b}'), "{last:?}");
}

#[test]
fn flows_of_a_file_are_a_table_and_a_document() {
    let file = fixture("lab_eth0.pcap");
    let file = file.to_str().unwrap();
    let table = text(&capture(&["-n", "-r", file, "--flows"]));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "5 flows, 21 packets, 1.1 s");
    assert!(lines[2].starts_with("icmp 10.244.1.8 > 10.244.2.8 id 15311 "), "{table}");
    let document: Value =
        serde_json::from_str(&text(&capture(&["-r", file, "--flows", "-o", "json", "--max-flows", "3"])))
            .unwrap();
    assert_eq!((&document["known"], &document["forgotten"]), (&3.into(), &2.into()));
    let tcp = flow(&document, "tcp", "10.244.1.8", "10.244.2.8", Some(1));
    assert_eq!((&tcp["src"]["port"], &tcp["dst"]["port"]), (&39196.into(), &81.into()));
    let inner = text(&capture(&["-r", file, "--flows", "--inner", "udp"]));
    assert!(inner.starts_with("1 flow, 1 packet, "), "{inner}");
}

#[test]
fn an_interrupt_ends_a_stream_with_the_table() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flanctl"));
    command.args(["capture", "-r", "-", "--flows"]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stream = child.stdin.take().unwrap();
    stream.write_all(&std::fs::read(fixture("lab_eth0.pcap")).unwrap()).unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("reading from file -"), "{line}");
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    drop(stream);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    // What was read by then: the file's first packets at least.
    assert!(text(&output).contains("\nicmp 10.244.1.8 > 10.244.2.8 id 15287 "), "{}", text(&output));
}

#[test]
fn what_flows_cannot_be_told_with_is_refused() {
    let file = fixture("lab_eth0.pcap");
    for (options, said) in [
        (&["--flows", "-x"][..], "--flows tells of flows and -x of packets: one of them"),
        (&["--flows", "--count"], "--flows tells of flows and --count of packets: one of them"),
        (&["--flows", "--compat", "5.0"], "--flows tells of flows and --compat of packets: one of them"),
        (&["--flows", "-w", "-"], "--flows and -w - both write to standard output: name a file with -w"),
        (&["--max-flows", "5"], "--max-flows bounds --flows: give both"),
        (&["--flows", "--max-flows", "0"], "invalid number of flows 0"),
    ] {
        let output = capture(&[&["-r", file.to_str().unwrap()], options].concat());
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            err.contains(said) && output.stdout.is_empty() && !output.status.success(),
            "{options:?}: {err}"
        );
    }
}
