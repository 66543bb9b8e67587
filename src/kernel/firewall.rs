//! Keeps the firewall rules of `overlay::masq` in the kernel, through `nft` or through `iptables`.
//! Looks before it writes, writes one transaction, looks again; decides nothing about which rules there should be.
#![expect(clippy::disallowed_methods, reason = "starts programs; asks /proc for br_netfilter")]

use std::path::Path;

use crate::kernel::exec::{ExecError, run};
use crate::kernel::iptables::{self, saved::Saved};
use crate::kernel::nft::{self, Presence};
use crate::kernel::nftgen;
use crate::overlay::masq::{Family, Ruleset};

/// The two modes.
#[derive(Debug)]
pub enum Firewall {
    /// `EnableNFTables`: tables of our own.
    Nft(Nft),
    /// Chains of our own in iptables' nat and filter tables.
    Iptables(Iptables),
}

/// What one round did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ensured {
    /// True if a transaction was needed.
    pub changed: bool,
    /// How many programs were started; 0 if the kernel said that nothing moved.
    pub started: u32,
    /// What was found and done, for the log.
    pub notes: Vec<String>,
}

/// The firewall could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FirewallError {
    /// A program did not run.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A program ran and refused.
    #[error("{command}: {status}: {said}")]
    Refused {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        said: String,
    },
    /// A listing that cannot be read.
    #[error("reading what {command} printed")]
    Garbled {
        /// The program and its arguments.
        command: String,
        /// Cause.
        #[source]
        source: serde_json::Error,
    },
    /// A transaction was accepted, and yet the rules are not there.
    #[error("{table}: the rules were written but read back differently: {found}")]
    Unsettled {
        /// Which table.
        table: String,
        /// What is off.
        found: String,
    },
}

impl FirewallError {
    /// One sentence that tells the fix, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exec(ExecError::Missing { program }) if program == "nft" => Some(
                "install the Debian package nftables, or set EnableNFTables to false in the net config"
                    .into(),
            ),
            Self::Exec(ExecError::Missing { program }) if program.contains("tables") => Some(
                "install the Debian package iptables, or set EnableNFTables to true in the net config".into(),
            ),
            Self::Exec(ExecError::Late { program }) if program.contains("tables") => {
                Some("another program may hold /run/xtables.lock; see who: fuser -v /run/xtables.lock".into())
            }
            Self::Refused { said, .. }
                if said.contains("ermission denied") || said.contains("not permitted") =>
            {
                Some("the firewall needs CAP_NET_ADMIN: run as root".into())
            }
            Self::Garbled { .. } => {
                Some("nft must be built with JSON, as Debian's package nftables is".into())
            }
            Self::Unsettled { .. } => {
                Some("another program may rewrite the same chains; see who: nft monitor".into())
            }
            Self::Exec(_) | Self::Refused { .. } => None,
        }
    }
}

impl Firewall {
    /// Through `nft`.
    pub fn nft() -> Self {
        Self::Nft(Nft::default())
    }

    /// Through the host's `iptables` and `ip6tables`, whichever variant they are.
    pub fn iptables() -> Self {
        Self::iptables_variant("")
    }

    /// Through one variant on a host that has both: `-nft` or `-legacy`.
    pub fn iptables_variant(suffix: &'static str) -> Self {
        Self::Iptables(Iptables { suffix, version: None, good: None })
    }

    /// Makes the rules those of `want`. Starts no program when nothing moved since the last good look.
    pub fn ensure(&mut self, want: &[Ruleset]) -> Result<Ensured, FirewallError> {
        match self {
            Self::Nft(nft) => nft.ensure(want),
            Self::Iptables(iptables) => iptables.ensure(want),
        }
    }

    /// Takes away all that is ours in this mode, in both families. Nothing there is fine, and so is a missing program.
    pub fn teardown(&mut self) -> Result<Ensured, FirewallError> {
        match self {
            Self::Nft(nft) => {
                nft.good = None;
                remove_nft()
            }
            Self::Iptables(iptables) => {
                iptables.good = None;
                remove_iptables(&[iptables.suffix])
            }
        }
    }

