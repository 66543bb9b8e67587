//! `fixtures/faults/FAULTS.md`: what each fault does, what foretells it and what mends it, as the suite saw it.
//! `BLESS=1 cargo test --test suite faults::` writes it anew, and the diff is the review.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use flanctl::lab::faults::{self, Fate, Fault, Mend, Site};

/// Above the rows.
const HEAD: &str = "\
# Faults of a lab

What `flanctl lab break FAULT` does, what becomes of the ping that it names, what `flanctl trace` and `flanctl doctor`
say to it, and the first command that they print. Written by the suite, which injects every one of these, compares and
runs the command.

Names in braces stand for what differs from lab to lab: `{pod}`, `{subnet}`, `{gw}` (cni0), `{base}` (the tunnel's
address), `{mac}`, `{dev}` and `{ip}` of the broken node, `{other.…}` of the node at the other end; with a 6 behind them
those of IPv6. A command that goes on for every further node ends in `…`.

| Fault | What is wrong | What is done | Ping | `trace` | `doctor` | First fix |
|---|---|---|---|---|---|---|
";

/// The tests of several labs write into one file.
static FILE: Mutex<()> = Mutex::new(());

/// What a trace of the broken lab showed; nothing where none was made.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) verdict: Option<String>,
    pub(super) codes: Vec<String>,
    pub(super) fix: Option<String>,
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/faults/FAULTS.md")
}

fn rows(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect()
}

fn id(row: &str) -> &str {
    row.trim_start_matches("| `").split('`').next().unwrap_or_default()
}

/// Compares the fault's row with the file's, or writes it there.
pub(super) fn differs(fault: &Fault, shown: &Shown, site: &Site) -> Option<String> {
    let row = row(fault, shown, site);
    let _one = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let mut all = rows(&text);
    let have = all.iter().position(|line| id(line) == fault.id);
    if std::env::var_os("BLESS").is_some() {
        match have {
            Some(at) => all[at] = row,
            None => all.push(row),
        }
        let place = |line: &String| faults::all().position(|fault| fault.id == id(line));
        all.retain(|line| place(line).is_some());
        all.sort_by_key(place);
        std::fs::create_dir_all(path().parent().unwrap()).unwrap();
        std::fs::write(path(), format!("{HEAD}{}\n", all.join("\n"))).unwrap();
        return None;
    }
    let have = have.map_or("nothing", |at| all[at].as_str());
    (have != row)
        .then(|| format!("FAULTS.md has\n  {have}\nand the lab showed\n  {row}\nBLESS=1 writes it anew"))
}

fn row(fault: &Fault, shown: &Shown, site: &Site) -> String {
    let ping = match fault.fate {
        Fate::Dies => "dies",
        Fate::Lives => "lives",
        Fate::Misled => "is answered by the wrong host",
    };
    let done: Vec<String> =
        fault.lines.iter().filter(|line| line.run != "true").map(|line| code(line.run)).collect();
    let trace = match &shown.verdict {
        Some(verdict) => format!("{verdict} {}", codes(shown.codes.iter().map(String::as_str))),
        None => "-".to_owned(),
    };
    let fix = match (&shown.fix, fault.mend) {
        (_, Mend::Nothing(why)) => why.to_owned(),
        (Some(fix), _) => code(&shortened(&site.unfill(fix))),
        (None, _) => "-".to_owned(),
    };
    let (doctor, done) = (codes(fault.doctor.iter().copied()), done.join("<br>"));
    let cells = [format!("`{}`", fault.id), fault.about.to_owned(), done, ping.to_owned()];
    let more = [trace.trim_end().to_owned(), doctor, fix];
    format!("| {} |", [&cells[..], &more[..]].concat().join(" | "))
}

fn codes<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<String> = all.map(|code| format!("`{code}`")).collect();
    if all.is_empty() { "-".to_owned() } else { all.join(" ") }
}

/// A command in a cell.
fn code(line: &str) -> String {
    format!("`{}`", line.replace('|', "\\|"))
}

/// Without what is the same for every further node: in which order nodes come hangs on the subnets they got.
fn shortened(command: &str) -> String {
    let (rest, kept): (Vec<&str>, Vec<&str>) =
        command.split(" && ").partition(|part| part.contains("{another."));
    let more = if rest.is_empty() { "" } else { " && …" };
    let kept: Vec<String> = kept.into_iter().map(legs_in_order).collect();
    format!("{}{more}", kept.join(" && "))
}

/// The legs of a multipath route by name: which comes first hangs on the kernel's hash of the day.
fn legs_in_order(command: &str) -> String {
    let mut parts = command.split(" nexthop ");
    let head = parts.next().unwrap_or_default();
    let mut legs: Vec<&str> = parts.collect();
    legs.sort_unstable();
    std::iter::once(head).chain(legs).collect::<Vec<_>>().join(" nexthop ")
}

#[test]
fn the_legs_of_a_route_stand_in_one_order() {
    let one = "ip route del {half} nexthop via b dev d onlink weight 1 nexthop via a dev e weight 1";
    let other = "ip route del {half} nexthop via a dev e weight 1 nexthop via b dev d onlink weight 1";
    assert_eq!([one, other].map(shortened), [other; 2]);
    assert_eq!(shortened("ip link set x up && ip route add {another.base}"), "ip link set x up && …");
}

#[test]
fn the_table_of_faults_has_every_fault_in_its_order() {
    let _one = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(path()).unwrap_or_default();
    let have = rows(&text);
    let have: Vec<&str> = have.iter().map(|row| id(row)).collect();
    let want: Vec<&str> = faults::all().map(|fault| fault.id).collect();
    assert!(std::env::var_os("BLESS").is_some() || have == want, "BLESS=1 writes FAULTS.md anew: {have:?}");
    assert!(std::env::var_os("BLESS").is_some() || text.starts_with(HEAD), "BLESS=1 writes FAULTS.md anew");
}
