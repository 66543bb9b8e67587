//! The nft arm: our own tables, replaced whole.

use super::{Ensured, FirewallError, Good, Step, command, garbled, line, remember, still};
use crate::kernel::exec::ExecError;
use crate::kernel::nft::{self, Presence};
use crate::kernel::nftgen;
use crate::overlay::masq::{Family, Ruleset};

/// The nft arm.
#[derive(Debug, Default)]
pub struct Nft {
    pub(super) good: Option<Good>,
}

impl Nft {
    pub(super) fn ensure(&mut self, want: &[Ruleset]) -> Result<Ensured, FirewallError> {
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

    pub(super) fn check(&self, want: &[Ruleset]) -> Result<Vec<Step>, FirewallError> {
        let faults = self.faults(want, &mut Ensured::default())?;
        let (found, texts): (Vec<String>, Vec<String>) = faults.into_iter().unzip();
        let step = Step { command: line("nft", &["-f", "-"]), input: texts.concat(), found };
        Ok(if step.input.is_empty() { Vec::new() } else { vec![step] })
    }

    /// What is off, each with the text that puts it right.
    fn faults(&self, want: &[Ruleset], done: &mut Ensured) -> Result<Vec<(String, String)>, FirewallError> {
        let there = nft_tables(done)?;
        let mut faults = Vec::new();
        for family in [Family::V4, Family::V6] {
            let (word, name) = nft::table(family);
            let set = want.iter().find(|w| w.family == family && !w.is_empty());
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

/// Removes our tables of both families, if they are there.
pub(super) fn remove() -> Result<Ensured, FirewallError> {
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
