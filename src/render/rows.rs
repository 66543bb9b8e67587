//! The rows of the listings as text columns. The same values are the JSON.

use super::table::Grid;
use crate::net::IfName;
use crate::readings::{
    Device, FdbHalf, Kernel, LeaseHalf, LeaseRow, NeighHalf, Promise, RouteHalf, Row, Standing, device_line,
    fdb_line, neigh_line, protocol,
};
use crate::state::proto;

/// `route`, `fdb`, `arp`: the kernel's row beside what the lease wants; `wide` adds the lease's address, VNI and MAC.
pub fn drift_table(rows: &[Row], wide: bool) -> Grid {
    let mut grid = if wide {
        Grid::new(&[
            "STATE",
            "NODE",
            "KERNEL",
            "SUBNET",
            "PUBLIC IP",
            "VNI",
            "VTEP MAC",
            "LEASE WANTS",
            "NOTE",
        ])
    } else {
        Grid::new(&["STATE", "NODE", "KERNEL", "LEASE", "NOTE"])
    };
    // As `ip neigh show dev flannel.1` does: one device is not repeated on every row.
    let only = if wide { None } else { only_device(rows) };
    for row in rows {
        let Row { state, node, kernel, lease, note } = row;
        let on = only.filter(|_| !matches!(kernel, Some(Kernel::Link(_) | Kernel::Route(_))));
        let short = |text: String| {
            on.map_or_else(|| text.clone(), |dev| text.replacen(&format!(" dev {dev}"), "", 1))
        };
        let kernel_text = kernel.as_ref().map_or_else(|| "-".to_owned(), |k| kernel_cell(k, wide));
        let mut cells = vec![state.word().to_owned(), node.clone(), short(kernel_text)];
        match lease {
            Some(promise) if !wide => cells.push(short(lease_cell(*state, kernel.as_ref(), promise))),
            None if !wide => cells.push(String::new()),
            Some(Promise { subnet, public_ip, vni, mac, wants }) => {
                cells.extend([subnet.to_string(), shown(public_ip), shown(vni), shown(mac), wants.clone()]);
            }
            None => cells.extend(std::iter::repeat_n(String::new(), 5)),
        }
        let note = note.clone().unwrap_or_default();
        cells.push(note.clone());
        if wide {
            grid.row(cells);
            continue;
        }
        // Where both agree the lease says nothing new; where not, it stands right under what it contradicts.
        let wants = lease.as_ref().filter(|_| *state != Standing::Ok);
        let wants = wants
            .map_or_else(String::new, |lease| format!("lease: {}", short(lease_cell(*state, None, lease))));
        let reason = if note.is_empty() { note } else { format!("({note})") };
        let mut folded: Vec<String> = cells.iter().take(3).cloned().collect();
        if let Some(kernel) = folded.last_mut()
            && wants.is_empty()
            && !reason.is_empty()
        {
            kernel.push_str(&format!(" {reason}"));
            grid.folding_row(cells, folded, &[]);
        } else {
            grid.folding_row(cells, folded, &[wants, reason]);
        }
    }
    grid
}

/// The device of all neighbours and forwarding entries, if it is one.
fn only_device(rows: &[Row]) -> Option<IfName> {
    let mut devices = rows.iter().filter_map(|row| match row.kernel.as_ref()? {
        Kernel::Neigh(neigh) => Some(neigh.dev),
        Kernel::Fdb(fdb) => Some(fdb.dev),
        Kernel::Link(_) | Kernel::Route(_) => None,
    });
    let first = devices.next()?;
    devices.all(|dev| dev == first).then_some(first)
}

fn kernel_cell(kernel: &Kernel, wide: bool) -> String {
    match kernel {
        Kernel::Link(device @ Device { .. }) => device_line(device),
        Kernel::Neigh(neigh @ NeighHalf { .. }) => neigh_line(neigh),
        Kernel::Fdb(fdb @ FdbHalf { .. }) => fdb_line(fdb),
        Kernel::Route(RouteHalf { text, proto: number, .. }) if wide && *number != proto::BOOT => {
            format!("{text} proto {}", protocol(*number))
        }
        Kernel::Route(RouteHalf { text, .. }) => text.clone(),
    }
}

/// Short where both agree (the subnet and its node's address say enough), the wanted row where they do not.
fn lease_cell(state: Standing, kernel: Option<&Kernel>, lease: &Promise) -> String {
    let Promise { subnet, public_ip, vni: _, mac: _, wants } = lease;
    match state {
        Standing::Ok => {}
        // Nothing is wanted of it: whose it is says enough.
        Standing::Refused => return subnet.to_string(),
        _ => return wants.clone(),
    }
    match (kernel, public_ip) {
        // A route names the subnet itself.
        (Some(Kernel::Route(_)), Some(ip)) => ip.to_string(),
        (_, Some(ip)) if !matches!(kernel, Some(Kernel::Fdb(_))) => format!("{subnet} {ip}"),
        _ => subnet.to_string(),
    }
}

/// `lease list`; `wide` adds the IPv6 half and the time to the second.
pub fn lease_table(rows: &[LeaseRow], wide: bool) -> Grid {
    let mut grid = if wide {
        Grid::new(&[
            "",
            "SUBNET",
            "NODE",
            "PUBLIC IP",
            "PUBLIC IPV6",
            "BACKEND",
            "VNI",
            "VTEP MAC",
            "VTEP MAC V6",
            "EXPIRES",
        ])
    } else {
        Grid::new(&["", "SUBNET", "NODE", "PUBLIC IP", "BACKEND", "VNI", "VTEP MAC", "EXPIRES"])
    };
    for LeaseRow { state: _, node, kernel: _, lease } in rows {
        let LeaseHalf { subnet, public_ip, public_ipv6, backend, vni, mac, mac_v6, expires, left, this_node } =
            lease;
        let mark = if *this_node { "*" } else { "" }.to_owned();
        let mut cells = vec![mark, subnet.clone(), node.clone()];
        if wide {
            cells.extend([
                shown(public_ip),
                shown(public_ipv6),
                backend.clone(),
                shown(vni),
                shown(mac),
                shown(mac_v6),
            ]);
            cells.push(expires.clone().unwrap_or_default());
        } else {
            let public = public_ip.map(|ip| ip.to_string()).or_else(|| public_ipv6.map(|ip| ip.to_string()));
            let mac = mac.or(*mac_v6);
            cells.extend([public.unwrap_or_default(), backend.clone(), shown(vni), shown(&mac)]);
            cells.push(when(expires.as_deref(), left.as_deref()));
        }
        grid.row(cells);
    }
    grid
}

/// `in 23h59m`, `never`, `over`.
fn when(expires: Option<&str>, left: Option<&str>) -> String {
    match (expires, left) {
        (None, _) => String::new(),
        (Some("never"), _) => "never".to_owned(),
        (Some(_), Some(left)) => format!("in {left}"),
        (Some(_), None) => "over".to_owned(),
    }
}

fn shown<T: std::fmt::Display>(value: &Option<T>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}
