//! Keeps the firewall rules of `overlay::masq` in the kernel, through `nft` or through `iptables`.
//! Looks before it writes, writes one transaction, looks again; decides nothing about which rules there should be.

mod error;
mod through_iptables;
mod through_nft;

use std::path::Path;

use crate::kernel::exec::{ExecError, run};
use crate::kernel::nftgen;
use crate::overlay::masq::{Family, Ruleset};

pub use error::FirewallError;
pub use through_iptables::Iptables;
pub use through_nft::Nft;

/// The two modes.
#[derive(Debug)]
pub enum Firewall {
    /// `EnableNFTables`: tables of our own.
    Nft(Nft),
    /// Chains of our own in iptables' nat and filter tables.
    Iptables(Iptables),
}

/// One program that would be started to put right what is off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The program and its arguments.
    pub command: String,
    /// What it reads.
    pub input: String,
    /// What it is for, one line a finding.
    pub found: Vec<String>,
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
        Self::Iptables(Iptables::new(suffix))
    }

    /// Makes the rules those of `want`. Starts no program when nothing moved since the last good look.
    pub fn ensure(&mut self, want: &[Ruleset]) -> Result<Ensured, FirewallError> {
        let round = match self {
            Self::Nft(nft) => nft.ensure(want),
            Self::Iptables(iptables) => iptables.ensure(want),
        };
        match round {
            // Who wants no rules needs no program.
            Err(FirewallError::Exec(ExecError::Missing { .. })) if want.iter().all(Ruleset::is_empty) => {
                Ok(Ensured::default())
            }
            other => other,
        }
    }

    /// Only looks: what [`Firewall::ensure`] would do.
    pub fn check(&mut self, want: &[Ruleset]) -> Result<Vec<Step>, FirewallError> {
        match self {
            Self::Nft(nft) => nft.check(want),
            Self::Iptables(iptables) => iptables.check(want),
        }
    }

    /// Only looks: what of the other mode's [`Firewall::cleanup_other_mode`] would take away.
    pub fn check_other_mode(&self) -> Result<Vec<Step>, FirewallError> {
        let nothing = |family| Ruleset { family, masquerade: Vec::new(), forward: Vec::new() };
        let looked = match self {
            Self::Nft(_) => Self::iptables().check(&[nothing(Family::V4), nothing(Family::V6)]),
            Self::Iptables(_) => Self::nft().check(&[]),
        };
        match looked {
            Err(FirewallError::Exec(ExecError::Missing { .. })) => Ok(Vec::new()),
            other => other,
        }
    }

    /// Takes away all that is ours in this mode, in both families. Nothing there is fine, and so is a missing program.
    pub fn teardown(&mut self) -> Result<Ensured, FirewallError> {
        match self {
            Self::Nft(nft) => {
                nft.good = None;
                through_nft::remove()
            }
            Self::Iptables(iptables) => {
                iptables.good = None;
                through_iptables::remove(&[iptables.suffix])
            }
        }
    }

    /// Takes away what the other mode left behind, for a node that changed its mode: iptables' chains of either
    /// variant, or nft's tables.
    pub fn cleanup_other_mode(&self) -> Result<Ensured, FirewallError> {
        match self {
            Self::Nft(_) => through_iptables::remove(&["-nft", "-legacy", ""]),
            Self::Iptables(_) => through_nft::remove(),
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

/// A finding in the words of a first start, where what is missing has not been there yet.
pub fn at_first(note: &str) -> String {
    let (by, found) = note.split_once("-save: ").map_or(("", note), |(by, found)| (by, found));
    let colon = if by.is_empty() { "" } else { ": " };
    if let Some(what) = found.strip_suffix(" is missing") {
        return format!("{by}{colon}adding {what}");
    }
    match found.split_once(" does not lead to ") {
        Some((from, to)) => format!("{by}{colon}adding the jump from {from} to {to}"),
        None => note.to_owned(),
    }
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
    fn at_the_first_look_what_is_missing_is_added() {
        for (note, want) in [
            ("iptables-save: chain FLANNEL-FWD is missing", "iptables: adding chain FLANNEL-FWD"),
            (
                "ip6tables-save: FORWARD does not lead to FLANNEL-FWD",
                "ip6tables: adding the jump from FORWARD to FLANNEL-FWD",
            ),
            ("table ip flannel-ipv4 is missing", "adding table ip flannel-ipv4"),
            ("rule 2 of chain FLANNEL-FWD is another", "rule 2 of chain FLANNEL-FWD is another"),
        ] {
            assert_eq!(at_first(note), want);
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "plays /proc/sys")]
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
