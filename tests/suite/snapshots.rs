//! Snapshot files: that those of every release are read, what is said of files that are none, how they are written,
//! and that every reading verb takes one.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use flanctl::doctor::examine;
use flanctl::finding::Level;
use flanctl::snapshot::Snapshot;
use flanctl::trace::{Query, trace};

const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

pub(crate) fn read(name: &str) -> Snapshot {
    let path = fixture(name);
    Snapshot::decode(&std::fs::read(&path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn flanctl(words: &[&str]) -> Output {
    Command::new(FLANCTL).args(words).output().unwrap()
}

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn version_1_is_read_and_says_what_it_said_when_it_was_taken() {
    let node = read("snapshots/v1.json");
    assert_eq!((node.host.as_str(), node.version.as_str()), ("node1", "0.1.0"));
    assert_eq!(node.leases.as_ref().map(Vec::len), Some(3));
    assert_eq!(node.pods.len(), 1);
    assert!(!node.pods[0].state.routes.is_empty(), "the pod's inside");
    assert!(node.state.firewall.as_ref().is_some_and(|rules| !rules.tables.is_empty()), "the firewall");
    assert!(node.uplink.is_some() && node.config.is_some() && node.own.is_some());
    let path = trace(&node, &Query::to("10.244.178.2".parse().unwrap()));
    assert_eq!(path.verdict.word(), "dropped", "{:?}", path.findings);
    let codes: Vec<&str> = path.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["fdb.missing"]);
    let well = trace(&node, &Query::to("10.244.252.2".parse().unwrap()));
    assert_eq!((well.verdict.word(), well.findings.len()), ("delivered", 0), "{:?}", well.findings);
    let report = examine(&node, &[]);
    let wrong = report.findings.iter().filter(|finding| finding.level == Level::Error);
    assert_eq!(wrong.map(|finding| finding.code).collect::<Vec<_>>(), ["fdb.missing"]);
}

#[test]
fn every_reading_verb_takes_a_snapshot_and_no_rights() {
    let file = fixture("snapshots/v1.json");
    let file = file.to_str().unwrap();
    for (verb, shows) in [
        ("route", "10.244.178.0/24"),
        ("fdb", "192.168.50.13"),
        ("arp", "10.244.252.0"),
        ("fdb --dev cni0", "10.244.54.2"),
        ("lease list", "10.244.178.0/24"),
        ("lease show 10.244.178.0/24", "192.168.50.12"),
        ("trace 10.244.178.2", "fdb.missing"),
        ("doctor", "fdb.missing"),
        ("snapshot", "flanctl.snapshot/1"),
    ] {
        let words: Vec<&str> = verb.split(' ').chain(["--snapshot", file]).collect();
        let nobody = ["setpriv", "--reuid=65534", "--clear-groups", FLANCTL];
        let output = Command::new(nobody[0]).args(&nobody[1..]).args(words).output().unwrap();
        assert!(said(&output).contains(shows), "{verb}: {}", said(&output));
    }
}

#[test]
fn a_file_that_is_no_snapshot_is_named_with_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read_to_string(fixture("snapshots/v1.json")).unwrap();
    let half = whole.get(..whole.len() / 2).unwrap().to_owned();
    let newer = whole.replacen("flanctl.snapshot/1", "flanctl.snapshot/9", 1);
    for (text, why) in [
        (half, "it is cut off after"),
        (newer, "flanctl.snapshot/9 was written by a newer flanctl"),
        (r#"{"kind":"NodeList"}"#.to_owned(), "it is not flanctl's"),
        (whole.replacen("\"host\":\"node1\"", "\"host\":1", 1), "its host cannot be read"),
    ] {
        let file = dir.path().join("bad.json");
        std::fs::write(&file, text).unwrap();
        for verb in ["doctor", "route"] {
            let output = flanctl(&[verb, "--snapshot", file.to_str().unwrap()]);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(3), "{said}");
            assert!(said.contains(why) && said.contains("bad.json"), "{said}");
        }
    }
    let gone = flanctl(&["trace", "10.0.0.1", "--snapshot", "/nonexistent/x.json"]);
    assert!(said(&gone).contains("snapshot /nonexistent/x.json"), "{}", said(&gone));
    assert_eq!(gone.status.code(), Some(3));
}

#[test]
fn it_is_written_whole_for_its_owner_alone_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (fixture("snapshots/v1.json"), dir.path().join("copy.json"));
    let words = ["snapshot", "--snapshot", from.to_str().unwrap()];
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    std::fs::write(&to, "what was there").unwrap();
    assert!(flanctl(&[&words[..], &[to.to_str().unwrap()]].concat()).status.success());
    assert_eq!(mode(&to), 0o600);
    assert_eq!(Snapshot::decode(&std::fs::read(&to).unwrap()).unwrap(), read("snapshots/v1.json"));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing stays beside it");
    let nowhere = dir.path().join("no/such/place.json");
    let failed = flanctl(&[&words[..], &[nowhere.to_str().unwrap()]].concat());
    assert_eq!(failed.status.code(), Some(3));
    assert!(said(&failed).contains("no/such/place.json"), "{}", said(&failed));
    // To standard output, and with a map beside it.
    let map = dir.path().join("secret.map");
    let flags = ["-", "--redact", "--map", map.to_str().unwrap()];
    let first = flanctl(&[&words[..], &flags].concat());
    assert!(first.status.success() && first.stderr.is_empty(), "{}", said(&first));
    assert_eq!(mode(&map), 0o600);
    let (seen, listed) = (String::from_utf8(first.stdout).unwrap(), std::fs::read_to_string(&map).unwrap());
    assert!(!seen.contains("10.244.178.0") && listed.contains("\n10.244.178.0/24\t"), "{listed}");
    // Gone by from then on.
    let again = flanctl(&[&words[..], &flags].concat());
    assert_eq!(String::from_utf8(again.stdout).unwrap(), seen);
}