    /// Takes away what the other mode left behind, for a node that changed its mode: iptables' chains of either
    /// variant, or nft's tables.
    pub fn cleanup_other_mode(&self) -> Result<Ensured, FirewallError> {
        match self {
            Self::Nft(_) => remove_iptables(&["-nft", "-legacy", ""]),
            Self::Iptables(_) => remove_nft(),
        }
    }
}

/// The last look that found all as wanted.
#[derive(Debug)]
struct Good {
    generation: u32,
    want: Vec<Ruleset>,
}

/// True if the kernel says that no rule moved since `good`.
fn still(good: Option<&Good>, want: &[Ruleset]) -> bool {
    good.is_some_and(|g| g.want == want && nftgen::generation() == Some(g.generation))
}

/// Remembers a good look; `generation` was asked before the look, so what moved meanwhile is seen next time.
fn remember(generation: Option<u32>, want: &[Ruleset]) -> Option<Good> {
    generation.map(|generation| Good { generation, want: want.to_vec() })
}

/// The nft arm.
#[derive(Debug, Default)]
pub struct Nft {
    good: Option<Good>,
}

impl Nft {
    fn ensure(&mut self, want: &[Ruleset]) -> Result<Ensured, FirewallError> {
        let mut done = Ensured::default();
        if still(self.good.as_ref(), want) {
            return Ok(done);
        }
        self.good = None;
        let generation = nftgen::generation();
        let faults = self.faults(want, &mut done)?;
        if faults.is_empty() {
            self.good = remember(generation, want);
            return Ok(done);
        }
        let text: String = faults.iter().map(|(_, text)| text.as_str()).collect();
        done.notes.extend(faults.into_iter().map(|(found, _)| found));
        command(&mut done, "nft", &["-f", "-"], &text)?;
        done.changed = true;
        let generation = nftgen::generation();
        if let Some((found, _)) = self.faults(want, &mut done)?.into_iter().next() {
            return Err(FirewallError::Unsettled { table: "nft".into(), found });
        }
        self.good = remember(generation, want);
        Ok(done)
    }

    /// What is off, each with the text that puts it right.
    fn faults(&self, want: &[Ruleset], done: &mut Ensured) -> Result<Vec<(String, String)>, FirewallError> {
        let there = nft_tables(done)?;
        let mut faults = Vec::new();
        for family in [Family::V4, Family::V6] {
            let (word, name) = nft::table(family);
            let set = want
                .iter()
                .find(|w| w.family == family && !(w.masquerade.is_empty() && w.forward.is_empty()));
            match (set, there.contains(&family)) {
                (None, false) => {}
                (None, true) => {
                    faults.push((format!("table {word} {name} is not wanted any more"), nft::remove(family)));
                }
                (Some(set), false) => {
                    faults.push((format!("table {word} {name} is missing"), nft::replace(set)));
                }
                (Some(set), true) => {
                    let args = ["-j", "list", "table", word, name];
                    let json = command(done, "nft", &args, "")?;
                    match nft::present(&json, set).map_err(|e| garbled("nft", &args, e))? {
                        Presence::Same => {}
                        Presence::Absent => {
                            faults.push((format!("table {word} {name} is missing"), nft::replace(set)));
                        }
                        Presence::Differs(found) => {
                            faults.push((format!("table {word} {name}: {found}"), nft::replace(set)));
                        }
                    }
                }
            }
        }
        Ok(faults)
    }
}

fn nft_tables(done: &mut Ensured) -> Result<Vec<Family>, FirewallError> {
    let args = ["-j", "list", "tables"];
    let json = command(done, "nft", &args, "")?;
    nft::ours_among(&json).map_err(|e| garbled("nft", &args, e))
}

