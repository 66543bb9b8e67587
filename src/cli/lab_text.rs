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
        Some(Removed { processes, namespaces, left }) => {
            writeln!(
                out,
                "lab {name} is gone: {processes} processes ended, {namespaces} namespaces removed"
            )?;
            left.as_ref().map_or(Ok(()), |left| writeln!(out, "{left}"))
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
    let header = ["LAB", "NODE", "UNDERLAY", "SUBNET", "POD", "AGENT"];
    let broken = labs.iter().flat_map(|lab| &lab.nodes).any(|node| node.fault.is_some());
    table.set_header(header.into_iter().chain(broken.then_some("BROKEN")));
    for lab in labs {
        if lab.nodes.is_empty() {
            table.add_row([lab.name.as_str(), "-", "-", "-", "-", "half made"]);
        }
        for node in &lab.nodes {
            let agent = node.pid.map_or(node.agent.to_owned(), |pid| format!("{} ({pid})", node.agent));
            let subnets = if node.subnets.is_empty() { "-".to_owned() } else { words(&node.subnets) };
            let pod = format!("{} {}", node.pod, words(&node.pod_addresses));
            let pod = pod.trim_end().to_owned();
            let row = [lab.name.clone(), node.name.clone(), node.address.to_string(), subnets, pod, agent];
            let fault = broken.then(|| node.fault.clone().unwrap_or_else(|| "-".to_owned()));
            table.add_row(row.into_iter().chain(fault));
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

/// Without the blanks that pad the first column and the last.
fn trimmed(table: &Table) -> String {
    table
        .to_string()
        .lines()
        .map(|l| l.strip_prefix(' ').unwrap_or(l).trim_end())
        .collect::<Vec<_>>()
        .join("\n")
}

fn words<T: ToString>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::{labs_json, made, matrix, sights};
    use crate::lab::demo::{Cell, Sight, Wanted};
    use crate::lab::layout::Shape;
    use crate::lab::list::{LabRow, NodeRow};
    use crate::lab::manifest::Home;
    use crate::lab::subnet_env::SubnetEnv;
    use crate::lab::up::Lab;

    fn lab() -> Lab {
        let shape = Shape { name: "lab".into(), nodes: 2, segments: 1, nat: true, ipv6: false };
        let lease = |i| SubnetEnv { bridge: vec![format!("10.244.{i}.1/24").parse().unwrap()], mtu: 1450 };
        Lab { plan: shape.layout(), home: Home::of("lab"), leases: vec![lease(1), lease(2)] }
    }

    #[test]
    fn a_lab_is_told_one_line_a_node() {
        let mut out = Vec::new();
        made(&mut out, "lab", &lab()).unwrap();
        let want = "lab lab: 2 nodes, each node behind its own NAT\n\
                    NODE   UNDERLAY                  SUBNET         MTU   POD\n\
                    node1  10.0.1.2 as 203.0.113.11  10.244.1.0/24  1450  pod1 10.244.1.2\n\
                    node2  10.0.2.2 as 203.0.113.12  10.244.2.0/24  1450  pod2 10.244.2.2\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn one_silent_pair_makes_the_matrix_wrong() {
        let mut out = Vec::new();
        let cells = [Cell { from: 0, to: 1, rtt: Some(0.0521) }, Cell { from: 1, to: 0, rtt: None }];
        assert!(!matrix(&mut out, &lab(), false, &cells).unwrap());
        let want = "\nping: 1 of 2 pod pairs answer\n\
                    FROM \\ TO  pod1       pod2\n\
                    pod1       ·          0.052 ms\n\
                    pod2       no answer  ·\n";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn a_rewritten_source_is_told_beside_what_it_should_be() {
        let sight = |seen: Result<&str, &str>| Sight {
            from: "pod1".into(),
            at: "pod2".into(),
            seen: seen.map(|ip| ip.parse().unwrap()).map_err(str::to_owned),
            wanted: Wanted::Own(vec!["10.244.1.2".parse().unwrap()]),
        };
        for (seen, right, word) in [
            (Ok("10.244.1.2"), true, "10.244.1.2, pod1's own"),
            (Ok("10.244.2.1"), false, "10.244.2.1, but it should be 10.244.1.2"),
            (Err("nothing arrives"), false, "nothing: nothing arrives"),
        ] {
            let mut out = Vec::new();
            assert_eq!(sights(&mut out, &[sight(seen)]).unwrap(), right);
            assert!(String::from_utf8(out).unwrap().contains(word), "{word}");
        }
    }

    #[test]
    fn the_json_of_a_list_keeps_its_shape() {
        let node = NodeRow {
            name: "node1".into(),
            netns: "lab-node1".into(),
            address: "192.168.50.11".parse().unwrap(),
            public: None,
            subnets: vec!["10.244.1.0/24".parse().unwrap()],
            pod: "pod1".into(),
            pod_addresses: vec!["10.244.1.2".parse().unwrap()],
            agent: "running",
            pid: Some(7),
            fault: Some("fdb.wrong".into()),
        };
        let mut out = Vec::new();
        labs_json(&mut out, &[LabRow { name: "lab".into(), shape: None, nodes: vec![node] }]).unwrap();
        let want = r#"{"schema":"flanctl.lab/1","rows":[{"name":"lab","shape":null,"nodes":[{"name":"node1","netns":"lab-node1","address":"192.168.50.11","public":null,"subnets":["10.244.1.0/24"],"pod":"pod1","pod_addresses":["10.244.1.2"],"agent":"running","pid":7,"fault":"fdb.wrong"}]}]}"#;
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&String::from_utf8(out).unwrap()), value(want));
    }
}
