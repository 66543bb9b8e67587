//! Who may import whom, and the few habits that a compiler does not hold. Reads the source; runs nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A room, what it may import, and whether it is hands (may touch files, clocks, processes, sockets).
struct Room {
    name: &'static str,
    hands: bool,
    imports: &'static [&'static str],
}

const fn pure(name: &'static str, imports: &'static [&'static str]) -> Room {
    Room { name, hands: false, imports }
}

const fn hands(name: &'static str, imports: &'static [&'static str]) -> Room {
    Room { name, hands: true, imports }
}

/// In an order in which every room imports only rooms above it. `a::b` allows that part of `a` alone.
/// Not listed on the right: a room's own files.
const ROOMS: &[Room] = &[
    pure("error", &[]),
    pure("net", &[]),
    pure("clock", &[]),
    pure("schema", &[]),
    // Rules are part of what is; what they do with a packet needs nothing else.
    pure("firewall", &["net"]),
    pure("state", &["net", "firewall"]),
    // The uplink is chosen from the links and routes that are there.
    pure("config", &["net", "state"]),
    // Which subnet to pick, and which peer to believe, depends on the network config.
    pure("lease", &["net", "config"]),
    pure("overlay", &["net", "state", "config", "lease"]),
    pure("plan", &["net", "state"]),
    // The firewall's rules are values of the overlay; here they are spelled.
    hands("kernel", &["net", "firewall", "state", "plan", "overlay::masq"]),
    hands("store", &["net", "config", "lease"]),
    // A lease in a file is written as in etcd: one codec.
    pure("snapshot", &["net", "clock", "schema", "firewall", "state", "config", "lease", "store::codec"]),
    // A finding names the rule that decided.
    pure("finding", &["net", "firewall"]),
    pure("capture", &[]),
    // A route reads the same in a table and in a plan; the device's MTU is the overlay's arithmetic.
    pure(
        "readings",
        &[
            "net",
            "clock",
            "state",
            "config",
            "lease",
            "plan::route_words",
            "overlay::vxlan",
            "store::Unreadable",
            "finding::repair",
        ],
    ),
    pure(
        "trace",
        &[
            "net",
            "firewall",
            "state",
            "config",
            "lease",
            "snapshot",
            "finding",
            "readings",
            "plan::route_words",
            "plan::rule_selectors",
            "overlay::vxlan",
        ],
    ),
    pure(
        "doctor",
        &[
            "net", "firewall", "state", "config", "lease", "overlay", "plan", "snapshot", "finding",
            "readings",
        ],
    ),
    pure("render", &["error", "net", "schema", "state::proto", "finding", "readings", "trace"]),
    hands(
        "agent",
        &[
            "error", "net", "clock", "schema", "state", "config", "lease", "overlay", "plan", "kernel",
            "store", "snapshot",
        ],
    ),
    hands("tap", &["error", "net", "capture"]),
    // The lab starts flanctl as anyone would, and knows its rooms no better; a namespace is made in one way only.
    hands("lab", &["error", "net", "kernel::netns"]),
    hands(
        "cli",
        &[
            "error", "net", "clock", "schema", "firewall", "state", "config", "lease", "overlay", "plan",
            "kernel", "store", "snapshot", "finding", "readings", "doctor", "trace", "render", "agent",
            "lab", "capture", "tap",
        ],
    ),
    hands("main", &["error", "cli"]),
];

/// Files past [`LONGEST`] that are tables rather than procedures, and how long each may be at most.
const TABLES: &[(&str, usize)] = &[];

/// Lines of a file; a longer one is split before it is extended.
const LONGEST: usize = 400;

/// What only hands may name: the outside world, by any crate.
const OUTSIDE: &[&str] = &[
    "std::fs",
    "std::process",
    "std::env",
    "std::os",
    "tokio",
    "nix",
    "rtnetlink",
    "netlink_",
    "etcd_client",
    "terminal_size",
    "rand::rng(",
    "SystemTime::now",
    "Instant::now",
];

/// A source file: where it is, its text, and its text without comments and tests.
struct Source {
    path: String,
    text: String,
    code: String,
}

impl Source {
    /// `src/agent/run.rs` belongs to `agent`.
    fn room(&self) -> &str {
        let inside = self.path.trim_start_matches("src/");
        inside.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Names below the crate: `src/net.rs` 1, `src/state/mod.rs` 1, `src/store/dir/disk.rs` 3.
    fn depth(&self) -> usize {
        self.path.matches('/').count() - usize::from(self.path.ends_with("/mod.rs"))
    }
}

/// Every Rust file below `dirs`.
fn sources(dirs: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut todo: Vec<PathBuf> = dirs.iter().map(|dir| root.join(dir)).filter(|dir| dir.exists()).collect();
    let mut found = Vec::new();
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let code = if is_test(&path) { String::new() } else { code_of(&text) };
            found.push(Source { path, text, code });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no source below {dirs:?}");
    found
}

/// A file that is compiled for tests only.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.contains("/tests/")
}

/// The text without comment lines and without the test module, which ends a file.
fn code_of(text: &str) -> String {
    let body = text.lines().take_while(|line| *line != "#[cfg(test)]");
    body.filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Every `crate::a::b` of `code`, as `a::b`.
fn arrows(code: &str) -> Vec<String> {
    let path_end = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
    let after = code.match_indices("crate::").filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || c == '_'))
    });
    after
        .map(|(at, found)| {
            let rest = &code[at + found.len()..];
            let path = &rest[..rest.find(path_end).unwrap_or(rest.len())];
            path.trim_end_matches(':').to_owned()
        })
        .collect()
}

