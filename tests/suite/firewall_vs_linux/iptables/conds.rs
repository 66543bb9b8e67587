//! Conditions in the words of iptables.

use super::super::dice::{Case, Cond, cond};
use super::super::packets::{ICMP, TCP};
use super::super::yard::From;

/// Conditions that may stand in a chain of this hook (empty: in any).
#[expect(clippy::too_many_lines, reason = "one table")]
pub(in super::super) fn conds(case: &Case, hook: &str) -> Vec<Cond> {
    let (src, far) = (case.net(case.src_net()), case.net(7));
    let range = format!("{}-{}", case.addr(case.dst_net(), 1), case.addr(case.dst_net(), 9));
    let apart = format!("{}-{}", case.addr(7, 1), case.addr(7, 9));
    let state = if case.established { "ESTABLISHED,RELATED" } else { "NEW" };
    let local = if case.from == From::Router { "LOCAL" } else { "UNICAST" };
    let there = if case.hooks.contains(&"input") { "LOCAL" } else { "UNICAST" };
    let (len, dscp) = (case.shot.len(), case.shot.dscp);
    let hops = if case.v6() { "-m hl --hl" } else { "-m ttl --ttl" };
    let (iif, oif, mac) = (case.iif(), case.oif(), if case.back { 'd' } else { 'a' });
    let ways = if case.back { ["REPLY", "ORIGINAL"] } else { ["ORIGINAL", "REPLY"] };
    let first = if case.back { case.shot.src } else { case.shot.dst };
    let mut all = vec![
        cond("source", format!("-s {src}"), format!("-s {far}")),
        cond("source not", format!("! -s {far}"), format!("! -s {src}")),
        cond("destination", format!("-d {}", case.shot.dst), format!("-d {far}")),
        cond("ctstate", format!("-m conntrack --ctstate {state}"), "-m conntrack --ctstate INVALID"),
        cond(
            "ctstate not",
            "-m conntrack ! --ctstate INVALID,DNAT",
            format!("-m conntrack ! --ctstate {state}"),
        ),
        cond(
            "ctstate nat",
            format!("-m conntrack --ctstate DNAT,{state}"),
            "-m conntrack --ctstate DNAT,SNAT",
        ),
        cond("mark match", "-m mark --mark 0x0/0xff", "-m mark --mark 0x7/0xf"),
        cond("connmark", "-m connmark --mark 0x0", "-m connmark --mark 0x5"),
        cond(
            "dst-type",
            format!("-m addrtype --dst-type {there}"),
            "-m addrtype --dst-type ANYCAST,MULTICAST",
        ),
        cond(
            "src-type",
            format!("-m addrtype --src-type {local}"),
            format!("-m addrtype ! --src-type {local}"),
        ),
        cond("iprange", format!("-m iprange --dst-range {range}"), format!("-m iprange --src-range {apart}")),
        cond(
            "length match",
            format!("-m length --length {len}"),
            format!("-m length --length 0:{}", len - 1),
        ),
        cond("dscp match", format!("-m dscp --dscp {dscp}"), "-m dscp --dscp 13"),
        cond("hops", format!("{hops}-gt 5"), format!("{hops}-lt 6")),
        cond(
            "origdst",
            format!("-m conntrack --ctorigdst {first}"),
            format!("-m conntrack --ctorigdst {far}"),
        ),
        cond(
            "ctdir",
            format!("-m conntrack --ctdir {}", ways[0]),
            format!("-m conntrack --ctdir {}", ways[1]),
        ),
    ];
    if matches!(hook, "prerouting" | "input" | "forward") {
        all.push(cond("in", format!("-i {iif}"), format!("! -i {iif}")));
        all.push(cond("in like", format!("-i {}+", &iif[..1]), "-i eth+"));
        all.push(cond(
            "mac",
            format!("-m mac --mac-source 02:00:00:00:00:0{mac}"),
            "-m mac --mac-source 02:00:00:00:00:0b",
        ));
        all.push(cond("pkt-type", "-m pkttype --pkt-type unicast", "-m pkttype --pkt-type broadcast"));
    }
    if matches!(hook, "forward" | "output" | "postrouting") {
        all.push(cond("out", format!("-o {oif}"), format!("! -o {}+", &oif[..1])));
    }
    all.extend(transport(case));
    all
}

/// Conditions on what is behind the IP header; each begins with its protocol.
fn transport(case: &Case) -> Vec<Cond> {
    let dport = case.shot.dport;
    let Some(proto) = case.ported() else {
        return if case.shot.proto == ICMP {
            vec![cond("icmp-type", "-p icmp -m icmp --icmp-type 8", "-p icmp -m icmp --icmp-type 0/0")]
        } else {
            vec![cond(
                "icmp-type",
                "-p ipv6-icmp -m icmp6 --icmpv6-type 128",
                "-p ipv6-icmp -m icmp6 --icmpv6-type 1/4",
            )]
        };
    };
    let p = format!("-p {proto}");
    let mut all = vec![
        cond("proto", p.clone(), format!("! {p}")),
        cond("dport", format!("{p} --dport {dport}"), format!("{p} ! --dport {dport}")),
        cond("port range", format!("{p} --dport 1:9999"), format!("{p} --sport 1:9")),
        cond(
            "multiport",
            format!("{p} -m multiport --dports 7,{dport},9000:9009"),
            format!("{p} -m multiport --ports 7,8"),
        ),
    ];
    if case.shot.proto == TCP {
        all.push(cond("tcp-flags", format!("{p} --syn"), format!("{p} --tcp-flags SYN,ACK ACK")));
    }
    all
}
