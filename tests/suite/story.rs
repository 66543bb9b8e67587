//! The README's story of two snapshot files: its commands, run to the letter by somebody without rights, say what it
//! shows.

use std::os::unix::process::CommandExt;
use std::process::Command;

use super::lab::nobody_exists;

const README: &str = include_str!("../../README.md");
const HEADING: &str = "### From two snapshot files, on a machine without root";
const NODE1: &str = include_str!("../../fixtures/snapshots/story-node1.json");
const NODE2: &str = include_str!("../../fixtures/snapshots/story-node2.json");

/// The commands of the story and what each is said to print.
fn told() -> Vec<(String, String)> {
    let section = README.split_once(HEADING).unwrap().1;
    let block = section.split("```").nth(1).unwrap();
    block
        .split("\n$ ")
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let (command, output) = part.split_once('\n').unwrap();
            (command.trim_start_matches("$ ").to_owned(), output.trim_end().to_owned())
        })
        .collect()
}

#[test]
fn the_story_of_the_readme_is_what_a_user_without_rights_sees() {
    // Where nobody may read it, whatever the checkout's mode is.
    let dir = tempfile::Builder::new().permissions(super::lab::mode(0o755)).tempdir().unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_flanctl"), dir.path().join("flanctl")).unwrap();
    std::fs::write(dir.path().join("story-node1.json"), NODE1).unwrap();
    std::fs::write(dir.path().join("story-node2.json"), NODE2).unwrap();
    let story = told();
    assert!(story.len() >= 2 && story.iter().any(|(command, _)| command.contains("--peer")), "{story:?}");
    for (command, shown) in story {
        let mut sh = Command::new("/bin/sh");
        sh.args(["-c", &command]).current_dir(dir.path()).env_clear();
        sh.env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()));
        // Where the suite itself has no rights to give away, nobody is who runs it.
        if nobody_exists() {
            sh.uid(super::lab::NOBODY).gid(super::lab::NOBODY);
        }
        let output = sh.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command}");
        assert_eq!(said.trim_end(), shown, "{command}: README.md shows another answer");
    }
}

/// A stand-in for ssh: it answers for one host with a file, and must have been told not to ask anybody.
const SSH: &str = "#!/bin/sh\nfor word; do case $word in BatchMode=yes) batch=1;; esac; done\n\
    [ \"$batch\" = 1 ] || exit 9\n\
    while [ \"$1\" != -- ]; do shift; done\n\
    [ \"$2 $3 $4 $5\" = 'root@node2 flanctl snapshot -' ] || { echo \"no route to $2\" >&2; exit 255; }\n\
    exec cat story-node2.json\n";

#[test]
fn a_peer_is_asked_over_ssh_and_what_it_says_amiss_is_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("story-node1.json"), NODE1).unwrap();
    std::fs::write(dir.path().join("story-node2.json"), NODE2).unwrap();
    let ssh = dir.path().join("ssh");
    std::fs::write(&ssh, SSH).unwrap();
    std::fs::set_permissions(&ssh, super::lab::mode(0o755)).unwrap();
    let trace = |peers: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_flanctl"))
            .args(["trace", "10.244.220.2", "--from", "10.244.125.2", "--snapshot", "story-node1.json"])
            .args(peers.iter().flat_map(|peer| ["--peer", peer]))
            .current_dir(dir.path())
            .env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()))
            .output()
            .unwrap();
        let all = [&output.stdout[..], &output.stderr[..]].concat();
        (output.status.code().unwrap(), String::from_utf8(all).unwrap())
    };
    for (peers, code, says) in [
        (&["ssh:root@node2"][..], 1, "dropped at far-vtep"),
        (&["ssh:node9"], 3, "no route to node9"),
        (&["ssh:-oProxyCommand=x"], 2, "names no host"),
        (&["ssh:"], 2, "names no host"),
        (&["nowhere.json"], 3, "--peer takes a snapshot file, ssh:HOST or a namespace's name"),
        (&["story-node1.json"], 0, "is of the node itself"),
        (&["story-node1.json", "story-node2.json"], 1, "dropped at far-vtep"),
        (&[], 0, "delivered; node2 itself was not looked at (--peer)"),
    ] {
        let (ended, said) = trace(peers);
        assert_eq!(ended, code, "{peers:?}: {said}");
        assert!(said.contains(says), "{peers:?}: {said}");
    }
}

#[test]
fn a_peer_that_bears_this_nodes_name_is_not_taken_for_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("near.json"), NODE1).unwrap();
    let mut far: serde_json::Value = serde_json::from_str(NODE2).unwrap();
    far["host"] = "node1".into();
    std::fs::write(dir.path().join("far.json"), far.to_string()).unwrap();
    let asked = |words: &[&str]| {
        let mut flanctl = Command::new(env!("CARGO_BIN_EXE_flanctl"));
        let output = flanctl.args(words).args(["--snapshot", "near.json"]).current_dir(dir.path()).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let document = asked(&["doctor", "-o", "json", "--peer", "far.json"]);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let all = document["findings"].as_array().unwrap();
    let finding = all.iter().find(|finding| finding["code"] == "remote.mac").unwrap();
    assert_eq!(finding["node"], "node1 (192.168.50.12)", "{finding}");
    let itself = asked(&["doctor", "--peer", "near.json"]);
    assert!(itself.contains("of node1 is of this node itself: it is left out"), "{itself}");
    let way = asked(&["trace", "10.244.220.2", "--from", "10.244.125.2", "--peer", "far.json"]);
    let note = "note: a peer's snapshot calls itself node1, as this node does";
    assert!(way.contains("remote.mac  error on node1 (192.168.50.12)") && way.contains(note), "{way}");
}
