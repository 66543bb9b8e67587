//! `flanctl capture`: tcpdump's command line, and what tcpdump cannot do. Joins sources, filters and consumers.

mod consume;
mod files;
mod flags;
mod flow_table;
mod gate;
mod hosts;
mod leases;
#[cfg(feature = "pcap")]
mod live;
#[cfg(feature = "pcap")]
mod path;
mod path_flags;
mod table;
mod tree;
#[cfg(feature = "pcap")]
mod uplink;
mod values;
mod words;
mod written;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};

use consume::{Consumer, Counted, Lined, Lines};
use flags::{Ask, Before, Flags, Form};
use flow_table::FlowTable;
use gate::Gate;
pub use tree::CaptureArgs;
use written::Written;

use super::{Global, Output};
use crate::capture::bpf::{Insn, Program};
use crate::capture::ctx::Compat;
use crate::capture::flows::report::Known;
use crate::capture::json::Records;
use crate::capture::names::Names;
use crate::capture::nodes::{Node, Nodes};
use crate::capture::paint::Paint;
use crate::capture::select;
use crate::error::{Failure, exit};
#[cfg(feature = "pcap")]
use crate::tap::sink::Interface;

/// What the caller has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing: this is the exit code.
    Code(u8),
    /// To print the verb's help: `-h` or `--help`.
    Help(&'static str),
}

/// The end of `capture -h`.
pub const EXAMPLES: &str = "These are the flags that most need; flanctl capture --help has all of tcpdump's.

Examples:
  flanctl capture                                  the tunnel ports of this host, on its uplink
  flanctl capture -nn -r node7.pcap                a file, decoded
  flanctl capture -i eth0 --inner 'host 10.244.1.8 and tcp'
  flanctl capture --path --pod web-0 icmp          a pod's packets from its veth to the uplink, or where they are lost";

/// The end of `capture --help`.
pub const NOTES: &str = "Examples:
  flanctl capture                                  the tunnel ports of this host, on its uplink
  flanctl capture -nn -r node7.pcap                a file, decoded
  flanctl capture -i eth0 --inner 'host 10.244.1.8 and tcp'
  flanctl capture -i eth0 dst 192.168.50.12 -vvvvvv and udp -c 20
  flanctl capture -i any -w trace.pcapng udp port 8472
  flanctl capture -r trace.pcapng -o ndjson | jq .inner
  flanctl capture --path --pod web-0 tcp port 80
  flanctl capture -i eth0 --flows

-o ndjson writes one object a packet: number, time, len, caplen, interface, outer and, of a tunnel, tunnel and inner.
  outer, inner  eth {src dst type vlans}, arp {op sender sender_mac target},
                ip {version src dst src_node dst_node proto ttl tos id length fragment},
                udp {sport dport length}, tcp {sport dport seq ack flags win length}, icmp {type code id seq}
  tunnel        kind (vxlan, vxlan-gpe, geneve, udp), vni, group
  isl           type, vlan, priority, bpdu, index; the frame within is inner
  cut           true if the captured bytes ended within a header, or one cannot be

--path watches the node's ends of the pods' veths, their bridge, flannel's devices and their uplinks, and writes a line
a packet: the packet, and after how long each saw it. It is known again behind NAT, and cut into segments or fragments
or put together (in N parts, in a larger one). Followed are packets of the overlay; the expression and --inner are both
about the packet that a pod sends or gets. Within --timeout (1000 ms) a packet has to be where its way through this
node ends, or it is lost: the line names the two devices between which, and what the kernel and the firewall's rules
counted there meanwhile. Two devices may bear one time: the kernel stamps what comes in once, until it forwards it.
Pods that come later are followed from the bridge on; an uplink that encrypts shows nothing.
-o ndjson writes one object a packet: schema (flanctl.path/1), number, time, len, packet (as inner), points, fate
(through, lost, late: after it was told as lost, unsure: its device dropped packets of the capture), and lost or unsure.
  points        dev, stage (pod, bridge, tunnel, uplink), pod, at, after_us, parts (0: in a larger one), src and dst
                where NAT changed them, vni, outer_src, outer_dst
  lost, unsure  between (two devices), after_ms, bytes (passed, of all), counters (what moved, by how much)

