//! What the agent says: flannel's lines in flannel's order, in three forms, and never a password.

use std::process::Command;

use regex::Regex;
use serde_json::Value;

use super::{V4, node, seat};
use crate::support::hub::{ADDR, Hub};
use crate::support::leases::Leases;
use crate::support::swap::{Seat, until};

const PREFIX: &str = "/coreos.com/network";

/// Every pattern matches a line behind the one that the pattern before matched.
fn in_order(text: &str, patterns: &[&str]) {
    let mut lines = text.lines();
    for pattern in patterns {
        let wanted = Regex::new(pattern).unwrap();
        assert!(lines.any(|line| wanted.is_match(line)), "not there, or too early: {pattern}\n{text}");
    }
}

#[test]
fn the_start_reads_as_flannels_in_klogs_form() {
    let hub = Hub::start();
    let place = hub.node("10.77.0.1");
    let config = r#"{"Network":"192.168.0.0/16","SubnetLen":24,"SubnetMin":"192.168.1.0","SubnetMax":"192.168.100.0","Backend":{"Type":"vxlan"}}"#;
    hub.put(&[(format!("{PREFIX}/config"), config.to_owned())]);
    let seat = Seat::new(
        &place,
        "n1",
        &["-etcd-endpoints", &hub.url(), "-iface=eth0", "--ip-masq", "--log-format=glog"],
    );
    let mut agent = seat.ready(&[]);
    agent.running.stop();
    let first = seat.said();
    let prefix = Regex::new(r"^[IWE]\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ [a-z_0-9]+\.rs:\d+\] \S").unwrap();
    for line in first.lines() {
        assert!(prefix.is_match(line), "no klog line: {line}");
    }
    let tail = [
        r"Interface flannel\.1 mac address set to: ([0-9a-f]{2}:){5}[0-9a-f]{2}$",
        r"Setting up masking rules$",
        r"Changing default FORWARD chain policy to ACCEPT$",
        r"Wrote subnet file to .*/subnet\.env$",
        r"flannel is ready$",
        r"Running backend\.$",
        r"watching for new subnet leases$",
        r"Waiting for 2[23]h\S* to renew lease$",
        r"shutdownHandler sent cancel signal\.\.\.$",
        r"Exiting cleanly\.\.\.$",
    ];
    let head = [
        r"Created subnet manager: Etcd Local Manager with Previous Subnet: None$",
        r"Installing signal handlers$",
        r"Found network config - Backend type: vxlan$",
        r"Searching for interface using eth0$",
        r"Using interface with name eth0 and address 10\.77\.0\.1$",
        r"Defaulting external address to interface address \(10\.77\.0\.1\)$",
        r"VXLAN config: VNI=1 Port=0 GBP=false Learning=false DirectRouting=false$",
    ];
    let new = [
        r"Picking subnet in range 192\.168\.1\.0 \.\.\. 192\.168\.100\.0$",
        r"Allocated lease \(ip: 192\.168\.\d+\.0/24 ipv6: ::/0\) to current node \(10\.77\.0\.1\) $",
    ];
    in_order(&first, &[&head[..], &new, &tail].concat());

    std::fs::remove_file(seat.file("agent.log")).unwrap();
    seat.ready(&[]).running.stop();
    let again = [
        r"Created subnet manager: Etcd Local Manager with Previous Subnet: 192\.168\.\d+\.0/24$",
        r"Installing signal handlers$",
        r"Found lease \(ip: 192\.168\.\d+\.0/24 ipv6: ::/0\) for current IP \(10\.77\.0\.1\), reusing$",
    ];
    in_order(&seat.said(), &[&again[..], &tail].concat());
}

#[test]
fn the_default_route_is_found_in_flannels_words_and_json_is_json() {
    let (place, _far) = node();
    place.ip(&["route add default via 192.168.0.254"]);
    let leases = Leases::new(V4);
    let seat =
        Seat::new(&place, "n1", &[&leases.flag(), "--log-format=json", "-v=10", "--public-ip=192.168.0.1"]);
    seat.ready(&[]).running.stop();
    let messages: Vec<String> = seat
        .said()
        .lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(value["timestamp"].is_string() && value["level"].is_string(), "{line}");
            value["message"].as_str().unwrap().to_owned()
        })
        .collect();
    in_order(
        &messages.join("\n"),
        &["^Using interface", "^Using 192.168.0.1 as external address$", "^flannel is ready$"],
    );
    let plain = Seat::new(&place, "n1", &[&leases.flag()]);
    plain.ready(&[]).running.stop();
    in_order(
        &plain.said(),
        &["INFO  Determining IP address of default interface$", "INFO  flannel is ready$"],
    );
}