fn remove_nft() -> Result<Ensured, FirewallError> {
    let mut done = Ensured::default();
    let there = match nft_tables(&mut done) {
        Err(FirewallError::Exec(ExecError::Missing { .. })) => return Ok(done),
        other => other?,
    };
    if !there.is_empty() {
        let text: String = there.iter().map(|f| nft::remove(*f)).collect();
        command(&mut done, "nft", &["-f", "-"], &text)?;
        done.changed = true;
        done.notes.extend(there.iter().map(|f| format!("removed the nft table {}", nft::table(*f).1)));
    }
    Ok(done)
}

/// The iptables arm.
#[derive(Debug)]
pub struct Iptables {
    suffix: &'static str,
    version: Option<Version>,
    good: Option<Good>,
}

/// What `iptables --version` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    /// Speaks to nf_tables: the kernel's generation number covers its rules.
    nf_tables: bool,
    /// 1.6.2 and later: `--random-fully`, and `iptables-restore --wait`.
    modern: bool,
}

impl Version {
    /// Reads `iptables v1.8.9 (nf_tables)`. Before 1.8 no variant was named, and there was only one.
    fn parse(text: &str) -> Self {
        let number = text.split_whitespace().nth(1).unwrap_or_default().trim_start_matches('v');
        let mut parts = number.split('.').map(|p| p.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        let number: (u32, u32, u32) = (next(), next(), next());
        Self { nf_tables: text.contains("nf_tables"), modern: number >= (1, 6, 2) }
    }
}

impl Iptables {
    fn ensure(&mut self, want: &[Ruleset]) -> Result<Ensured, FirewallError> {
        let mut done = Ensured::default();
        if still(self.good.as_ref(), want) {
            return Ok(done);
        }
        self.good = None;
        let version = self.version(&mut done)?;
        let (mut generation, mut first) = (nftgen::generation(), None);
        for set in want {
            // One family's trouble must not cost the other its rules.
            match self.family(set, version, &mut done) {
                Ok(Some(after)) => generation = after,
                Ok(None) => {}
                Err(e) => first = first.or(Some(e)),
            }
        }
        match first {
            Some(e) => Err(e),
            None => {
                self.good = if version.nf_tables { remember(generation, want) } else { None };
                Ok(done)
            }
        }
    }

    /// Looks at one family and puts it right. Answers the generation that followed a write, if there was one.
    fn family(
        &self,
        set: &Ruleset,
        version: Version,
        done: &mut Ensured,
    ) -> Result<Option<Option<u32>>, FirewallError> {
        let set = if version.modern { set.clone() } else { set.plain() };
        let (save, restore) =
            (name(set.family, self.suffix, "save"), name(set.family, self.suffix, "restore"));
        let Some(repair) = iptables::repair(&saved(done, &save)?, &set) else { return Ok(None) };
        done.notes.extend(repair.found.into_iter().map(|found| format!("{save}: {found}")));
        command(done, &restore, restore_args(version.modern), &repair.text)?;
        done.changed = true;
        let generation = nftgen::generation();
        match iptables::repair(&saved(done, &save)?, &set) {
            None => Ok(Some(generation)),
            Some(left) => Err(FirewallError::Unsettled { table: save, found: left.found.join("; ") }),
        }
    }

    fn version(&mut self, done: &mut Ensured) -> Result<Version, FirewallError> {
        if let Some(version) = self.version {
            return Ok(version);
        }
        let version =
            Version::parse(&command(done, &format!("iptables{}", self.suffix), &["--version"], "")?);
        self.version = Some(version);
        Ok(version)
    }
}

/// The lock is waited for, but not longer than we wait for the program.
fn restore_args(modern: bool) -> &'static [&'static str] {
    if modern { &["--noflush", "--wait=8"] } else { &["--noflush"] }
}

fn name(family: Family, suffix: &str, verb: &str) -> String {
    let six = match family {
        Family::V4 => "",
        Family::V6 => "6",
    };
    format!("ip{six}tables{suffix}-{verb}")
}