--flows gathers packets by the innermost packet's protocol, addresses and ports and the tunnel around it; what passes
beside every tunnel is a flow, too. A packet on several interfaces counts on the one that saw most of its direction.
  PACKETS, BYTES  there/back, of IP packets; a line is headed by the end that began
  RETR            TCP segments that were sent again
  DUP             duplicate acknowledgements; of UDP and ICMP packets that came twice
  RTT             least/mean/most: SYN to SYN/ACK and data to its acknowledgement, never of what was sent again;
                  echo request to reply. From here to the end that is farther away, and back
  ICMP ERRORS     those that quote a packet of the flow, inside the tunnel or around it
  RATE            bytes of the last 24 seconds; of a file, of its whole time
On a terminal the table is drawn once a second, as high as that is; at the end it is whole. Hosts are not looked up.
With -w FILE the packets are written as well. -o json writes one document flanctl.flows/1 at the end: captured, other
(not IP, or cut short), copies, known, forgotten, first, last, span_ms, flows, most bytes first; each of
  proto, id (of an echo), src and dst {addr port node}, tunnel {kind vni port src dst}, interfaces, first, last,
  out and back {packets bytes retransmits out_of_order dups rtt {samples min_us avg_us max_us}},
  icmp {unreachable too_big time_exceeded parameter type code from mtu}, rate (bytes in each span, the latest last)

Exit codes:
  0  the file was read or the capture ended, whatever was in it
  1  anything else, as tcpdump ends";

/// Runs `capture` with the words behind the verb; flags before it are in `global`.
pub fn run(words: &[OsString], global: &Global) -> Result<Done, Failure> {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let flags = match Flags::parse(&words, before(global)) {
        Ok(flags) => flags,
        Err(wrong) => {
            let hint = "flanctl capture --help lists the options";
            return Err(Failure::found(wrong.to_string()).hint(hint));
        }
    };
    match flags.ask {
        Ask::Help => Ok(Done::Help("--help")),
        Ask::Version => {
            writeln!(std::io::stdout(), "flanctl {}", env!("CARGO_PKG_VERSION"))
                .map_err(consume::unwritten)?;
            Ok(Done::Code(exit::FINE))
        }
        _ => packets(&flags).map(Done::Code),
    }
    .or_else(|failure| as_tcpdump(&flags, failure))
}

/// Flags before the verb as if they stood behind it.
fn before(global: &Global) -> Before {
    let Global { output, color, netns } = global;
    Before { json: *output == Output::Json, color: *color, netns: netns.clone() }
}

/// In tcpdump's clothes its name stands before an error, and no advice behind it.
fn as_tcpdump(flags: &Flags, failure: Failure) -> Result<Done, Failure> {
    if flags.print.compat == Compat::Ours {
        return Err(Failure { exit: exit::FOUND, ..failure });
    }
    // Nothing can be done about a closed stderr.
    let _ = writeln!(std::io::stderr(), "tcpdump: {}", failure.chain());
    Ok(Done::Code(exit::FOUND))
}

fn packets(flags: &Flags) -> Result<u8, Failure> {
    let expr = expression(flags)?;
    #[cfg(feature = "pcap")]
    if flags.path {
        return path::run(flags, &expr);
    }
    if flags.dump > 0 {
        return dump(flags, &expr);
    }
    if flags.read.is_some() || flags.list.is_some() {
        let (flags, Overlay { nodes, .. }) = with_overlay(flags, &expr);
        let mut into = consumer(&flags, &nodes, &[]);
        files::read(&flags, &mut Gate::new(&flags, &expr, &nodes), into.as_mut())?;
        return Ok(exit::FINE);
    }
    from_interfaces(flags, &expr)
}

/// What is known of the overlay.
#[derive(Default)]
struct Overlay {
    /// The nodes that its leases tell of.
    nodes: Nodes,
    /// This host's tunnel devices by name, and what a file is to say of each.
    #[cfg_attr(not(feature = "pcap"), expect(dead_code, reason = "files of a live capture tell of them"))]
    devices: Vec<(String, String)>,
}