/// A password is in nothing that the agent writes, be it given by flag or by environment, right or wrong.
#[test]
fn no_password_is_ever_told() {
    const SECRET: &str = "Tr0ub4dor-3";
    let hub = Hub::start();
    let place = hub.node("10.77.0.1");
    hub.put(&[(format!("{PREFIX}/config"), V4.to_owned())]);
    hub.ctl(&format!("user add root:{SECRET}"));
    hub.ctl("user grant-role root root");
    hub.ctl("auth enable");
    let flags = ["--etcd-endpoints", &hub.url(), "--iface=eth0", "-v", "10", "--etcd-username=root"];
    for format in ["text", "glog", "json"] {
        let seat = Seat::new(&place, "n1", &[&flags[..], &["--log-format", format]].concat());
        let password = format!("--etcd-password={SECRET}");
        seat.ready(&[&password]).running.stop();
        let mut by_env = seat.command(&[]);
        by_env.env("FLANNELD_ETCD_PASSWORD", SECRET);
        let mut agent = seat.start_command(&mut by_env);
        agent.ready();
        let pid = agent.running.pid();
        let command_line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(!command_line.contains(SECRET));
        // A wrong one is not told either.
        let wrong = Seat::new(&place, "n2", &[&flags[..], &["--log-format", format, "--once"]].concat());
        let (code, out, said) = wrong.output(&mut wrong.command(&["--etcd-password=WrongHorse"]));
        assert!(code != 0 && !format!("{out}{said}").contains("WrongHorse"), "{out}{said}");
        agent.running.stop();
        for file in
            std::fs::read_dir(seat.dir.path()).unwrap().flatten().filter(|f| f.file_type().unwrap().is_file())
        {
            let text = String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).into_owned();
            assert!(!text.contains(SECRET), "{}: {text}", file.path().display());
        }
        assert!(seat.file("subnet.env").exists());
    }
}

#[test]
fn with_no_store_in_reach_it_says_where_it_looked_and_what_else_there_is_and_goes_on_when_it_comes() {
    let (place, _far) = node();
    // Nobody answers there: neither a host nor a refusal.
    let flags = ["--etcd-endpoints=http://192.168.0.99:2379,http://127.0.0.1:1", "--etcd-prefix=/some/where"];
    let seat = Seat::new(&place, "n1", &flags);
    let mut agent = seat.start(&["--iface=eth0"]);
    let line = until("it says so", || {
        let said = seat.said();
        said.lines().find(|l| l.contains("flanctl lab demo")).map(str::to_owned)
    });
    for word in
        ["http://192.168.0.99:2379", "http://127.0.0.1:1", "/some/where", "retrying", "--store dir:PATH"]
    {
        assert!(line.contains(word), "{word}: {line}");
    }
    assert_eq!(agent.running.stop().code(), Some(0), "SIGTERM while it waits");

    // A store without a config is waited for, too.
    let hub = Hub::start();
    let waiting = hub.node("10.77.0.1");
    let seat = Seat::new(&waiting, "n1", &["--etcd-endpoints", &hub.url(), "--iface=eth0"]);
    let mut agent = seat.start(&[]);
    until("it says so", || seat.said().contains("Couldn't fetch network config").then_some(()));
    assert!(seat.said().contains(&format!("{PREFIX}/config")), "{}", seat.said());
    hub.put(&[(format!("{PREFIX}/config"), V4.to_owned())]);
    agent.ready();
    assert_eq!(hub.entries(&format!("{PREFIX}/subnets/")).len(), 1);
    let mut show = Command::new("etcdctl");
    show.args([&format!("--endpoints=http://{ADDR}:2379"), "get", "--prefix", PREFIX, "--keys-only"]);
    let (code, out, said) = seat.output(&mut show);
    assert!(code == 0 && out.contains("/subnets/10.244."), "{out}{said}");
}

#[test]
fn a_round_of_renewals_and_repairs_is_told_in_few_lines() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    leases.put(super::PEER.0, super::PEER.1);
    let seat = seat(&place, &leases);
    let _agent = seat.ready(&[]);
    let before = seat.said().lines().count();
    place.ip(&["neigh del 10.244.9.0 dev flannel.1"]);
    until("the row is back", || place.rows("ip", "-j neigh show dev flannel.1").first().map(drop));
    until("it is told", || seat.said().contains("Repaired: ").then_some(()));
    let said = seat.said();
    let new: Vec<&str> = said.lines().skip(before).collect();
    assert_eq!(new.len(), 1, "{new:?}");
    assert!(new[0].contains("10.244.9.0") && new[0].contains("flannel.1"), "{new:?}");
}
