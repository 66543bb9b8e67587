//! `doctor --fix`: applies what mends, one operation after the other, and says each.
#![expect(clippy::disallowed_methods, reason = "runs the commands of findings that the user named")]

use std::collections::BTreeSet;
use std::process::{Command, Stdio};

use serde::Serialize;

use super::Global;
use super::doctor::Examined;
use super::netns::netns;
use crate::doctor::repair::{self, Step};
use crate::error::Failure;
use crate::kernel::{Kernel, LinuxKernel};
use crate::render::Out;

/// One step, done or refused.
#[derive(Debug, Serialize)]
pub struct Done {
    /// In iproute2's words, or the shell line.
    step: String,
    /// What the kernel or the program said against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<String>,
}

/// Mends our own rows; with `only`, what these codes need, whoever's it is.
pub(super) fn mend(seen: &Examined, only: &[String], global: &Global) -> Result<Vec<Done>, Failure> {
    let netns = netns(global)?;
    let _inside = netns.enter()?;
    let mut kernel =
        LinuxKernel::open().map_err(|e| Failure::unreadable("the kernel's tables").because(e))?;
    match steps(seen, only) {
        Ok(steps) => Ok(steps.iter().map(|step| run(&mut kernel, step)).collect()),
        Err(why) => {
            let refused = Some(format!("what they should be cannot be told: {why}"));
            Ok(vec![Done { step: "# flannel's own rows".to_owned(), refused }])
        }
    }
}

/// What is to be done; or why that cannot be told.
fn steps(seen: &Examined, only: &[String]) -> Result<Vec<Step>, &'static str> {
    let node = &seen.look.snapshot;
    if only.is_empty() {
        return Ok(repair::ours(node)?.into_iter().map(Step::Op).collect());
    }
    Ok(repair::asked(node, &seen.report.findings, only))
}
fn run(kernel: &mut LinuxKernel, step: &Step) -> Done {
    match step {
        Step::Op(op) => {
            let refused = kernel.apply(std::slice::from_ref(op)).into_iter().find_map(Result::err);
            Done { step: op.to_string(), refused: refused.map(|refusal| refusal.to_string()) }
        }
        Step::DelRule { pref, v6 } => {
            let refused = kernel.del_rule(*pref, *v6).err().map(|refusal| refusal.to_string());
            Done { step: step.text(), refused }
        }
        Step::Shell(line) => Done { step: line.clone(), refused: shell(line) },
    }
}

/// What a shell line says against itself; the child stands in the same namespace as this thread.
fn shell(line: &str) -> Option<String> {
    let left = Command::new("/bin/sh").args(["-c", line]).stdin(Stdio::null()).output();
    match left {
        Err(error) => Some(error.to_string()),
        Ok(left) if left.status.success() => None,
        Ok(left) => {
            let said = String::from_utf8_lossy(&left.stderr).trim().replace('\n', "; ");
            Some(if said.is_empty() { left.status.to_string() } else { said })
        }
    }
}

/// Each step as it would be typed; what of the codes that were named is another node's; and, where none was but
/// something was found, what is left to others.
pub(super) fn tell(
    done: &[Done],
    seen: &Examined,
    only: &[String],
    out: &mut Out<'_>,
) -> Result<(), Failure> {
    let (plain, found) = (only.is_empty(), seen.report.found());
    let host = &seen.look.snapshot.host;
    let mut told = BTreeSet::new();
    for finding in seen.report.findings.iter().filter(|finding| finding.node != *host) {
        if only.iter().any(|code| code == finding.code) && told.insert((finding.code, &finding.node)) {
            let (code, node) = (finding.code, &finding.node);
            out.prose(&format!(
                "# {code} is {node}'s to mend; on {node}: flanctl doctor --fix --only {code}"
            ))?;
        }
    }
    for Done { step, refused } in done {
        out.line(&crate::render::clean(step))?;
        if let Some(why) = refused {
            out.prose(&format!("# refused: {why}"))?;
        }
    }
    match (done.is_empty(), plain) {
        (true, true) => out.prose("# flannel's own rows are right: nothing was done")?,
        (true, false) => out.prose("# nothing of that to mend: no command on this node does it")?,
        _ => {}
    }
    if plain && found {
        out.prose("# what is not flannel's own was left alone; --fix --only CODE mends it")?;
    }
    out.line("")
}