/// The flags with this host's tunnel ports, and what else is known of the overlay, where either is asked for.
/// tcpdump knows neither.
fn with_overlay(flags: &Flags, expr: &str) -> (Flags, Overlay) {
    let asked =
        flags.inner.is_some() || select::is_ours(expr) || flags.json || flags.pcapng || annotates(flags);
    let live = flags.read.is_none() && flags.list.is_none();
    let mut flags = flags.clone();
    let told = asked || (live && flags.print.compat == Compat::Ours);
    let Some(look) = told.then(|| leases::look(&flags)).flatten() else {
        return (flags, Overlay::default());
    };
    let devices = leases::devices(&look);
    if flags.print.compat == Compat::Ours {
        flags.print.tunnels.add(&leases::ports(devices.iter().map(|(_, line)| line)));
    }
    (flags, Overlay { nodes: leases::nodes(&look), devices })
}

/// True if node names are to stand behind addresses.
fn annotates(flags: &Flags) -> bool {
    flags.annotate && flags.print.compat == Compat::Ours && std::io::stdout().is_terminal()
}

/// True if text is to have colours: never in tcpdump's clothes.
fn coloured(flags: &Flags) -> bool {
    flags.print.compat == Compat::Ours && crate::cli::look::terminal(flags.color).0
}

#[cfg(feature = "pcap")]
fn from_interfaces(flags: &Flags, expr: &str) -> Result<u8, Failure> {
    let mut flags = flags.clone();
    if let Some(name) = flags.pod.take() {
        flags.netns = Some(leases::pod(&flags, &name)?);
    }
    let (flags, Overlay { nodes, devices }) = &with_overlay(&flags, expr);
    let inside = match &flags.netns {
        Some(name) => Some(crate::kernel::netns::InNetns::enter(name).map_err(|e| {
            Failure::found(format!("network namespace {name}")).because(e).hint("see `ip netns list`")
        })?),
        None => None,
    };
    if flags.ask == Ask::Interfaces {
        let lines = crate::tap::live::interfaces()?;
        return told(&(lines.join("\n") + "\n"));
    }
    let mut taps = open(flags, expr)?;
    if let (Ask::LinkTypes, Some(tap)) = (flags.ask, taps.first_mut()) {
        return link_types(tap);
    }
    // Interfaces have their names inside; the sockets stay there, and all else is as outside.
    let mut into = consumer(flags, nodes, devices);
    drop(inside);
    let described = |tap: &crate::tap::live::Tap| Interface {
        name: tap.name.clone(),
        link: tap.link,
        comment: String::new(),
    };
    into.interfaces(&taps.iter().map(described).collect::<Vec<_>>());
    // The kernel looked at words of its own language; the rest is looked at here.
    let mut gate = Gate::new(flags, if select::is_ours(expr) { expr } else { "" }, nodes);
    for tap in &taps {
        gate.open(tap.link)?;
        into.open(tap.link)?;
    }
    live::told(flags, &taps);
    crate::tap::shed::shed(flags.user.as_deref(), flags.write.is_some())?;
    live::run(flags, &mut taps, &mut gate, into.as_mut())?;
    Ok(exit::FINE)
}

/// The interfaces, with a filter in the kernel that is as narrow as its language can tell.
#[cfg(feature = "pcap")]
fn open(flags: &Flags, expr: &str) -> Result<Vec<crate::tap::live::Tap>, Failure> {
    let ours = select::is_ours(expr);
    let wide = if ours { "" } else { expr };
    let tunnels = flags.inner.is_some() && wide.is_empty();
    if !flags.interfaces.is_empty() && !tunnels {
        return live::open(flags, &flags.interfaces, wide);
    }
    if !flags.interfaces.is_empty() {
        let ports = uplink::ports(&flags.print.tunnels);
        return live::open(flags, &flags.interfaces, &ports);
    }
    let (name, ports) = uplink::uplink(flags)?;
    if !wide.is_empty() {
        return live::open(flags, &[name], wide);
    }
    let ports = if flags.flows { uplink::with_errors(ports) } else { ports };
    uplink::told(flags, &name, &ports);
    live::open(flags, &[name], &ports)
}

/// `-L`.
#[cfg(feature = "pcap")]
fn link_types(tap: &mut crate::tap::live::Tap) -> Result<u8, Failure> {
    let each = tap.links()?;
    let lines = each.into_iter().map(|link| format!("  {}\n", crate::tap::links::offered(link)));
    let name = &tap.name;
    told(&format!("Data link types for {name} (use option -y to set):\n{}", lines.collect::<String>()))
}

#[cfg(not(feature = "pcap"))]
fn from_interfaces(_flags: &Flags, _expr: &str) -> Result<u8, Failure> {
    Err(Failure::found("this build is without libpcap and reads files alone").hint("name one with -r FILE"))
}

