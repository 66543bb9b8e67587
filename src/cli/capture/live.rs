//! `-i`: packets from interfaces, as they come, until `-c`, a signal or the end of the interface.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::consume::{self, Consumer};
use super::flags::{Direction, Flags};
use super::gate::{Gate, Verdict};
use crate::capture::ctx::Compat;
use crate::error::Failure;
use crate::tap::links;
use crate::tap::live::{Counts, How, Tap, wait};

/// Packets that are taken from one interface before the others have their turn.
const TURN: usize = 256;

/// The interfaces, opened as the flags say, with the filter in the kernel.
pub fn open(flags: &Flags, names: &[String], expr: &str) -> Result<Vec<Tap>, Failure> {
    let link = match &flags.link_type {
        Some(name) => {
            Some(links::named(name).ok_or_else(|| Failure::found(format!("invalid data link type {name}")))?)
        }
        None => None,
    };
    let how = How {
        snaplen: flags.snaplen,
        buffer: flags.buffer,
        promiscuous: flags.promiscuous,
        immediate: flags.immediate || flags.line_buffered || std::io::stdout().is_terminal(),
        nano: flags.print.nano,
        direction: match flags.direction {
            Direction::In => Some(pcap::Direction::In),
            Direction::Out => Some(pcap::Direction::Out),
            Direction::Both => None,
        },
        link,
        stamp: flags.stamp_type.clone(),
    };
    let mut taps = Vec::new();
    for name in names {
        let mut tap = Tap::open(name, &how)?;
        tap.filter(expr, flags.optimize)?;
        taps.push(tap);
    }
    Ok(taps)
}

/// What stands on standard error before the first packet.
pub fn told(flags: &Flags, taps: &[Tap]) {
    if flags.quiet {
        return;
    }
    let mut err = std::io::stderr().lock();
    let prog = if flags.print.compat == Compat::Ours { "flanctl" } else { "tcpdump" };
    // The advice is about text.
    let loud = flags.print.v > 0 || flags.write.is_some() || flags.json || flags.flows;
    for tap in taps {
        if tap.name == "any" && flags.link_type.is_none() {
            let _ = writeln!(err, "{prog}: data link type LINUX_SLL2");
        }
        let lead = if loud { format!("{prog}: ") } else { String::new() };
        if !loud {
            let hint = "verbose output suppressed, use -v[v]... for full protocol decode";
            let _ = writeln!(err, "{prog}: {hint}");
        }
        let (name, link) = (&tap.name, links::described(tap.link));
        let bytes = flags.snaplen;
        let _ = writeln!(err, "{lead}listening on {name}, link-type {link}, snapshot length {bytes} bytes");
    }
}

/// Takes packets until the end.
pub fn run(flags: &Flags, taps: &mut [Tap], gate: &mut Gate, into: &mut dyn Consumer) -> Result<(), Failure> {
    let (stop, tell) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let watch = |signal, flag: &Arc<AtomicBool>| signal_hook::flag::register(signal, Arc::clone(flag));
    for (signal, flag) in [(SIGINT, &stop), (SIGTERM, &stop), (SIGHUP, &stop), (SIGUSR1, &tell)] {
        watch(signal, flag).map_err(|e| Failure::found("signals").because(e))?;
    }
    let ended = turns(taps, gate, into, &stop, &mut |taps, seen| {
        if tell.swap(false, Ordering::Relaxed) {
            counts(flags, taps, seen, true);
        }
    });
    let each: Vec<(u64, u64)> =
        taps.iter_mut().map(Tap::counts).map(|counts| (counts.received, counts.dropped)).collect();
    into.counts(&each);
    into.finish()?;
    if flags.print.compat != Compat::Ours && flags.write.is_none() && stop.load(Ordering::Relaxed) {
        // tcpdump ends a line that a signal may have cut.
        consume::stdout().write_all(b"\n").map_err(consume::unwritten)?;
    }
    counts(flags, taps, gate.seen(), false);
    ended
}

fn turns(
    taps: &mut [Tap],
    gate: &mut Gate,
    into: &mut dyn Consumer,
    stop: &AtomicBool,
    between: &mut dyn FnMut(&mut [Tap], u64),
) -> Result<(), Failure> {
    while !stop.load(Ordering::Relaxed) {
        let mut any = false;
        for (at, tap) in taps.iter_mut().enumerate() {
            let link = tap.link;
            for _ in 0..TURN {
                let Some(seen) = tap.take()? else { break };
                any = true;
                let packet = seen.packet(link, at as u32);
                match gate.judge(&packet) {
                    Verdict::Pass => {}
                    Verdict::Take => into.packet(gate.seen(), &packet)?,
                    Verdict::Last => return into.packet(gate.seen(), &packet),
                }
            }
        }
        if into.is_over() {
            return Ok(());
        }
        between(taps, gate.seen());
        if !any {
            into.pause()?;
            wait(taps, 200);
        }
    }
    Ok(())
}

/// What was captured and what was lost, as tcpdump tells it; on one line for SIGUSR1.
fn counts(flags: &Flags, taps: &mut [Tap], captured: u64, one_line: bool) {
    if flags.quiet {
        return;
    }
    let sum = taps.iter_mut().fold(Counts::default(), |sum, tap| {
        let counts = tap.counts();
        Counts {
            received: sum.received + counts.received,
            dropped: sum.dropped + counts.dropped,
            if_dropped: sum.if_dropped + counts.if_dropped,
        }
    });
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    let mut parts = vec![
        format!("{captured} packet{} captured", plural(captured)),
        format!("{} packet{} received by filter", sum.received, plural(sum.received)),
        format!("{} packet{} dropped by kernel", sum.dropped, plural(sum.dropped)),
    ];
    if sum.if_dropped > 0 {
        parts.push(format!("{} packet{} dropped by interface", sum.if_dropped, plural(sum.if_dropped)));
    }
    let text = parts.join(if one_line { ", " } else { "\n" });
    let prog = if flags.print.compat == Compat::Ours { "flanctl" } else { "tcpdump" };
    let lead = if one_line { format!("{prog}: ") } else { String::new() };
    // Nothing can be done about a closed stderr.
    let _ = writeln!(std::io::stderr(), "{lead}{text}");
}
