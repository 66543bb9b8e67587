//! What `flanctl lab` says.

use std::io::{self, Write};

use comfy_table::{Table, presets};

use crate::lab::demo::{Cell, Sight, Wanted};
use crate::lab::down::Removed;
use crate::lab::list::LabRow;
use crate::lab::up::Lab;

/// One line a node of a lab that stands.
pub fn made(out: &mut dyn Write, name: &str, lab: &Lab) -> io::Result<()> {
    let router = if lab.plan.router.is_some() { ", two segments and a router between them" } else { "" };
    let nat = if lab.plan.nat.is_empty() { "" } else { ", each node behind its own NAT" };
    let many = if lab.leases.len() == 1 { "node" } else { "nodes" };
    writeln!(out, "lab {name}: {} {many}{router}{nat}", lab.leases.len())?;
    let mut table = plain();
    table.set_header(["NODE", "UNDERLAY", "SUBNET", "MTU", "POD"]);
    for (node, lease) in lab.plan.nodes.iter().zip(&lab.leases) {
        let underlay = match node.public {
            Some(public) => format!("{} as {public}", node.addr),
            None => node.addr.to_string(),
        };
        let pod: Vec<_> = lease.pod().iter().map(|n| n.addr().to_string()).collect();
        let (subnets, pod) = (words(&lease.subnets()), format!("{} {}", node.pod, pod.join(",")));
        table.add_row([node.name.clone(), underlay, subnets, lease.mtu.to_string(), pod]);
    }
    writeln!(out, "{}", trimmed(&table))
}

/// What to type next.
pub fn how_to_go_on(out: &mut dyn Write, name: &str, lab: &Lab) -> io::Result<()> {
    let named = if name == "lab" { String::new() } else { format!(" --name {name}") };
    let other = lab.leases.get(1).and_then(|l| l.pod().first().map(|n| n.addr().to_string()));
    writeln!(out)?;
    if let Some(other) = other {
        writeln!(out, "  flanctl lab exec pod1{named} -- ping -c 3 {other}")?;
    }
    writeln!(out, "  flanctl lab exec node1{named} -- flanctl fdb")?;
    writeln!(out, "  flanctl lab down{named}")
}

/// What `down` did.
pub fn removed(out: &mut dyn Write, name: &str, removed: Option<&Removed>) -> io::Result<()> {
    match removed {
        None => writeln!(out, "there is no lab named {name}"),
        Some(Removed { processes, namespaces }) => {
            writeln!(out, "lab {name} is gone: {processes} processes ended, {namespaces} namespaces removed")
        }
    }
}

/// Who reaches whom. True if all do.
pub fn matrix(out: &mut dyn Write, lab: &Lab, v6: bool, cells: &[Cell]) -> io::Result<bool> {
    let pods = || lab.plan.nodes.iter().map(|n| n.pod.clone());
    let mut table = plain();
    table.set_header(std::iter::once("FROM \\ TO".to_owned()).chain(pods()));
    for (from, pod) in pods().enumerate() {
        let row =
            (0..lab.plan.nodes.len()).map(|to| match cells.iter().find(|c| (c.from, c.to) == (from, to)) {
                Some(Cell { rtt: Some(ms), .. }) => format!("{ms:.3} ms"),
                Some(Cell { rtt: None, .. }) => "no answer".to_owned(),
                None => "·".to_owned(),
            });
        table.add_row(std::iter::once(pod).chain(row));
    }
    let answered = cells.iter().filter(|c| c.rtt.is_some()).count();
    let family = if v6 { " over IPv6" } else { "" };
    writeln!(out, "\nping{family}: {answered} of {} pod pairs answer\n{}", cells.len(), trimmed(&table))?;
    Ok(answered == cells.len())
}

/// Whose address arrives. True if it is the right one everywhere.
pub fn sights(out: &mut dyn Write, sights: &[Sight]) -> io::Result<bool> {
    writeln!(out, "\nwhose address arrives:")?;
    for sight in sights {
        let Sight { from, at, seen, wanted } = sight;
        write!(out, "  {:<14} ", format!("{from} → {at}"))?;
        match (seen, sight.right(), wanted) {
            (Ok(ip), true, Wanted::Own(_)) => writeln!(out, "{ip}, {from}'s own")?,
            (Ok(ip), true, Wanted::Masqueraded(_)) => writeln!(out, "{ip}, the node's (masqueraded)")?,
            (Ok(ip), false, Wanted::Own(all) | Wanted::Masqueraded(all)) => {
                writeln!(out, "{ip}, but it should be {}", words(all))?;
            }
            (Err(why), _, _) => writeln!(out, "nothing: {why}")?,
        }
    }
    Ok(sights.iter().all(Sight::right))
}

/// The labs as a table.
pub fn labs(out: &mut dyn Write, labs: &[LabRow]) -> io::Result<()> {
    if labs.is_empty() {
        return writeln!(out, "no labs; flanctl lab up makes one");
    }
    let mut table = plain();
    table.set_header(["LAB", "NODE", "UNDERLAY", "SUBNET", "AGENT"]);
    for lab in labs {
        if lab.nodes.is_empty() {
            table.add_row([lab.name.as_str(), "-", "-", "-", "half made"]);
        }
        for node in &lab.nodes {
            let agent = node.pid.map_or(node.agent.to_owned(), |pid| format!("{} ({pid})", node.agent));
            let subnets = if node.subnets.is_empty() { "-".to_owned() } else { words(&node.subnets) };
            table.add_row([lab.name.clone(), node.name.clone(), node.address.to_string(), subnets, agent]);
        }
    }
    writeln!(out, "{}", trimmed(&table))
}

/// The labs as one JSON document.
pub fn labs_json(out: &mut dyn Write, labs: &[LabRow]) -> io::Result<()> {
    let document = serde_json::json!({ "schema": "flanctl.lab/1", "rows": labs });
    writeln!(out, "{document}")
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// Without the blanks that pad the last column and the first.
fn trimmed(table: &Table) -> String {
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn words<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
