//! The MAC policy that systemd-udevd would apply to a device: `link-policy:` = the .link file that gives it another
//! MAC, or `none`. Of the files that match, the first by name decides (systemd.link(5)).

#![expect(clippy::disallowed_methods, reason = ".link files are files")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::net::IfName;
use crate::state::Link;

/// Where such files lie; of two with one name, the one in the earlier directory counts.
const DIRS: [&str; 4] = [
    "/etc/systemd/network",
    "/run/systemd/network",
    "/usr/local/lib/systemd/network",
    "/usr/lib/systemd/network",
];

pub(super) fn fact(links: &BTreeMap<IfName, Link>) -> Option<(String, String)> {
    // Without udevd nobody reads them.
    if !Path::new("/run/udev/control").exists() {
        return Some(("link-policy:".to_owned(), "none".to_owned()));
    }
    let ours = links.iter().find(|(dev, link)| link.vxlan().is_some() && dev.as_str().starts_with("flannel"));
    let dev = ours.map_or("flannel.1", |(dev, _)| dev.as_str());
    let text = |path: &Path| std::fs::read_to_string(path).ok();
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    for dir in DIRS {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            if let Ok(name) = entry.file_name().into_string()
                && name.ends_with(".link")
            {
                files.entry(name).or_insert_with(|| entry.path());
            }
        }
    }
    let files: Vec<(String, String)> =
        files.into_values().filter_map(|path| Some((path.display().to_string(), text(&path)?))).collect();
    Some(("link-policy:".to_owned(), of(&files, dev).unwrap_or("none").to_owned()))
}

/// Which of the files (path and text, in order of their names) would give the VXLAN device `dev` another MAC.
fn of<'a>(files: &'a [(String, String)], dev: &str) -> Option<&'a str> {
    let (path, text) = files.iter().find(|(_, text)| matches(text, dev))?;
    let mut policies = values(text, "[Link]", "MACAddressPolicy");
    policies.next_back().filter(|policy| !policy.is_empty() && *policy != "none").map(|_| path.as_str())
}

/// True if the file's `[Match]` takes the device. A condition that cannot be known here (a driver, a path, a MAC) is
/// one of hardware, which the device has none of.
fn matches(text: &str, dev: &str) -> bool {
    let mut any = false;
    for (key, value) in section(text, "[Match]") {
        any = true;
        let (negated, patterns) = match value.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, value),
        };
        let word = match key {
            "OriginalName" => dev,
            "Kind" | "Type" => "vxlan",
            _ => return false,
        };
        let taken = patterns
            .split_whitespace()
            .any(|pattern| glob(pattern.as_bytes(), word.as_bytes()) || key == "Type" && pattern == "ether");
        if taken == negated {
            return false;
        }
    }
    any
}

fn values<'a>(
    text: &'a str,
    name: &'static str,
    key: &'static str,
) -> impl DoubleEndedIterator<Item = &'a str> {
    let all: Vec<&str> =
        section(text, name).filter(|(found, _)| *found == key).map(|(_, value)| value).collect();
    all.into_iter()
}

/// Keys and values of one section.
fn section<'a>(text: &'a str, name: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let mut inside = false;
    text.lines().map(str::trim).filter_map(move |line| {
        if line.starts_with('[') {
            inside = line == name;
        }
        let (key, value) = line.split_once('=').filter(|_| inside && !line.starts_with(['#', ';']))?;
        Some((key.trim(), value.trim()))
    })
}

/// `*` and `?`, as a shell has them.
fn glob(pattern: &[u8], word: &[u8]) -> bool {
    match (pattern, word) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            (0..=word.len()).any(|at| word.get(at..).is_some_and(|tail| glob(rest, tail)))
        }
        ([b'?', rest @ ..], [_, tail @ ..]) => glob(rest, tail),
        ([a, rest @ ..], [b, tail @ ..]) => a == b && glob(rest, tail),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{glob, of};

    #[test]
    fn the_first_file_that_matches_decides() {
        let default = (
            "/usr/lib/99-default.link",
            "[Match]\nOriginalName=*\n\n[Link]\nNamePolicy=keep\nMACAddressPolicy=persistent\n",
        );
        let ours =
            ("/etc/10-flannel.link", "[Match]\nOriginalName=flannel*\n[Link]\nMACAddressPolicy=none\n");
        let nic = ("/etc/05-nic.link", "[Match]\nDriver=virtio_net\n[Link]\nMACAddressPolicy=persistent\n");
        let tunnels = (
            "/etc/07-vx.link",
            "[Match]\nKind=vxlan\n[Link]\n# MACAddressPolicy=none\nMACAddressPolicy=random\n",
        );
        let not = ("/etc/06-not.link", "[Match]\nOriginalName=!flannel.*\n[Link]\nMACAddressPolicy=random\n");
        for (files, want) in [
            (vec![default], Some("/usr/lib/99-default.link")),
            (vec![ours, default], None),
            (vec![nic, not, default], Some("/usr/lib/99-default.link")),
            (vec![tunnels, ours, default], Some("/etc/07-vx.link")),
            (vec![("/etc/01.link", "[Link]\nMACAddressPolicy=random\n")], None),
            (vec![], None),
        ] {
            let files: Vec<_> =
                files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
            assert_eq!(of(&files, "flannel.1"), want, "{files:?}");
        }
    }

    #[test]
    fn a_glob_is_a_shells() {
        for (pattern, word, want) in [
            ("*", "flannel.1", true),
            ("flannel.?", "flannel.1", true),
            ("flannel.?", "flannel.10", false),
            ("f*1", "flannel.1", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern.as_bytes(), word.as_bytes()), want, "{pattern}");
        }
    }
}
