//! `flanctl lab break` and `flanctl lab heal`: arguments, and what they say.

use std::io::{self, Write};

use clap::Args;
use comfy_table::{Table, presets};

use crate::error::{Failure, exit};
use crate::lab::faults::{self, Broken, Fate, Fault, Healed, Mend};

/// Flags of `lab break`.
#[derive(Debug, Args)]
#[command(after_help = "\
The node's agent is paused meanwhile, or it would put its own rows right at once.

Examples:
  flanctl lab break --list
  flanctl lab break fdb.wrong
  flanctl lab exec node1 -- flanctl fdb
  flanctl lab heal
  flanctl lab break route.blackhole node3 --name two")]
pub struct BreakArgs {
    /// Which fault
    #[arg(value_name = "FAULT", required_unless_present = "list")]
    fault: Option<String>,
    /// The node to break [default: node1; node2 for what is seen from the other end]
    #[arg(value_name = "NODE")]
    node: Option<String>,
    /// Show the faults there are
    #[arg(long, conflicts_with_all = ["fault", "node"])]
    list: bool,
    /// Name of the lab
    #[arg(long, value_name = "NAME", default_value = "lab")]
    name: String,
}

/// Breaks, or lists what can be broken.
pub fn run_break(args: BreakArgs, json: bool, out: &mut dyn Write) -> Result<u8, Failure> {
    let BreakArgs { fault, node, list: _, name } = args;
    let written = match fault {
        None if json => catalogue_json(out),
        None => catalogue(out),
        Some(id) => broken(out, &name, &faults::inject(&name, &id, node.as_deref())?),
    };
    written.map(|()| exit::FINE).map_err(unwritten)
}

/// Heals every node of a lab; 1 if something is not as it was.
pub fn run_heal(name: &str, out: &mut dyn Write) -> Result<u8, Failure> {
    let healed = faults::heal(name)?;
    told(out, name, &healed).map_err(unwritten)?;
    Ok(if healed.iter().all(|h| h.differs.is_empty()) { exit::FINE } else { exit::FOUND })
}

/// One line a fault.
fn catalogue(out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["FAULT", "NODE", "PING", "WHAT IS WRONG"]);
    for fault in faults::all() {
        table.add_row([fault.id, fault.default_node(), fate(fault.fate), fault.about]);
    }
    for line in table.to_string().lines() {
        writeln!(out, "{}", line.strip_prefix(' ').unwrap_or(line).trim_end())?;
    }
    Ok(())
}

/// The same as one document, with the commands.
fn catalogue_json(out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<_> = faults::all().map(row).collect();
    writeln!(out, "{}", serde_json::json!({ "schema": "flanctl.lab/1", "faults": rows }))
}

fn row(fault: &Fault) -> serde_json::Value {
    let Fault { id, about, trace, doctor, fate: end, probe: _, mend, v6, lines } = fault;
    let why = match mend {
        Mend::Printed | Mend::Everywhere => None,
        Mend::Nothing(why) => Some(*why),
    };
    let commands: Vec<_> = lines.iter().map(|line| line.run).collect();
    serde_json::json!({
        "fault": id, "about": about, "node": fault.default_node(), "far": fault.is_far(), "ipv6": v6,
        "ping": fate(*end), "codes": trace, "doctor": doctor, "traced": fault.is_traced(), "commands": commands, "no_fix": why,
    })
}

fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Dies => "dies",
        Fate::Lives => "lives",
        Fate::Misled => "misled",
    }
}

fn broken(out: &mut dyn Write, name: &str, broken: &Broken) -> io::Result<()> {
    let Broken { node, fault, from, ping, tracer, trace } = broken;
    let named = if name == "lab" { String::new() } else { format!(" --name {name}") };
    writeln!(out, "{node} is broken, and its agent stands still: {}", fault.id)?;
    writeln!(out, "  {}\n", fault.about)?;
    writeln!(out, "  flanctl lab exec {from}{named} -- ping -c 3 {}", ping.trim())?;
    if fault.is_traced() {
        writeln!(out, "  flanctl lab exec {tracer}{named} -- flanctl trace {}", trace.trim())?;
    }
    if !fault.doctor.is_empty() {
        writeln!(out, "  flanctl lab exec {node}{named} -- flanctl doctor")?;
    }
    writeln!(out, "  flanctl lab heal{named}")
}

fn told(out: &mut dyn Write, name: &str, healed: &[Healed]) -> io::Result<()> {
    if healed.is_empty() {
        return writeln!(out, "nothing is broken in lab {name}");
    }
    for Healed { node, fault, differs } in healed {
        if differs.is_empty() {
            writeln!(out, "{node} is as it was before {fault}, and its agent runs")?;
            continue;
        }
        writeln!(out, "{fault} is taken back on {node}, but this is not as it was (- before, + now):")?;
        for line in differs {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

fn unwritten(error: io::Error) -> Failure {
    Failure::unreadable("writing").because(error)
}
