//! Flows as a table: one line a flow, whatever the width; the bars of its rate last, since they may be cut.

use super::report::{Around, Host, Icmp, Report, Row, Way};
use super::spark::bars;
use crate::capture::inner::Kind;
use crate::capture::names::Names;

/// How a table may look.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Columns of the terminal; in a pipe lines are as long as they are.
    pub width: Option<u16>,
    /// Names of ports, unless numbers are wanted.
    pub names: Option<&'a Names>,
}

/// The table.
pub fn lines(report: &Report, look: Look<'_>) -> Vec<String> {
    let mut lines = vec![head(report)];
    if !report.flows.is_empty() {
        let room = look.width.map_or(usize::MAX, usize::from);
        // The first form whose bars begin within the terminal, or the shortest.
        let (mut rows, mut bars) = grid(report, look, Tunnels::Whole);
        for form in [Tunnels::Network, Tunnels::None] {
            if bars + 8 > room {
                (rows, bars) = grid(report, look, form);
            }
        }
        lines.extend(rows);
    }
    match look.width {
        Some(width) => lines.into_iter().map(|line| line.chars().take(width.into()).collect()).collect(),
        None => lines,
    }
}

/// How much is told of tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tunnels {
    Whole,
    Network,
    None,
}

fn head(report: &Report) -> String {
    let Report { captured, other, copies, known, forgotten, first, last, .. } = report;
    let mut parts = vec![plural(*known as u64, "flow"), plural(*captured, "packet")];
    if let (Some(first), Some(last)) = (first, last) {
        parts.push(format!("{:.1} s", last - first));
    }
    if *forgotten > 0 {
        parts.push(format!("{} forgotten (--max-flows)", plural(*forgotten, "flow")));
    }
    if *copies > 0 {
        parts.push(format!("{copies} seen again on the next hop"));
    }
    if *other > 0 {
        parts.push(format!("{other} not IP or cut short"));
    }
    parts.join(", ")
}

