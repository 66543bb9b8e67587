//! `flanctl doctor` as a command: its document, its exit codes, and what it leaves alone.

use std::process::{Command, Output};

use serde_json::Value;

const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");
const LAB: &str = "t-doctor-v";

struct Lab;

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = lab(&["down"]);
    }
}

fn lab(words: &[&str]) -> Output {
    Command::new(FLANCTL).arg("lab").args(words).args(["--name", LAB]).output().unwrap()
}

/// A command on node1.
fn on_node(words: &[&str]) -> Output {
    let head = ["lab", "exec", "node1", "--name", LAB, "--"];
    Command::new(FLANCTL).args(head).args(words).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// `flanctl doctor WORDS` on node1, which must end with `code`: its document.
fn doctor(code: i32, words: &[&str]) -> Value {
    let output = on_node(&[&[FLANCTL, "-o", "json", "doctor"], words].concat());
    assert_eq!(output.status.code(), Some(code), "{words:?}: {}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn codes(findings: &Value) -> Vec<&str> {
    let all = findings.as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap());
    all.filter(|code| *code != "agent.stopped").collect()
}

fn broken(fault: &str) {
    let output = lab(&["break", fault]);
    assert!(output.status.success(), "{}", text(&output));
}

fn healed() {
    let output = lab(&["heal"]);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn doctor_says_what_is_wrong_and_mends_what_it_is_told_to() {
    let up = lab(&["up", "--nodes", "2"]);
    assert!(up.status.success(), "{}", text(&up));
    let _lab = Lab;
    a_healthy_node();
    what_is_anothers_is_left_alone();
    without_rights_it_says_so();
    every_peer_has_a_row();
    a_snapshot_is_examined_and_not_mended();
}

fn a_healthy_node() {
    let fine = doctor(0, &[]);
    assert_eq!(fine["schema"], "flanctl.doctor/1");
    assert_eq!((&fine["host"], &fine["source"]), (&"node1".into(), &"live".into()));
    assert_eq!(fine["findings"], Value::Array(Vec::new()));
    let checks = fine["checks"].as_array().unwrap();
    assert!(checks.len() > 50, "{}", checks.len());
    for check in checks {
        let told = check["answer"] == "fine" || check["reason"].as_str().is_some_and(|why| !why.is_empty());
        assert!(told && check["question"].is_string(), "{check}");
    }
    let said = on_node(&[FLANCTL, "doctor"]);
    assert!(text(&said).starts_with("node1: nothing found; "), "{}", text(&said));
    assert!(on_node(&[FLANCTL, "doctor", "--quiet"]).stdout.is_empty());
}

fn what_is_anothers_is_left_alone() {
    broken("route.shadowed");
    let sick = doctor(1, &[]);
    let finding = &sick["findings"][0];
    assert_eq!(finding["code"], "route.shadowed");
    assert_eq!(finding["flanctl_fix"], "flanctl doctor --fix --only route.shadowed");
    for key in ["cause", "see", "confidence", "level", "node"] {
        assert!(finding[key].is_string(), "{key}: {finding}");
    }
    let before = on_node(&["ip", "route"]).stdout;
    let left = doctor(1, &["--fix"]);
    assert_eq!(left["done"], Value::Array(Vec::new()), "{left}");
    assert_eq!(on_node(&["ip", "route"]).stdout, before, "a route of somebody else's went");
    let named = doctor(0, &["--fix", "--only", "route.shadowed"]);
    assert_eq!(codes(&named["before"]), ["route.shadowed"]);
    assert_eq!(codes(&named["findings"]), [""; 0]);
    let step = named["done"][0]["step"].as_str().unwrap();
    assert!(step.starts_with("ip route del 10.244."), "{step}");
    healed();
    broken("neigh.missing");
    let ours = doctor(1, &["--fix"]);
    assert_eq!(codes(&ours["findings"]), [""; 0], "{ours}");
    assert!(ours["done"][0]["step"].as_str().unwrap().starts_with("ip neigh replace "), "{ours}");
    healed();
}

fn without_rights_it_says_so() {
    broken("route.missing");
    let bare = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", FLANCTL, "doctor", "--fix"];
    let output = on_node(&bare);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("refused") && said.contains("not permitted"), "{said}");
    assert!(said.contains("route.missing"), "{said}");
    healed();
}

fn every_peer_has_a_row() {
    let seen = doctor(0, &["--peers"]);
    let [row] = seen["peers"].as_array().unwrap().as_slice() else { panic!("{seen}") };
    assert_eq!((&row["node"], &row["state"], &row["mtu"]), (&"node2".into(), &"ok".into(), &1450.into()));
    assert!(row["rtt_ms"].as_f64().unwrap() > 0.0 && row["reason"].is_null(), "{row}");
    broken("fdb.wrong");
    let sick = doctor(1, &["--peers"]);
    let row = &sick["peers"][0];
    assert_eq!(row["state"], "silent", "{row}");
    assert!(row["reason"].as_str().unwrap().starts_with("fdb.wrong: "), "{row}");
    healed();
}

fn a_snapshot_is_examined_and_not_mended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node1.json");
    let path = path.to_str().unwrap();
    broken("forward.off");
    let taken = on_node(&[FLANCTL, "snapshot", path]);
    assert!(taken.status.success(), "{}", text(&taken));
    healed();
    let run = |words: &[&str]| {
        Command::new(FLANCTL).args(["doctor", "--snapshot", path]).args(words).output().unwrap()
    };
    let read = run(&[]);
    assert_eq!(read.status.code(), Some(1), "{}", text(&read));
    assert!(text(&read).contains("forward.off  error on node1"), "{}", text(&read));
    for words in [&["--fix"][..], &["--peers"], &["--only", "forward.off"]] {
        assert_eq!(run(words).status.code(), Some(2), "{words:?}");
    }
    let unknown = on_node(&[FLANCTL, "doctor", "--fix", "--only", "forward.of"]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown));
    let nothing = Command::new(FLANCTL).args(["doctor", "--snapshot", "/nonexistent"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(3), "{}", text(&nothing));
}