fn saved(done: &mut Ensured, save: &str) -> Result<Saved, FirewallError> {
    Ok(Saved::parse(&command(done, save, &[], "")?))
}

fn remove_iptables(suffixes: &[&str]) -> Result<Ensured, FirewallError> {
    let mut done = Ensured::default();
    for suffix in suffixes {
        for family in [Family::V4, Family::V6] {
            let have = match saved(&mut done, &name(family, suffix, "save")) {
                Err(FirewallError::Exec(ExecError::Missing { .. })) => continue,
                // A family or a table that this kernel lacks: say so, and look at the rest.
                Err(refused @ FirewallError::Refused { .. }) => {
                    done.notes.push(format!("could not look for old rules: {refused}"));
                    continue;
                }
                other => other?,
            };
            let Some(text) = iptables::teardown(&have) else { continue };
            let restore = name(family, suffix, "restore");
            command(&mut done, &restore, restore_args(true), &text)?;
            done.changed = true;
            done.notes.push(format!("removed our chains through {restore}"));
        }
    }
    Ok(done)
}

/// Runs a program that has to succeed.
fn command(done: &mut Ensured, program: &str, args: &[&str], input: &str) -> Result<String, FirewallError> {
    done.started += 1;
    let left = run(program, args, input)?;
    if left.fine {
        return Ok(left.out);
    }
    Err(FirewallError::Refused { command: line(program, args), status: left.status, said: left.err })
}

fn garbled(program: &str, args: &[&str], source: serde_json::Error) -> FirewallError {
    FirewallError::Garbled { command: line(program, args), source }
}

fn line(program: &str, args: &[&str]) -> String {
    [&[program], args].concat().join(" ")
}

/// What to warn of when bridged traffic does not reach iptables: without the module br_netfilter, packets between
/// two pods on one node pass a service's address by. Not fatal: a node without such services works.
pub fn bridge_warnings(proc_sys: &Path, families: &[Family]) -> Vec<String> {
    let missing = |family: &Family| {
        let file = match family {
            Family::V4 => "net/bridge/bridge-nf-call-iptables",
            Family::V6 => "net/bridge/bridge-nf-call-ip6tables",
        };
        let path = proc_sys.join(file);
        (std::fs::metadata(&path).is_err()).then(|| {
            format!(
                "{} is not there: services may not answer pods of this node; run: modprobe br_netfilter",
                path.display()
            )
        })
    };
    families.iter().filter_map(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_tell_the_variant_and_what_it_can() {
        for (text, nf_tables, modern) in [
            ("iptables v1.8.9 (nf_tables)\n", true, true),
            ("iptables v1.8.9 (legacy)\n", false, true),
            ("iptables v1.6.2\n", false, true),
            ("iptables v1.6.1\n", false, false),
            ("iptables v1.10.0 (nf_tables)\n", true, true),
        ] {
            assert_eq!(Version::parse(text), Version { nf_tables, modern }, "{text}");
        }
    }

    #[test]
    fn a_missing_program_is_answered_with_its_package() {
        for (program, package) in
            [("nft", "nftables"), ("ip6tables-save", "iptables"), ("iptables", "iptables")]
        {
            let error = FirewallError::from(ExecError::Missing { program: program.into() });
            assert!(error.hint().unwrap().contains(&format!("package {package},")), "{program}");
        }
    }

    #[test]
    fn br_netfilter_is_asked_for_each_family() {
        let dir = tempfile::tempdir().unwrap();
        let both = [Family::V4, Family::V6];
        assert_eq!(bridge_warnings(dir.path(), &both).len(), 2);
        let bridge = dir.path().join("net/bridge");
        std::fs::create_dir_all(&bridge).unwrap();
        std::fs::write(bridge.join("bridge-nf-call-iptables"), "0").unwrap();
        assert_eq!(bridge_warnings(dir.path(), &both).len(), 1);
        assert!(bridge_warnings(dir.path(), &[Family::V4]).is_empty());
    }
}
