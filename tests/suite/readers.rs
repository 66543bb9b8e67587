//! The reading verbs through the real binary, on snapshot files. The expected text lies beside the input in
//! fixtures/readers; `BLESS=1 cargo test --test suite readers::` writes it anew, and the diff is the review.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test's helpers"
)]

mod drawn;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/readers")
}

/// flanctl without anything of this machine's environment.
fn flanctl(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flanctl"));
    command.args(args).current_dir(fixtures()).env_clear();
    command
}

fn run(args: &[&str]) -> Output {
    flanctl(args).output().unwrap()
}

fn code(args: &[&str]) -> i32 {
    run(args).status.code().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn golden(verb: &str, fixture: &str, form: &str, extra: &[&str]) {
    let file = format!("{fixture}.json");
    let mut args = vec![verb, "--snapshot", &file, "-o", form];
    args.extend(extra);
    let output = run(&args);
    let name = format!("{fixture}.{verb}{}.{form}", extra.join(""));
    let path = fixtures().join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &output.stdout).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(text(&output.stdout), wanted, "{}", path.display());
    assert_eq!(text(&output.stderr), "", "{}", path.display());
}

macro_rules! golden {
    ($($name:ident: $fixture:literal;)*) => {$(
        #[test]
        fn $name() {
            for verb in ["route", "fdb", "arp"] {
                for form in ["text", "wide", "json"] {
                    golden(verb, $fixture, form, &[]);
                }
            }
        }
    )*};
}

golden! {
    a_38_node_cluster_without_leases_reads_as_expected: "38-nodes";
    a_node_with_every_kind_of_drift_reads_as_expected: "drift";
    a_healthy_dual_stack_node_reads_as_expected: "healthy";
}

#[test]
fn all_shows_the_rest_of_the_host() {
    for verb in ["route", "fdb", "arp"] {
        golden(verb, "drift", "text", &["--all"]);
    }
}

#[test]
fn a_bridge_shows_its_ports_and_the_pod_behind_each() {
    for form in ["text", "wide", "json"] {
        golden("fdb", "bridge", form, &["--dev", "cni0"]);
    }
}

