//! `flanctl fdb --dev BRIDGE`: a bridge's ports, and the pod behind each: what people else find by hand through
//! interface numbers.

use super::gather::{Depth, gather};
use super::look::LookArgs;
use super::{Global, Output};
use crate::clock;
use crate::error::{Failure, exit};
use crate::net::IfName;
use crate::readings::{bridge_line, port_rows};
use crate::render::{Listing, Out, port_table};
use crate::state::LinkKind;

/// Shows the ports of `bridge`.
pub fn show(
    bridge: IfName,
    args: &LookArgs,
    quiet: bool,
    global: &Global,
    out: &mut Out<'_>,
) -> Result<u8, Failure> {
    let look = gather(global, args, Depth { pods: true, ..Depth::TABLES })?;
    let node = look.snapshot;
    let Some(rows) = port_rows(&node.state, &node.pods, bridge) else {
        let bridges = node.state.links.iter().filter(|(_, link)| link.kind == LinkKind::Bridge);
        let bridges: Vec<String> = bridges.map(|(dev, _)| dev.to_string()).collect();
        return Err(Failure::unreadable(format!("{bridge} is no bridge here")).hint(if bridges.is_empty() {
            "there is no bridge on this node".to_owned()
        } else {
            format!("bridges here: {}", bridges.join(", "))
        }));
    };
    if global.output == Output::Json {
        let mut listing = Listing::new("ports", clock::rfc3339(node.at), node.host, node.netns, look.source);
        listing.unseen = node.unseen;
        listing.rows = rows;
        out.json(&listing)?;
        return Ok(exit::FINE);
    }
    out.line(&bridge_line(&node.state, bridge))?;
    out.grid(&port_table(&rows, global.output == Output::Wide))?;
    if rows.is_empty() && !quiet {
        out.prose("# no port")?;
    }
    for remark in node.unseen.iter().filter(|_| !quiet) {
        out.prose(&format!("# {remark}"))?;
    }
    Ok(exit::FINE)
}