/// True if `path` is `allowed` or lies in it.
fn within(path: &str, allowed: &str) -> bool {
    path.strip_prefix(allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn report(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "));
}

#[test]
fn the_reader_of_this_test_sees_arrows_and_nothing_else() {
    let text = "//! [`crate::doc`]\nuse crate::net::{Mac, Subnet};\nfn f() { crate::clock::now(); mycrate::no() }\n\
                #[cfg(test)]\nmod tests { use crate::lab; }\n";
    assert_eq!(arrows(&code_of(text)), ["net", "clock::now"]);
    assert!(within("overlay::masq::Rule", "overlay::masq") && !within("overlay::vxlan", "overlay::masq"));
    assert!(!within("network", "net"));
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let rooms: BTreeMap<&str, &Room> = ROOMS.iter().map(|room| (room.name, room)).collect();
    let mut wrong = Vec::new();
    for file in sources(&["src"]).iter().filter(|file| file.path != "src/lib.rs") {
        let Some(room) = rooms.get(file.room()) else {
            wrong.push(format!("{}: room {} is not in the table", file.path, file.room()));
            continue;
        };
        let code = file.code.replace("flanctl::", "crate::");
        for path in arrows(if room.name == "main" { &code } else { &file.code }) {
            let own = within(&path, room.name);
            if !own && !room.imports.iter().any(|allowed| within(&path, allowed)) {
                wrong.push(format!("{}: crate::{path}", file.path));
            }
        }
    }
    report("imports against the table of rooms", &wrong);
}

#[test]
fn no_room_is_entered_by_the_back_door() {
    let mut wrong = Vec::new();
    for Source { path, code, .. } in &sources(&["src"]) {
        if code.contains("use crate::{") || code.contains("use flanctl::{") {
            wrong.push(format!("{path}: one `use` a room, so that the table can be read"));
        }
        if code.lines().any(|l| l.trim_start().starts_with("use crate::") && l.contains("*")) {
            wrong.push(format!("{path}: a glob hides what is imported"));
        }
    }
    for file in &sources(&["src"]) {
        let root = format!("use {}", "super::".repeat(file.depth()));
        if file.path != "src/lib.rs" && file.code.lines().any(|line| line.starts_with(&root)) {
            wrong.push(format!("{}: another room is named `crate::room`", file.path));
        }
    }
    report("rooms entered by the back door", &wrong);
}

#[test]
fn the_table_has_no_circle_and_lib_rs_tells_of_every_room() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let told: Vec<&str> = lib.lines().filter_map(|l| l.strip_prefix("//! - [`")?.split('`').next()).collect();
    for (at, room) in ROOMS.iter().enumerate() {
        for import in room.imports {
            let head = import.split("::").next().unwrap();
            assert!(
                ROOMS[..at].iter().any(|above| above.name == head),
                "{} imports {head}, not above",
                room.name
            );
        }
        assert!(room.name == "main" || told.contains(&room.name), "lib.rs does not tell of {}", room.name);
    }
    for module in lib.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(ROOMS.iter().any(|room| room.name == module), "{module} is not in the table of rooms");
    }
}