fn rows(verb: &str, fixture: &str) -> Vec<serde_json::Value> {
    let output = run(&[verb, "--snapshot", fixture, "-o", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    document.get("rows").unwrap().as_array().unwrap().clone()
}

#[test]
fn thirteen_of_the_22_entries_have_no_neighbour() {
    let rows = rows("fdb", "38-nodes.json");
    let entries = rows.iter().filter(|row| row["kernel"]["table"] == "fdb");
    assert_eq!(entries.clone().count(), 22);
    assert_eq!(entries.filter(|row| row["state"] == "stale?").count(), 13);
    assert_eq!(
        rows.iter().filter(|row| row["state"] == "broken").count(),
        28,
        "37 gateways, 9 of them with an entry"
    );
}

#[test]
fn the_exit_code_says_what_was_found() {
    for (line, want) in [
        ("route --snapshot drift.json", 0),
        ("route --snapshot drift.json --check", 1),
        ("fdb --snapshot drift.json --check -q", 1),
        ("arp show --snapshot drift.json --check", 1),
        ("arp --check show --snapshot drift.json", 1),
        ("route --snapshot healthy.json --check", 0),
        ("fdb --snapshot healthy.json --check", 0),
        ("arp --snapshot healthy.json --check", 0),
        // Without leases: 1 if something leads nowhere.
        ("route --snapshot 38-nodes.json", 1),
        ("--help", 0),
        ("--version", 0),
        ("fdb --help", 0),
        ("--no-such-flag", 2),
        ("route --no-such-flag", 2),
        ("no-such-verb", 2),
        ("route --snapshot no-such-file.json", 3),
        ("--netns no-such-namespace route", 3),
    ] {
        assert_eq!(code(&line.split(' ').collect::<Vec<_>>()), want, "{line}");
    }
}

#[test]
fn a_failure_names_the_thing_the_cause_and_the_fix() {
    let output = run(&["--netns", "no-such-namespace", "route"]);
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    assert!(
        said.starts_with("flanctl: network namespace /run/netns/no-such-namespace: No such file"),
        "{said}"
    );
    assert!(said.contains("\nhint: "), "{said}");
}

#[test]
fn a_snapshot_of_a_newer_flanctl_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.json");
    std::fs::write(&path, r#"{"schema":"flanctl.snapshot/2","host":7}"#).unwrap();
    let output = run(&["route", "--snapshot", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("written by a newer flanctl"), "{}", text(&output.stderr));
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    for (color, no_color, want) in [
        ("auto", None, false),
        ("never", None, false),
        ("always", None, true),
        ("always", Some("1"), true),
        ("auto", Some("1"), false),
    ] {
        let mut command = flanctl(&["route", "--snapshot", "drift.json", "--color", color]);
        command.envs(no_color.map(|value| ("NO_COLOR", value)));
        let output = command.output().unwrap();
        assert_eq!(text(&output.stdout).contains('\u{1b}'), want, "--color {color}, NO_COLOR {no_color:?}");
    }
    let json = run(&["route", "--snapshot", "drift.json", "--color", "always", "-o", "json"]);
    assert!(!text(&json.stdout).contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let mut child = flanctl(&["route", "--snapshot", "drift.json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn every_listing_has_one_json_shape() {
    for verb in ["route", "fdb", "arp"] {
        let output = run(&[verb, "--snapshot", "drift.json", "-o", "json"]);
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let keys: Vec<&String> = document.as_object().unwrap().keys().collect();
        let mut wanted = vec!["schema", "at", "host", "netns", "source", "unseen", "rows"];
        wanted.sort_unstable();
        assert_eq!(keys, wanted, "{verb}");
        assert_eq!(document["schema"], format!("flanctl.{verb}/1"));
        assert_eq!(document["source"], "snapshot");
        for row in document["rows"].as_array().unwrap() {
            for key in ["state", "node", "kernel", "lease"] {
                assert!(row.get(key).is_some(), "{verb}: {row} lacks {key}");
            }
        }
    }
}

#[test]
fn started_as_flannel_it_says_that_the_plugin_is_not_here() {
    let output = flanctl(&[]).env("CNI_COMMAND", "ADD").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("CNI plugin"), "{}", text(&output.stderr));
}

#[test]
fn the_committed_pages_are_those_of_the_clap_tree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    for (what, folder) in [("man", "man"), ("completions", "completions")] {
        let fresh = dir.path().join(folder);
        assert_eq!(code(&["docs", what, fresh.to_str().unwrap()]), 0);
        let names = |dir: &Path| -> Vec<String> {
            let entries = std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
            let mut names: Vec<_> =
                entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        let stale = format!("run `flanctl docs {what}` in the project's top folder");
        assert_eq!(names(&fresh), names(&root.join(folder)), "{stale}");
        for name in names(&fresh) {
            let [new, old] = [fresh.join(&name), root.join(folder).join(&name)]
                .map(|path| std::fs::read_to_string(path).unwrap());
            assert!(new == old, "{name} is stale: {stale}");
        }
    }
}

#[test]
fn started_as_flanneld_it_takes_the_flags_of_run_in_go_s_spelling() {
    let dir = tempfile::tempdir().unwrap();
    let flanneld = dir.path().join("flanneld");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_flanctl"), &flanneld).unwrap();
    for (flag, code, want) in
        [("-help", 0, "--etcd-endpoints"), ("--version", 0, "0.1.0"), ("-nonsense", 2, "")]
    {
        let output = Command::new(&flanneld).arg(flag).env_clear().output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{flag}: {output:?}");
        assert!(text(&output.stdout).contains(want), "{flag}: {output:?}");
    }
}

#[test]
fn every_help_has_examples() {
    for verb in [
        "",
        "run",
        "lab",
        "lease",
        "lease show",
        "lease release",
        "lease config set",
        "route",
        "fdb show",
        "docs man",
    ] {
        let args: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        let output = run(&args);
        let (_, examples) =
            text(&output.stdout).split_once("Examples:\n").unwrap_or_else(|| panic!("{verb}"));
        assert!(examples.matches("flanctl ").count() >= 2, "{verb}: {examples}");
    }
}

/// A fixture with some text of it replaced.
fn altered(fixture: &str, changes: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let mut body = std::fs::read_to_string(fixtures().join(fixture)).unwrap();
    for (from, to) in changes {
        assert!(body.contains(from), "{from}");
        body = body.replacen(from, to, 1);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), body).unwrap();
    file
}

fn on(file: &tempfile::NamedTempFile, line: &str) -> Output {
    let args: Vec<&str> = line.split(' ').chain(["--snapshot", file.path().to_str().unwrap()]).collect();
    run(&args)
}

#[test]
fn a_check_of_nothing_is_not_passed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let empty = r#"{"schema":"flanctl.snapshot/1","host":"h","at":"2026-01-01T13:00:00Z","netns":"n","state":{},"leases":null}"#;
    std::fs::write(file.path(), empty).unwrap();
    for verb in ["route", "fdb", "arp"] {
        let output = on(&file, &format!("{verb} --check -q"));
        assert_eq!(output.status.code(), Some(1), "{verb}: {output:?}");
        assert!(text(&output.stderr).contains("no flannel device and no leases"), "{output:?}");
        assert_eq!(on(&file, verb).status.code(), Some(0), "{verb}");
    }
}

#[test]
fn a_longer_prefix_that_takes_a_peer_s_traffic_is_wrong() {
    let route = |dst: &str, kind: &str, hops: &str| {
        format!(
            r#"[{{"table":254,"dst":"{dst}","tos":0,"metric":0}}, [{{"kind":"{kind}","proto":3,"scope":0,"src":null,"hops":{hops}}}]],"#
        )
    };
    let eth0 = r#"{"one":{"via":null,"dev":"eth0","onlink":false,"dead":false}}"#;
    let tunnel = r#"{"one":{"via":"10.5.2.0","dev":"flannel.1","onlink":true,"dead":false}}"#;
    for (added, want) in [
        (route("10.5.2.2/32", "unicast", eth0), "takes traffic of node-b's 10.5.2.0/24"),
        (route("10.5.2.128/25", "blackhole", r#""none""#), "takes traffic of node-b's 10.5.2.0/24"),
        (route("10.5.77.0/24", "unicast", eth0), "takes traffic of the overlay network 10.5.0.0/16"),
        (route("10.5.1.7/32", "unicast", eth0), ""),
        (route("10.5.2.128/25", "unicast", tunnel), ""),
    ] {
        let file = altered("healthy.json", &[(r#""routes": ["#, &format!(r#""routes": [{added}"#))]);
        let output = on(&file, "route --check -q");
        let said = text(&output.stdout);
        let noted = said.lines().any(|line| line.starts_with("wrong") && line.contains(want));
        assert_eq!(noted, !want.is_empty(), "{added}: {said}");
        // What is left on our device without a lease is drift of another kind.
        let clean = want.is_empty() && !added.contains("flannel.1");
        assert_eq!(output.status.code(), Some(i32::from(!clean)), "{added}: {said}");
    }
}

#[test]
fn policy_rules_are_mentioned_unless_they_are_the_kernel_s_own() {
    let rule = |priority: u32, table: u32| format!(r#"{{"priority":{priority},"action":1,"table":{table}}}"#);
    let own = [rule(0, 255), rule(32_766, 254), rule(32_767, 253)].join(",");
    let rules = |all: &str| altered("healthy.json", &[(r#""rules": []"#, &format!(r#""rules": [{all}]"#))]);
    assert!(!text(&on(&rules(&own), "route").stdout).contains("policy rule"));
    let output = on(&rules(&format!("{own},{}", rule(100, 7))), "route");
    assert!(
        text(&output.stdout).contains("# 1 policy rule besides the kernel's own (priority 100)"),
        "{output:?}"
    );
}

#[test]
fn the_device_is_held_against_its_uplink_the_config_and_its_address() {
    let device = r#""mac": "02:00:00:00:00:0a", "mtu": 1450"#;
    let low = r#""mac": "02:00:00:00:00:0a", "mtu": 1400"#;
    let conf = r#"\"Type\":\"vxlan\""#;
    let conf_mtu = r#"\"Type\":\"vxlan\",\"MTU\":1450"#;
    let address = r#"{"dev": "flannel.1", "net": "10.5.1.0/32"}"#;
    let other = r#"{"dev": "flannel.1", "net": "10.5.9.0/32"}"#;
    for (changes, want) in [
        (&[(device, low)][..], "the agent gives it MTU 1450"),
        (&[(device, low), (conf, conf_mtu)], ""),
        (&[(conf, conf_mtu)], "the agent gives it MTU 1400"),
        (&[(address, other)], "lacks its address 10.5.1.0/32; 10.5.9.0/32 is not its address"),
    ] {
        let output = on(&altered("healthy.json", changes), "fdb --check");
        let said = text(&output.stdout);
        let row = said.lines().find(|line| line.contains(" flannel.1 vxlan ")).unwrap();
        assert_eq!(row.starts_with("wrong"), !want.is_empty(), "{changes:?}: {said}");
        assert!(row.contains(want), "{changes:?}: {said}");
    }
}

#[test]
fn a_device_that_is_not_there_is_a_failure_that_names_those_that_are() {
    let output = run(&["fdb", "--snapshot", "healthy.json", "--device", "flannel.7"]);
    assert_eq!(output.status.code(), Some(3));
    let said = text(&output.stderr);
    assert!(said.contains("no device flannel.7") && said.contains("flannel-v6.1, flannel.1"), "{said}");
    assert_eq!(code(&["fdb", "--snapshot", "healthy.json", "--device", "flannel.1"]), 0);
}

#[test]
fn a_lease_that_no_node_can_honour_is_refused_and_counted() {
    for (from, to, want) in [
        (r#""VtepMAC": "02:00:00:00:00:0b""#, r#""VtepMAC": "01:00:5e:00:00:01""#, "is a multicast address"),
        ("\"subnet\": \"10.5.2.0-24", "\"subnet\": \"10.9.2.0-24", "outside the configured network"),
    ] {
        let file = altered("healthy.json", &[(from, to)]);
        for verb in ["route", "fdb", "arp"] {
            let output = on(&file, &format!("{verb} --check -q"));
            let said = text(&output.stdout);
            assert_eq!(output.status.code(), Some(1), "{verb}: {said}");
            assert!(said.lines().any(|l| l.starts_with("refused") && l.contains(want)), "{verb}: {said}");
        }
    }
}

#[test]
fn the_short_help_of_run_is_short_and_its_page_whole() {
    let lines = |flag: &str| text(&run(&["run", flag]).stdout).lines().count();
    assert!(2 * lines("-h") < lines("--help"), "{} {}", lines("-h"), lines("--help"));
    let page = std::fs::read_to_string(fixtures().join("../../man/flanctl-run.1")).unwrap();
    assert!(page.contains("Private key of the TLS client certificate"), "{page}");
    for verb in ["route", "fdb", "arp"] {
        let output = run(&[verb, "--help"]);
        let said = text(&output.stdout);
        assert!(said.contains("\nStates:\n  ok ") && said.contains("\nExit codes:\n  0 "), "{said}");
    }
}
