//! `-r` and `-V`: packets from files, each whole one before the error that ends a broken file.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::consume::Consumer;
use super::flags::Flags;
use super::gate::{Gate, Verdict};
use super::leases;
use crate::capture::ctx::Compat;
use crate::capture::nodes::Nodes;
use crate::capture::source::{Decoder, Head, Precision, Step};
use crate::error::Failure;
use crate::tap::{self, links};

/// Reads every file that the flags name, to the end or as many packets as are wanted.
pub fn read(flags: &Flags, gate: &mut Gate, into: &mut dyn Consumer) -> Result<(), Failure> {
    let stop = interrupt(flags)?;
    for name in names(flags)? {
        if one(&name, flags, gate, into, &stop)? == Verdict::Last {
            break;
        }
    }
    into.finish()
}

/// Set by the first interrupt where something is told at the end; the next one ends the process as ever.
fn interrupt(flags: &Flags) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    if flags.flows {
        let watch = |signal| {
            // In this order: the first finds the flag unset.
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))?;
            signal_hook::flag::register(signal, Arc::clone(&stop))
        };
        for signal in [SIGINT, SIGTERM] {
            watch(signal).map_err(|e| Failure::found("signals").because(e))?;
        }
    }
    Ok(stop)
}

/// The file of `-r`, or those that the file of `-V` lists.
fn names(flags: &Flags) -> Result<Vec<String>, Failure> {
    let Some(list) = &flags.list else { return Ok(flags.read.iter().cloned().collect()) };
    let text = tap::text(list).map_err(|e| Failure::found(list.clone()).because(e))?;
    let names: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if names.is_empty() { Err(Failure::found(format!("{list} names no file"))) } else { Ok(names) }
}

fn one(
    name: &str,
    flags: &Flags,
    gate: &mut Gate,
    into: &mut dyn Consumer,
    stop: &AtomicBool,
) -> Result<Verdict, Failure> {
    let unread = |e: std::io::Error| Failure::found(name.to_owned()).because(plain(e));
    let mut input = tap::open(name).map_err(unread)?;
    let precision = if flags.print.nano { Precision::Nano } else { Precision::Micro };
    let mut decoder = Decoder::new(precision);
    let mut opened = false;
    loop {
        let step = match decoder.step() {
            Ok(step) => step,
            Err(broken) => {
                into.finish()?;
                let what = if opened { "pcap_loop" } else { name };
                return Err(Failure::found(what).because(broken));
            }
        };
        match step {
            Step::Record(record) => {
                let packet = record.packet();
                match gate.judge(&packet) {
                    Verdict::Pass => {}
                    Verdict::Take => {
                        into.packet(gate.seen(), &packet)?;
                        if into.is_over() {
                            return Ok(Verdict::Last);
                        }
                    }
                    Verdict::Last => {
                        into.packet(gate.seen(), &packet)?;
                        return Ok(Verdict::Last);
                    }
                }
            }
            Step::More => {
                called(&decoder, into);
                if stop.load(Ordering::Relaxed) {
                    return Ok(Verdict::Last);
                }
                if input.waits {
                    into.pause()?;
                }
                if let Err(e) = decoder.fill(&mut input.bytes) {
                    into.finish()?;
                    return Err(unread(e));
                }
            }
            Step::Opened(head) => {
                opened = true;
                told(name, flags, head);
                if flags.print.compat == Compat::Ours {
                    overlay(&decoder, gate, into);
                }
                gate.open(head.link)?;
                into.open(head.link)?;
            }
            Step::End => {
                called(&decoder, into);
                return Ok(Verdict::Take);
            }
        }
    }
}

/// Tells what the file's comments say of its overlay.
fn overlay(decoder: &Decoder, gate: &mut Gate, into: &mut dyn Consumer) {
    let comments = decoder.notes().map(|notes| &notes.comments[..]).unwrap_or_default();
    let (nodes, ports) = (Nodes::of_comments(comments), leases::ports(comments.iter()));
    into.told(&nodes, &ports);
    gate.told(nodes, &ports);
}

/// Tells what the file calls its interfaces so far.
fn called(decoder: &Decoder, into: &mut dyn Consumer) {
    let names = decoder.interfaces().iter().map(|interface| interface.name.as_deref());
    into.called(&mut names.map(Option::unwrap_or_default));
}

/// `reading from file …`, on standard error as everything that is no packet.
fn told(name: &str, flags: &Flags, head: Head) {
    if !flags.quiet {
        let link = links::described(head.link);
        let line = format!("reading from file {name}, link-type {link}, snapshot length {}", head.snaplen);
        // Nothing can be done about a closed stderr.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// The error without the number that the standard library puts behind it.
fn plain(error: std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The link type of a file's first packets.
pub fn link_of(name: &str) -> Result<u32, Failure> {
    let unread = |e: std::io::Error| Failure::found(name.to_owned()).because(plain(e));
    let mut input = tap::open(name).map_err(unread)?;
    let mut decoder = Decoder::new(Precision::Micro);
    loop {
        match decoder.step() {
            Ok(Step::Opened(head)) => return Ok(head.link),
            Ok(Step::More) => decoder.fill(&mut input.bytes).map_err(unread)?,
            Ok(_) => return Err(Failure::found(format!("{name} has no link type"))),
            Err(broken) => return Err(Failure::found(name.to_owned()).because(broken)),
        }
    }
}
