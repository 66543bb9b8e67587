//! Every fault of the table, examined: `flanctl doctor` on the broken node names its codes and nothing beside them,
//! and what it does about them, or prints, brings the answer back. Far faults are seen from the other node, too.

use flanctl::lab::faults::{self, Fate, Fault, Mend};
use serde_json::Value;

use super::inject::{Lab, flanctl};

const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

/// Faults that nobody mends who does not know what for: which address the pod had is asked of a trace.
const NOT_FROM_HERE: &[&str] = &["pod.noaddr"];

/// Faults whose consequence stays when their cause is gone.
const STAYS: &[(&str, &str)] = &[
    // Pods keep the MTU that they were made with.
    ("mtu.outer", "mtu.inner"),
];

impl Lab {
    fn doctor(&self, node: &str, words: &[&str]) -> (Option<i32>, Value) {
        let head = ["exec", node, "--name", self.0, "--", FLANCTL, "-o", "json", "doctor"];
        let output = flanctl(&[&head, words].concat());
        let said = || String::from_utf8_lossy(&output.stderr).into_owned();
        let found = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{node} {words:?}: {e}: {}", said()));
        (output.status.code(), found)
    }

    /// Breaks, examines, mends by `--fix` or, every other time, by the commands that are printed; heals.
    fn examines(&self, fault: &Fault, printed: bool) -> Vec<String> {
        let said = self.says(0, &["break", fault.id]);
        let ping = said.lines().find(|line| line.contains("-- ping ")).unwrap();
        let node = said.split_whitespace().next().unwrap();
        let mut wrong = Vec::new();
        let only: Vec<&str> = fault.doctor.iter().flat_map(|code| ["--only", *code]).collect();
        let mended = fault.mend == Mend::Printed && !NOT_FROM_HERE.contains(&fault.id);
        let fixes = !printed && mended && !only.is_empty();
        let words: Vec<&str> = if fixes { [&["--fix"], only.as_slice()].concat() } else { Vec::new() };
        // Before anything is mended.
        let afar = if fault.is_far() { self.seen_from_afar(fault, node) } else { None };
        wrong.extend(afar);
        let (status, first) = self.doctor(node, &words);
        let before = if fixes { &first["before"] } else { &first["findings"] };
        let mut want = fault.doctor.to_vec();
        want.sort_unstable();
        if codes(before) != want {
            wrong.push(format!("{}: doctor says {:?}, not {want:?}", fault.id, codes(before)));
        }
        if mended {
            let after = if fixes {
                if status != Some(0) {
                    wrong.push(format!("{}: {words:?} ends with {status:?}: {}", fault.id, first["done"]));
                }
                first.clone()
            } else {
                wrong.extend(self.types(fault, before));
                self.doctor(node, &[]).1
            };
            let left: Vec<String> =
                codes(&after["findings"]).into_iter().filter(|code| !stays(fault, code)).collect();
            if !left.is_empty() {
                wrong.push(format!("{}: after its repair there is {left:?}", fault.id));
            }
            if fault.fate == Fate::Dies && !self.answers_in_time(ping) {
                wrong.push(format!("{}: no answer after the repair of {before}", fault.id));
            }
            self.tidies(node, before);
        }
        let healed = flanctl(&["heal", "--name", self.0]);
        if !healed.status.success() {
            wrong.push(format!("{}: {}", fault.id, String::from_utf8_lossy(&healed.stdout)));
        }
        if (0..4).all(|_| self.answers(ping).is_none()) {
            wrong.push(format!("{}: no answer after it was healed", fault.id));
        }
        wrong
    }

    /// The commands that are printed, literally.
    fn types(&self, fault: &Fault, before: &Value) -> Vec<String> {
        let ours = before.as_array().unwrap().iter().filter(|finding| finding["code"] != "agent.stopped");
        let mut wrong = Vec::new();
        for finding in ours {
            let Some(fix) = finding["fix"]["command"].as_str() else {
                wrong.push(format!("{}: {} has no fix", fault.id, finding["code"]));
                continue;
            };
            let node = finding["node"].as_str().unwrap();
            let done = flanctl(&["exec", node, "--name", self.0, "--", "sh", "-c", fix]);
            if !done.status.success() {
                wrong.push(format!("{}: {fix}: {}", fault.id, String::from_utf8_lossy(&done.stderr)));
            }
        }
        wrong
    }

    /// Rules that a repair put into tables that stay are no part of what `heal` takes back.
    fn tidies(&self, node: &str, before: &Value) {
        for fix in before.as_array().unwrap().iter().filter_map(|finding| finding["fix"]["command"].as_str())
        {
            if fix.contains("iptables") {
                let undo = fix.replace(" -I ", " -D ").replace(" -A ", " -D ");
                flanctl(&["exec", node, "--name", self.0, "--", "sh", "-c", &undo]);
            }
        }
    }

    /// node1 with the broken node's snapshot beside its own says what a trace says.
    fn seen_from_afar(&self, fault: &Fault, node: &str) -> Option<String> {
        // What is missing altogether is no matter of a node that is examined: nobody asked for that address.
        let nobody_asked = ["lease.none", "remote.podgone"];
        let want = if nobody_asked.contains(&fault.id) { &[][..] } else { fault.trace };
        let (_, found) = self.doctor("node1", &["--peer", &format!("{}-{node}", self.0)]);
        (codes(&found["findings"]) != want)
            .then(|| format!("{}: from afar {:?}, not {want:?}", fault.id, codes(&found["findings"])))
    }
}

fn stays(fault: &Fault, code: &str) -> bool {
    STAYS.contains(&(fault.id, code))
}

/// The codes, each once. That a broken node's agent stands still is true, and no part of the fault.
fn codes(findings: &Value) -> Vec<String> {
    let all = findings.as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap());
    let mut codes: Vec<String> = all.filter(|code| *code != "agent.stopped").map(str::to_owned).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

/// One lab takes every `of`-th fault that `fits`, from number `first` on; before and after, every node is fine.
fn a_share(name: &'static str, shape: &[&str], of: usize, first: usize, fits: impl Fn(&Fault) -> bool) {
    let lab = Lab::up(name, shape);
    healthy(&lab, shape);
    let share = faults::all().filter(|fault| fits(fault)).skip(first).step_by(of).enumerate();
    let wrong: Vec<String> = share.flat_map(|(nr, fault)| lab.examines(fault, nr % 2 == 1)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    healthy(&lab, shape);
}

fn healthy(lab: &Lab, shape: &[&str]) {
    let nodes: usize = shape.iter().find_map(|word| word.parse().ok()).unwrap();
    for nr in 1..=nodes {
        let (status, found) = lab.doctor(&format!("node{nr}"), &[]);
        assert_eq!((status, found["findings"].as_array().unwrap().len()), (Some(0), 0), "node{nr}: {found}");
    }
}

#[test]
fn the_first_half_of_the_faults_is_found_and_mended() {
    a_share("t-doctor-a", &["--nodes", "3"], 2, 0, |fault| !fault.v6);
}

#[test]
fn the_second_half_of_the_faults_is_found_and_mended() {
    a_share("t-doctor-b", &["--nodes", "3"], 2, 1, |fault| !fault.v6);
}

#[test]
fn the_faults_of_ipv6_are_found_and_mended() {
    a_share("t-doctor-6", &["--nodes", "2", "--ipv6"], 1, 0, |fault| fault.v6);
}

#[test]
fn nodes_with_direct_routes_are_fine() {
    let shape = ["--nodes", "3", "--segments", "2"];
    healthy(&Lab::up("t-doctor-d", &shape), &shape);
}
