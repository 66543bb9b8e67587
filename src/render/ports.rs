//! The ports of a bridge as text.

use super::table::Grid;
use crate::readings::{Behind, BridgeRow};

/// One line a port; `wide` adds its MTU and its VLANs.
pub fn port_table(rows: &[BridgeRow], wide: bool) -> Grid {
    let mut grid = if wide {
        Grid::new(&["STATE", "PORT", "MTU", "VLANS", "MACS", "POD", "DEVICE", "MAC", "ADDRESSES", "FLAGS"])
    } else {
        Grid::new(&["STATE", "PORT", "MACS", "POD", "MAC", "ADDRESSES", "FLAGS"])
    };
    for BridgeRow { port, state, flags, mtu, macs, vlans, pod } in rows {
        let Behind { name, dev, mac, ips } =
            pod.clone().unwrap_or(Behind { name: String::new(), dev: None, mac: None, ips: Vec::new() });
        let vlan = |(first, last): &(u16, u16)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        };
        let mac = mac.map(|mac| mac.to_string()).unwrap_or_default();
        let mut cells = vec![state.clone(), port.to_string()];
        if wide {
            cells.extend([mtu.to_string(), joined(vlans.iter().map(vlan))]);
        }
        cells.extend([joined(macs), name]);
        if wide {
            cells.push(dev.map(|dev| dev.to_string()).unwrap_or_default());
        }
        cells.extend([mac, joined(&ips), flags.join(", ")]);
        grid.row(cells);
    }
    grid
}

fn joined<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" ")
}
