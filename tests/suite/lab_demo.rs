//! `flanctl lab` with the real agent: who reaches whom and under whose address, in every shape of lab, for root and for
//! an ordinary user; and that nothing stays, whenever it is interrupted.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use regex::Regex;

use crate::lab::nobody_exists;
use crate::support::swap::{FLANCTL, copy_of, until};

/// A lab of a test: its name is used once, and it is gone when the test ends, however it ends.
struct Lab(&'static str);

impl Lab {
    fn command(&self, verb: &str, more: &[&str]) -> Command {
        let mut command = Command::new(FLANCTL);
        command.args(["lab", verb, "--name", self.0]).args(more).stdin(Stdio::null());
        command
    }

    /// Runs it to its end, which must be a good one.
    fn does(&self, verb: &str, more: &[&str]) -> String {
        told(&self.command(verb, more).output().unwrap())
    }

    /// Starts it without waiting.
    fn starts(&self, verb: &str) -> Child {
        let mut command = self.command(verb, &[]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn exec(&self, member: &str, words: &str) -> String {
        let mut all = vec![member, "--"];
        all.extend(words.split_whitespace());
        let mut command = Command::new(FLANCTL);
        command.args(["lab", "exec", "--name", self.0]).args(all).stdin(Stdio::null());
        told(&command.output().unwrap())
    }

    /// Pings pods from pods with a program that is not ours.
    fn all_ping(&self, pods: &[String]) {
        for from in 1..=pods.len() {
            for to in pods {
                self.exec(&format!("pod{from}"), &format!("ping -n -q -c 1 -W 3 {to}"));
            }
        }
    }

    /// The address of every pod in one family.
    fn pods(&self, nodes: usize, family: &str) -> Vec<String> {
        let address = |n| {
            let text =
                self.exec(&format!("pod{n}"), &format!("ip -j {family} addr show dev eth0 scope global"));
            let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
            rows[0]["addr_info"][0]["local"].as_str().unwrap().to_owned()
        };
        (1..=nodes).map(address).collect()
    }

    fn assert_gone(&self, after: &str) {
        let prefix = format!("{}-", self.0);
        let netns: Vec<_> = names("/run/netns").into_iter().filter(|n| n.starts_with(&prefix)).collect();
        assert_eq!(netns, Vec::<String>::new(), "namespaces after {after}");
        assert!(!Path::new("/run/flanctl-lab").join(self.0).exists(), "state after {after}");
        assert_eq!(self.processes(), Vec::<String>::new(), "processes after {after}");
    }

    /// The command line of every process that bears the lab's mark; zombies have none.
    fn processes(&self) -> Vec<String> {
        let mark = format!("FLANCTL_LAB={}:", self.0);
        let read = |pid: &str, file: &str| {
            let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', "\n")
        };
        let marked = |pid: &String| read(pid, "environ").lines().any(|v| v.starts_with(&mark));
        names("/proc").into_iter().filter(marked).map(|pid| read(&pid, "cmdline")).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.command("down", &[]).output();
    }
}

fn told(output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{out}{err}");
    out
}

fn names(dir: &str) -> Vec<String> {
    let Ok(dir) = std::fs::read_dir(dir) else { return Vec::new() };
    dir.flatten().filter_map(|e| e.file_name().into_string().ok()).collect()
}

/// What the demo of three nodes must show.
fn shows_all(said: &str, families: usize) {
    let pairs = Regex::new("6 of 6 pod pairs answer").unwrap();
    assert_eq!(pairs.find_iter(said).count(), families, "{said}");
    for line in [
        r"pod1 → pod2 +\S+, pod1's own\n",
        r"node1 → pod2 +\S+, node1's own\n",
        r"pod1 → node2 +\S+, pod1's own\n",
        r"pod1 → world +\S+, the node's \(masqueraded\)\n",
    ] {
        assert_eq!(Regex::new(line).unwrap().find_iter(said).count(), families, "{line} in\n{said}");
    }
    for verb in ["route", "fdb", "arp"] {
        assert!(said.contains(&format!("node1$ flanctl {verb} show\n")), "{verb} in\n{said}");
    }
    for drift in ["missing", "wrong", "stale", "broken", "but it should be"] {
        assert!(!said.contains(drift), "{drift} in\n{said}");
    }
}

#[test]
fn the_demo_shows_six_pairs_and_whose_address_arrives_and_leaves_nothing() {
    let lab = Lab("d-root");
    shows_all(&lab.does("demo", &[]), 1);
    lab.assert_gone("the demo");
    shows_all(&lab.does("demo", &["--ipv6"]), 2);
    lab.assert_gone("the demo in both families");
}

#[test]
fn an_ordinary_users_demo_shows_the_same_and_leaves_nothing() {
    const NOBODY: u32 = 65534;
    let lab = Lab("d-nobody");
    // Where nobody may read it, whatever the build directory's mode is.
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    let dir = tempfile::Builder::new().permissions(mode).tempdir().unwrap();
    let flanctl = copy_of(FLANCTL, &dir.path().join("flanctl"));
    for args in [&["demo"][..], &["demo", "--ipv6"]] {
        let mut command = Command::new(&flanctl);
        command.arg("lab").args(args).args(["--name", lab.0]).current_dir("/").stdin(Stdio::null());
        // Where the suite itself runs in a user namespace there is no nobody to become, and nothing left to move into.
        match nobody_exists() {
            true => command.uid(NOBODY).gid(NOBODY),
            false => command.env("FLANCTL_LAB_INSIDE", "1"),
        };
        shows_all(&told(&command.output().unwrap()), args.len());
        lab.assert_gone("an ordinary user's demo");
    }
}

#[test]
fn every_shape_of_lab_pings_over_the_overlay() {
    for (name, shape, families) in [
        ("d-nat", &["--nat"][..], &["-4"][..]),
        ("d-segments", &["--segments", "2"], &["-4"]),
        ("d-both", &["--segments", "2", "--ipv6"], &["-4", "-6"]),
    ] {
        let lab = Lab(name);
        lab.does("up", shape);
        for family in families {
            lab.all_ping(&lab.pods(3, family));
        }
        // Each node's peers are two forwarding entries, to the addresses that others know them by.
        let fdb = lab.exec("node1", "bridge fdb show dev flannel.1");
        assert_eq!(fdb.lines().filter(|l| l.contains("self permanent")).count(), 2, "{name}: {fdb}");
        let link = lab.exec("node1", "ip -d link show flannel.1");
        let own = lab.exec("node1", "ip -4 -o addr show dev eth0");
        let local = own.split_whitespace().skip_while(|w| *w != "inet").nth(1).unwrap();
        let local = format!("local {} ", local.split('/').next().unwrap());
        assert!(link.contains(&local), "{name}: {local} in {link}");
        lab.does("down", &[]);
        lab.assert_gone(name);
    }
}

/// What the demo says of itself, counted by the receivers' own firewall.
#[test]
fn pods_see_each_other_under_their_own_addresses_and_the_world_sees_nodes() {
    let lab = Lab("d-sources");
    lab.does("up", &["--nodes", "2"]);
    let pods = lab.pods(2, "-4");
    let nic = |member: &str| -> String {
        let rows = lab.exec(member, "ip -4 -o addr show scope global");
        let net = rows.split_whitespace().skip_while(|w| *w != "inet").nth(1).unwrap();
        net.split('/').next().unwrap().to_owned()
    };
    let overlay = lab.exec("node1", "ip -4 -o addr show dev flannel.1");
    let overlay = overlay.split_whitespace().find(|w| w.ends_with("/32")).unwrap().trim_end_matches("/32");
    let (node1, world) = (nic("node1"), nic("world"));
    let counter = Regex::new(r"counter packets (\d+)").unwrap();
    for (from, at, to, source) in [
        ("pod1", "pod2", &pods[1], pods[0].as_str()),
        ("node1", "pod2", &pods[1], overlay),
        ("pod1", "world", &world, &node1),
    ] {
        for line in [
            "add table ip seen",
            "flush table ip seen",
            "add chain ip seen in { type filter hook input priority 0 ; }",
            &format!("add rule ip seen in ip saddr {source} icmp type echo-request counter accept"),
            "add rule ip seen in icmp type echo-request counter accept",
        ] {
            lab.exec(at, &format!("nft {line}"));
        }
        lab.exec(from, &format!("ping -n -q -i 0.05 -c 3 -W 3 {to}"));
        let seen = lab.exec(at, "nft list chain ip seen in");
        let counted: Vec<&str> = counter.captures_iter(&seen).map(|c| c.get(1).unwrap().as_str()).collect();
        assert_eq!(counted, ["3", "0"], "{from} at {at}, from {source} and from others: {seen}");
    }
}

#[test]
fn a_lab_that_stands_heals_and_its_readers_find_nothing_wrong() {
    let lab = Lab("d-stands");
    lab.does("up", &["--nodes", "2"]);
    let pods = lab.pods(2, "-4");
    lab.exec("node1", "ip link del flannel.1");
    until("it heals", || {
        let mut ping = lab.command("exec", &["pod1", "--", "ping", "-q", "-c", "1", "-W", "1", &pods[1]]);
        ping.output().unwrap().status.success().then_some(())
    });
    for verb in ["route", "fdb", "arp"] {
        // --check ends with 1 where a row drifts.
        until(verb, || {
            let mut look = lab.command("exec", &["node1", "--", FLANCTL, verb, "--check"]);
            look.env("FLANCTL_RUN_DIR", "/run/flanctl-lab/d-stands/run");
            look.output().unwrap().status.success().then_some(())
        });
    }
    lab.does("down", &[]);
    lab.assert_gone("down");
}

#[test]
fn readers_find_nothing_stale_the_moment_a_lab_stands() {
    let lab = Lab("d-fresh");
    for round in 0..5 {
        lab.does("up", &[]);
        for node in ["node1", "node2", "node3"] {
            for verb in ["fdb", "route", "arp"] {
                let mut look = lab.command("exec", &[node, "--", FLANCTL, verb, "-q"]);
                let found = String::from_utf8(look.output().unwrap().stdout).unwrap();
                assert!(!found.contains("stale"), "round {round}, {verb} on {node}:\n{found}");
            }
        }
        lab.does("down", &[]);
    }
}

#[test]
fn an_interrupt_at_any_moment_leaves_nothing_after_down() {
    let seed = rand::random::<u64>();
    // A failure must be repeatable.
    println!("seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    for (name, verb, longest) in [("d-int-up", "up", 900), ("d-int-demo", "demo", 2_500)] {
        let lab = Lab(name);
        for round in 0..14 {
            let signal = if round % 2 == 0 { Signal::SIGINT } else { Signal::SIGKILL };
            let after = Duration::from_millis(dice.random_range(0..longest));
            let mut child = lab.starts(verb);
            std::thread::sleep(after);
            // It may have ended by itself.
            let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
            let code = child.wait().unwrap().code();
            let when = format!("{verb}, {signal} after {after:?}");
            if code == Some(130) {
                lab.assert_gone(&format!("{when}, by itself"));
            }
            lab.does("down", &[]);
            lab.assert_gone(&when);
        }
    }
}
