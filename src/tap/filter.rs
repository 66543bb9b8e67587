//! The filter language, compiled by libpcap; run by our own machine, so that cut packets keep their length.

use super::links;
use crate::capture::bpf::Program;
use crate::error::Failure;

/// Compiles an expression for packets of a link type. The empty expression takes everything.
pub fn compile(expr: &str, link: u32, optimize: bool) -> Result<Program, Failure> {
    if expr.trim().is_empty() {
        return Ok(Program::default());
    }
    compiled(expr, links::dlt(link), optimize)
}

#[cfg(feature = "pcap")]
fn compiled(expr: &str, dlt: i32, optimize: bool) -> Result<Program, Failure> {
    use crate::capture::bpf::Insn;
    use crate::capture::source::MAX_SNAPLEN;
    let dead = pcap::Capture::dead(pcap::Linktype(dlt)).map_err(|e| refused(expr, &e.to_string()))?;
    let program = dead.compile(expr, optimize).map_err(|e| refused(expr, &said(&e)))?;
    // The binding shows an instruction as four numbers and nothing else.
    let insn = |text: String| {
        let mut numbers = text.split_whitespace().map(str::parse::<u32>);
        let mut next = || numbers.next()?.ok();
        let (code, jt, jf, k) = (next()?, next()?, next()?, next()?);
        // A dead handle takes 65,535 bytes of what it takes; an open one all of it.
        let k = if code == 6 && k == 65_535 { MAX_SNAPLEN } else { k };
        Some(Insn { code: code as u16, jt: jt as u8, jf: jf as u8, k })
    };
    let insns: Option<Vec<Insn>> =
        program.get_instructions().iter().map(|instruction| insn(instruction.to_string())).collect();
    insns.map(Program).ok_or_else(|| Failure::found("the compiled filter cannot be read"))
}

#[cfg(not(feature = "pcap"))]
fn compiled(_expr: &str, _dlt: i32, _optimize: bool) -> Result<Program, Failure> {
    Err(Failure::found("filter expressions are compiled by libpcap, which this build is without")
        .hint("leave the expression out, or build with the feature pcap"))
}

/// libpcap's own words.
#[cfg(feature = "pcap")]
pub(super) fn said(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => {
            // One version says where it is, another does not.
            text.strip_prefix("can't parse filter expression: ").unwrap_or(text).to_owned()
        }
        other => other.to_string(),
    }
}

/// The failure, with a caret below the word that libpcap stumbled over, where it can be told: the end of the
/// shortest beginning that no longer compiles in any way.
#[cfg(feature = "pcap")]
pub(super) fn refused(expr: &str, said: &str) -> Failure {
    let failure = Failure::found(format!("can't parse filter expression: {said}"));
    let at = said.split_once('\'').and_then(|(_, rest)| rest.split_once('\'')).map(|(word, _)| word);
    let column = at.and_then(|word| expr.find(word)).unwrap_or_else(|| stumbled(expr));
    failure.hint(format!("{expr}\n      {}^", " ".repeat(column)))
}

/// The column of the first word that no longer belongs to anything: words are added until the beginning is wrong
/// even with the most common ends behind it.
#[cfg(feature = "pcap")]
fn stumbled(expr: &str) -> usize {
    let Ok(dead) = pcap::Capture::dead(pcap::Linktype(1)) else { return 0 };
    let ends = ["", " ip", " 1", " 1.2.3.4", " port 1", " host 1.2.3.4", ")", " 1)", " 1.2.3.4)"];
    let fine = |text: &str| ends.iter().any(|end| dead.compile(&format!("{text}{end}"), false).is_ok());
    let mut column = 0;
    for (at, _) in expr.char_indices().filter(|(at, c)| *at > 0 && *c == ' ') {
        if !fine(expr.get(..at).unwrap_or_default()) {
            return column;
        }
        column = at + 1;
    }
    column
}
