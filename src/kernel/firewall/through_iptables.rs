//! The iptables arm: our own chains in tables that belong to everybody.

use super::{Ensured, FirewallError, Good, Step, command, line, remember, still};
use crate::kernel::exec::ExecError;
use crate::kernel::iptables::{self, Repair, saved::Saved};
use crate::kernel::nftgen;
use crate::overlay::masq::{Family, Ruleset};

/// The iptables arm.
#[derive(Debug)]
pub struct Iptables {
    pub(super) suffix: &'static str,
    version: Option<Version>,
    pub(super) good: Option<Good>,
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
    pub(super) fn new(suffix: &'static str) -> Self {
        Self { suffix, version: None, good: None }
    }

    pub(super) fn ensure(&mut self, want: &[Ruleset]) -> Result<Ensured, FirewallError> {
        let mut done = Ensured::default();
        if still(self.good.as_ref(), want) {
            return Ok(done);
        }
        self.good = None;
        let version = self.version(&mut done)?;
        let (generation, mut first) = (nftgen::generation(), None);
        for set in want {
            // One family's trouble must not cost the other its rules.
            if let Err(e) = self.family(set, version, &mut done) {
                first = first.or(Some(e));
            }
        }
        if let Some(e) = first {
            return Err(e);
        }
        // After a write the next round looks once more: between two families' transactions others may have written,
        // and no single generation number covers both looks.
        if version.nf_tables && !done.changed {
            self.good = remember(generation, want);
        }
        Ok(done)
    }

    pub(super) fn check(&mut self, want: &[Ruleset]) -> Result<Vec<Step>, FirewallError> {
        let mut done = Ensured::default();
        let version = self.version(&mut done)?;
        let mut steps = Vec::new();
        for set in want {
            let set = if version.modern { set.clone() } else { set.plain() };
            let have = saved(&mut done, &name(set.family, self.suffix, "save"))?;
            let Some(Repair { text, found }) = iptables::repair(&have, &set) else { continue };
            let restore = name(set.family, self.suffix, "restore");
            let command = line(&restore, restore_args(version.modern));
            steps.push(Step { command, input: text, found });
        }
        Ok(steps)
    }

    /// Looks at one family and puts it right.
    fn family(&self, set: &Ruleset, version: Version, done: &mut Ensured) -> Result<(), FirewallError> {
        let set = if version.modern { set.clone() } else { set.plain() };
        let (save, restore) =
            (name(set.family, self.suffix, "save"), name(set.family, self.suffix, "restore"));
        let Some(repair) = iptables::repair(&saved(done, &save)?, &set) else { return Ok(()) };
        done.notes.extend(repair.found.into_iter().map(|found| format!("{save}: {found}")));
        command(done, &restore, restore_args(version.modern), &repair.text)?;
        done.changed = true;
        match iptables::repair(&saved(done, &save)?, &set) {
            None => Ok(()),
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

/// Removes our chains of both families through each variant that is installed.
pub(super) fn remove(suffixes: &[&str]) -> Result<Ensured, FirewallError> {
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
}