/// The expression of the command line, or of the file of `-F`.
fn expression(flags: &Flags) -> Result<String, Failure> {
    let Some(file) = &flags.expr_file else { return Ok(flags.expr.clone()) };
    let text = crate::tap::text(file).map_err(|e| Failure::found(file.clone()).because(e))?;
    let lines: Vec<&str> = text.lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
    Ok(lines.join(" "))
}

/// `-d`: the compiled filter.
fn dump(flags: &Flags, expr: &str) -> Result<u8, Failure> {
    if select::is_ours(expr) {
        let said =
            "vxlan, vni and node are looked at outside the kernel's filter: there is no program of them";
        return Err(Failure::usage(said).hint("-d shows expressions of pcap-filter(7)"));
    }
    let link = match (&flags.link_type, &flags.read) {
        (Some(name), _) => crate::tap::links::named(name)
            .ok_or_else(|| Failure::found(format!("invalid data link type {name}")))?,
        (None, Some(file)) => files::link_of(file)?,
        (None, None) => 1,
    };
    // An empty filter is one, too: it takes everything.
    let all = || Program(vec![Insn { code: 6, jt: 0, jf: 0, k: flags.snaplen }]);
    let program = crate::tap::filter::compile(expr, link, flags.optimize)?;
    let program = if program.0.is_empty() { all() } else { program };
    told(&match flags.dump {
        1 => program.listing(),
        2 => program.as_c(),
        _ => program.as_numbers(),
    })
}

fn told(text: &str) -> Result<u8, Failure> {
    std::io::stdout().write_all(text.as_bytes()).map_err(consume::unwritten)?;
    Ok(exit::FINE)
}

fn consumer(flags: &Flags, nodes: &Nodes, devices: &[(String, String)]) -> Box<dyn Consumer> {
    if flags.form == Form::Count {
        return Box::new(Counted::new(consume::stdout()));
    }
    let each = flags.line_buffered || flags.packet_buffered || std::io::stdout().is_terminal();
    let printed = || -> Box<dyn Consumer> {
        // An index of another host's file means nothing here.
        let live = flags.read.is_none() && flags.list.is_none();
        let indexes = || if live { indexes() } else { HashMap::new() };
        if flags.flows {
            let nodes = if flags.json || annotates(flags) { nodes.clone() } else { Nodes::default() };
            let ports = (!flags.print.n).then(|| names(flags));
            let known = Known { nodes, interfaces: Vec::new(), indexes: indexes() };
            return Box::new(FlowTable::new(flags, known, ports, live));
        }
        if flags.json {
            let indexes = indexes();
            let interfaces = Vec::new();
            let records = Records { nodes: nodes.clone(), interfaces, indexes, nano: flags.print.nano };
            return Box::new(Lined::new(records, flags.print.tunnels.clone(), consume::stdout(), each));
        }
        let mut names = names(flags);
        if annotates(flags) {
            names.nodes = nodes.clone();
        }
        let printer = consume::printer(flags.print.clone(), names);
        let every = flags.sampling.unwrap_or(1);
        let paint = Paint { indented: annotates(flags), coloured: coloured(flags) };
        Box::new(Lines::new(printer, consume::stdout(), each, every, annotates(flags)).painted(paint))
    };
    match &flags.write {
        Some(name) => {
            let devices = devices.iter().map(|(_, line)| line.clone());
            let comments = nodes.0.iter().map(Node::told).chain(devices).collect();
            Box::new(Written::new(flags, name, comments, (flags.and_print || flags.flows).then(printed)))
        }
        None => printed(),
    }
}

/// This namespace's interfaces by index.
fn indexes() -> HashMap<u32, String> {
    let list = nix::net::if_::if_nameindex();
    let named = |one: &nix::net::if_::Interface| (one.index(), one.name().to_string_lossy().into_owned());
    list.iter().flat_map(|list| list.iter()).map(named).collect()
}

/// Names in place of numbers, unless -n; interfaces by index whatever it says.
fn names(flags: &Flags) -> Names {
    let mut names = Names::default();
    for (index, name) in indexes() {
        names.interface(index, &name);
    }
    if flags.print.n {
        return names;
    }
    // A host without the file has numbers.
    names.services(&crate::tap::text("/etc/services").unwrap_or_default());
    names.resolver = Some(hosts::resolver());
    names
}
