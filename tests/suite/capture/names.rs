//! Names in place of addresses: the host's own, and a resolver that does not answer.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Output;

use super::{fixture, run, same, text};

const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

/// Runs a program on a file where `resolv.conf` and `hosts` of this directory are the system's.
fn among(dir: &Path, program: &str, options: &str) -> Output {
    let line = format!(
        "mount --bind {0}/resolv.conf /etc/resolv.conf && mount --bind {0}/hosts /etc/hosts && \
         exec {program} -t -r {1} {options}",
        dir.display(),
        fixture("lab_eth0.pcap").display()
    );
    run("unshare", &["-m", "sh", "-c", &line])
}

#[test]
fn hosts_have_the_names_that_tcpdump_has_for_them() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens there, and the answer to that comes at once.
    std::fs::write(dir.path().join("resolv.conf"), "nameserver 127.9.9.8\n").unwrap();
    let hosts = "192.168.50.11 node-a.example.org\n192.168.50.12 node-b\n10.244.1.8 pod-a.example.org\n";
    std::fs::write(dir.path().join("hosts"), hosts).unwrap();
    for options in ["", "-N", "-v", "-e"] {
        let wanted = text(&among(dir.path(), "tcpdump", options));
        assert!(wanted.contains("node-a") && wanted.contains("pod-a"), "{wanted}");
        let got = text(&among(dir.path(), &format!("{FLANCTL} capture --compat 4.99"), options));
        same(options, &wanted, &got);
    }
}

#[test]
fn a_resolver_that_is_silent_is_waited_for_once() {
    let dir = tempfile::tempdir().unwrap();
    let silent = UdpSocket::bind("127.9.9.9:53").unwrap();
    silent.set_nonblocking(true).unwrap();
    std::fs::write(dir.path().join("resolv.conf"), "nameserver 127.9.9.9\n").unwrap();
    std::fs::write(dir.path().join("hosts"), "127.0.0.1 localhost\n").unwrap();
    let program = format!("{FLANCTL} capture --compat 4.99");
    let output = among(dir.path(), &program, "");
    assert!(output.status.success(), "{output:?}");
    let mut asked = BTreeSet::new();
    let mut message = [0; 512];
    while let Ok(len) = silent.recv(&mut message) {
        // The question, behind what differs from one try to the next.
        asked.insert(message[12..len].to_vec());
    }
    assert_eq!(asked.len(), 1, "one address was asked for, and no other behind it");
    // As with a resolver that has no names.
    std::fs::write(dir.path().join("resolv.conf"), "nameserver 127.9.9.8\n").unwrap();
    let nameless = text(&among(dir.path(), &program, ""));
    assert!(nameless.lines().count() > 10);
    same("no names", &nameless, &text(&output));
}