#[test]
fn only_hands_touch_the_outside_world() {
    let hands: Vec<&str> = ROOMS.iter().filter(|room| room.hands).map(|room| room.name).collect();
    let mut wrong = Vec::new();
    for file in sources(&["src"]).iter().filter(|file| !hands.contains(&file.room())) {
        let named = OUTSIDE.iter().filter(|name| {
            let at = |l: &str| {
                l.match_indices(*name).any(|(at, _)| !l[..at].ends_with(|c: char| c.is_alphanumeric()))
            };
            file.code.lines().any(at)
        });
        wrong.extend(named.map(|name| format!("{}: {name}", file.path)));
        if file.text.contains("disallowed_methods") {
            wrong.push(format!("{}: lifts clippy's ban", file.path));
        }
    }
    report("pure rooms that reach outside", &wrong);
}

#[test]
fn a_lifted_ban_stands_at_the_head_of_its_file_with_a_reason() {
    let mut wrong = Vec::new();
    for Source { path, code, .. } in &sources(&["src"]) {
        for (at, _) in code.match_indices("disallowed_methods") {
            let attribute = code[..at].rfind("#").map(|start| &code[start..]).unwrap_or_default();
            let whole = attribute.split(")]").next().unwrap_or_default();
            if !whole.contains("expect(") || !whole.contains("reason") {
                wrong.push(format!("{path}: write #[expect(clippy::disallowed_methods, reason = …)]"));
            }
        }
    }
    report("bans lifted without a reason", &wrong);
}

#[test]
fn every_file_says_what_it_is_and_is_short_enough_to_read() {
    let mut wrong = Vec::new();
    for Source { path, text, .. } in &sources(&["src", "tests", "benches"]) {
        let lines = text.lines().count();
        let most = TABLES.iter().find(|(table, _)| table == path).map_or(LONGEST, |(_, most)| *most);
        if lines > most {
            wrong.push(format!("{path}: {lines} lines, at most {most}"));
        }
        if !is_test(&format!("/{path}")) && !text.starts_with("//!") {
            wrong.push(format!("{path}: does not begin with a line that says what it decides"));
        }
    }
    for (path, _) in TABLES {
        let lines = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
        if lines.is_ok_and(|text| text.lines().count() <= LONGEST) {
            wrong.push(format!("{path}: is short again; take it off the list"));
        }
    }
    report("files that need a head, or a split", &wrong);
}

/// The bodies of `#[test]` functions (also tokio's and proptest's): from the attribute to the brace that closes
/// at the attribute's own indent.
fn test_bodies(text: &str) -> Vec<(usize, Vec<&str>)> {
    let lines: Vec<&str> = text.lines().collect();
    let starts = lines.iter().enumerate().filter(|(_, line)| {
        matches!(line.trim_start(), "#[test]") || line.trim_start().starts_with("#[tokio::test")
    });
    starts
        .map(|(at, line)| {
            let close = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            let body = lines[at..].iter().copied().take_while(|line| **line != *close);
            (at + 1, body.collect())
        })
        .collect()
}

#[test]
fn no_test_passes_by_not_running() {
    let this = "tests/suite/layers.rs";
    let mut wrong = Vec::new();
    for Source { path, text, .. } in sources(&["src", "tests"]).iter().filter(|file| file.path != this) {
        if text.lines().any(|line| line.trim_start().starts_with("#[ignore")) {
            wrong.push(format!("{path}: an ignored test"));
        }
        for (line, body) in test_bodies(text) {
            if body.iter().any(|l| ["return;", "return Ok(())"].iter().any(|word| l.contains(word))) {
                wrong.push(format!("{path}:{line}: returns early"));
            }
        }
    }
    report("tests that can pass without having looked", &wrong);
}