fn plural(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Lines in columns, and where the last column begins.
fn grid(report: &Report, look: Look<'_>, form: Tunnels) -> (Vec<String>, usize) {
    let span = span(report.span_ms);
    let head = ["FLOW", "TUNNEL", "ON", "PACKETS", "BYTES", "RETR", "DUP", "RTT", "ICMP ERRORS", &span];
    let head = head.map(str::to_owned);
    let rows: Vec<[String; 10]> = report.flows.iter().map(|row| cells(row, look, form)).collect();
    let used = |at: usize| rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()));
    let wide = |at: usize| {
        let cells = std::iter::once(&head).chain(&rows).filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let columns: Vec<(usize, usize)> =
        (0..head.len()).filter(|at| used(*at)).map(|at| (at, wide(at))).collect();
    let line = |row: &[String; 10]| {
        let cell = |(at, width): &(usize, usize)| {
            let text = row.get(*at).map_or("", String::as_str);
            // Numbers stand under one another by their ends.
            if (3..8).contains(at) { format!("{text:>width$}") } else { format!("{text:<width$}") }
        };
        let cells: Vec<String> = columns.iter().map(cell).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let bars = columns.iter().filter(|(at, _)| *at < 9).map(|(_, width)| width + 2).sum();
    (std::iter::once(&head).chain(&rows).map(line).collect(), bars)
}

/// The head of the bars: how long one is.
fn span(ms: f64) -> String {
    if ms >= 1000.0 { format!("RATE ({:.0} s each)", ms / 1000.0) } else { format!("RATE ({ms:.0} ms each)") }
}

fn cells(row: &Row, look: Look<'_>, form: Tunnels) -> [String; 10] {
    let Row { proto, id, src, dst, tunnel, interfaces, out, back, icmp, rate, .. } = row;
    let named = if proto.parse::<u8>().is_ok() { format!("proto {proto}") } else { proto.clone() };
    let id = id.map(|id| format!(" id {id}")).unwrap_or_default();
    let both = |n: fn(&Way) -> u64, text: fn(u64) -> String| format!("{}/{}", text(n(out)), text(n(back)));
    let some = |n: fn(&Way) -> u64| {
        if n(out) + n(back) == 0 { String::new() } else { both(n, |n| n.to_string()) }
    };
    [
        format!("{named} {} > {}{id}", host(src, proto, look), host(dst, proto, look)),
        tunnel.as_ref().map_or_else(String::new, |tunnel| around(tunnel, form)),
        if form == Tunnels::Whole { interfaces.join(",") } else { String::new() },
        both(|way| way.packets, |n| n.to_string()),
        both(|way| way.bytes, amount),
        some(|way| way.retransmits),
        some(|way| way.dups),
        trip(out, back),
        errors(icmp),
        bars(rate),
    ]
}

fn host(host: &Host, proto: &str, look: Look<'_>) -> String {
    let Host { addr, port, node } = host;
    let named = |port: u16| {
        let names = look.names?;
        if proto == "tcp" { names.tcp_port(port) } else { names.udp_port(port) }
    };
    let port = port.map(|port| named(port).map_or_else(|| port.to_string(), str::to_owned));
    let at = match port {
        Some(port) if addr.is_ipv6() => format!("[{addr}]:{port}"),
        Some(port) => format!("{addr}:{port}"),
        None => addr.to_string(),
    };
    // A name comes from a lease, or from a file: no control character of it reaches the terminal.
    let clean = |name: &String| name.chars().filter(|c| !c.is_control()).collect::<String>();
    node.as_ref().map_or_else(|| at.clone(), |node| format!("{at} ({})", clean(node)))
}

fn around(tunnel: &Around, form: Tunnels) -> String {
    let Around { kind, vni, port: _, src, dst } = tunnel;
    let network = match vni {
        Some(vni) if *kind == Kind::Vxlan.name() => format!("vni {vni}"),
        Some(vni) => format!("{kind} {vni}"),
        None => (*kind).to_owned(),
    };
    match form {
        Tunnels::Whole => format!("{network} {src} > {dst}"),
        Tunnels::Network => network,
        Tunnels::None => String::new(),
    }
}

/// The round trip over the network: of both directions' the longer, the other is the way within the nearer host.
fn trip(out: &Way, back: &Way) -> String {
    let longer = match (&out.rtt, &back.rtt) {
        (Some(there), Some(here)) if here.min_us > there.min_us => Some(here),
        (None, here) => here.as_ref(),
        (there, _) => there.as_ref(),
    };
    let Some(trip) = longer else { return String::new() };
    let digits = |ms: f64| match ms {
        _ if ms >= 100.0 => format!("{ms:.0}"),
        _ if ms >= 10.0 => format!("{ms:.1}"),
        _ => format!("{ms:.2}"),
    };
    let [min, avg, max] = [trip.min_us, trip.avg_us, trip.max_us].map(|us| digits(us / 1000.0));
    if trip.samples == 1 { format!("{avg} ms") } else { format!("{min}/{avg}/{max} ms") }
}

fn errors(icmp: &Icmp) -> String {
    let Icmp { unreachable, too_big, time_exceeded, parameter, mtu, from, .. } = icmp;
    let mtu = mtu.map(|mtu| format!(" (mtu {mtu})")).unwrap_or_default();
    let kinds = [
        (*unreachable, "unreachable", String::new()),
        (*too_big, "too big", mtu),
        (*time_exceeded, "time exceeded", String::new()),
        (*parameter, "parameter", String::new()),
    ];
    let told: Vec<String> = kinds
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, what, more)| format!("{n} {what}{more}"))
        .collect();
    match from {
        Some(from) if !told.is_empty() => format!("{} from {from}", told.join(", ")),
        _ => String::new(),
    }
}

/// Bytes in three digits or so.
fn amount(bytes: u64) -> String {
    let units = [(1_000_000_000_000u64, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        None => bytes.to_string(),
        Some((unit, letter)) => {
            let n = bytes as f64 / unit as f64;
            if n >= 99.95 { format!("{n:.0}{letter}") } else { format!("{n:.1}{letter}") }
        }
    }
}
