//! Conditions in the words of nft.

use super::super::dice::{Case, Cond, cond};
use super::super::packets::{ICMP, TCP};

/// Conditions that may stand in a chain of this hook (empty: in any).
#[expect(clippy::too_many_lines, reason = "one table")]
pub(in super::super) fn conds(case: &Case, hook: &str, family: &str) -> Vec<Cond> {
    let (ip, of) = if case.v6() { ("ip6", "ipv6") } else { ("ip", "ipv4") };
    let (src, dst) = (case.net(case.src_net()), case.shot.dst);
    let (far, range) =
        (case.net(7), format!("{}-{}", case.addr(case.dst_net(), 1), case.addr(case.dst_net(), 9)));
    let proto = case.shot.proto;
    let ttl = if case.v6() { "ip6 hoplimit" } else { "ip ttl" };
    let (mask, bits) = if case.v6() {
        ("::ffff", format!("::{:x}", last(case)))
    } else {
        ("0.0.0.255", format!("0.0.0.{}", last(case)))
    };
    let len = case.shot.len();
    let (iif, oif, mac) = (case.iif(), case.oif(), if case.back { 'd' } else { 'a' });
    let ways = if case.back { ["reply", "original"] } else { ["original", "reply"] };
    let first = if case.back { case.shot.src } else { dst };
    let mut all = vec![
        cond("saddr", format!("{ip} saddr {src}"), format!("{ip} saddr {far}")),
        cond("range", format!("{ip} daddr {range}"), format!("{ip} daddr != {range}")),
        cond("negation", format!("{ip} saddr != {far}"), format!("{ip} saddr != {src}")),
        cond(
            "bitmask",
            format!("{ip} daddr & {mask} == {bits}"),
            format!("{ip} daddr & {mask} == {}", if case.v6() { "::99" } else { "0.0.0.99" }),
        ),
        cond(
            "set",
            format!("{ip} saddr {{ {src}, {far} }}"),
            format!("{ip} daddr {{ {far}, {} }}", case.addr(7, 9).replace('7', "6")),
        ),
        cond("named set", format!("{ip} saddr @in"), format!("{ip} saddr @out")),
        cond("l4proto", format!("meta l4proto {proto}"), "meta l4proto { 33, 132 }"),
        cond(
            "ct state",
            if case.established { "ct state established,related" } else { "ct state new" },
            "ct state invalid,untracked",
        ),
        cond("ct state set", "ct state { new, established }", "ct state != { new, established }"),
        cond("ct direction", format!("ct direction {}", ways[0]), format!("ct direction {}", ways[1])),
        cond("ct status", "ct status ! dnat", "ct status dnat"),
        cond("ct mark", "ct mark 0", "ct mark 5"),
        cond("mark", "meta mark 0", "meta mark 0x7"),
        cond("mark mask", "meta mark & 0xf0 == 0x0", "meta mark & 0x30 != 0x0"),
        cond("length", format!("meta length {len}"), format!("meta length > {len}")),
        cond("dscp", format!("{ip} dscp {}", case.shot.dscp), format!("{ip} dscp {{ 12, 14 }}")),
        cond("ttl", format!("{ttl} > 5"), format!("{ttl} < 6")),
        cond("fib type", "fib daddr type { local, unicast }", "fib daddr type broadcast"),
        cond(
            "fib source",
            format!("fib saddr type {}", if case.hooks[0] == "output" { "local" } else { "unicast" }),
            "fib saddr type blackhole",
        ),
        cond(
            "ct original",
            format!("ct original {ip} daddr {first}"),
            format!("ct original {ip} saddr {far}"),
        ),
    ];
    if !case.v6() {
        all.push(cond("fragment", "ip frag-off & 0x1fff == 0", "ip frag-off & 0x3fff != 0"));
    }
    if family == "inet" {
        all.push(cond(
            "nfproto",
            format!("meta nfproto {of}"),
            format!("meta nfproto {}", if case.v6() { "ipv4" } else { "ipv6" }),
        ));
    }
    if matches!(hook, "prerouting" | "input" | "forward") {
        all.push(cond("iif", format!("iifname \"{iif}\""), format!("iifname {{ \"{oif}\", \"lo\" }}")));
        all.push(cond("wildcard", format!("iifname \"{}*\"", &iif[..1]), "iifname \"eth*\""));
        all.push(cond("named names", "iifname @names", "iifname != @names"));
        all.push(cond("pkttype", "meta pkttype host", "meta pkttype { broadcast, multicast }"));
        all.push(cond(
            "ether",
            format!("ether saddr 02:00:00:00:00:0{mac}"),
            "ether saddr 02:00:00:00:00:0b",
        ));
        let back = if case.honest() { ("exists", "missing") } else { ("missing", "exists") };
        all.push(cond(
            "fib back",
            format!("fib saddr . iif oif {}", back.0),
            format!("fib saddr . iif oif {}", back.1),
        ));
    }
    if matches!(hook, "forward" | "output" | "postrouting") {
        all.push(cond("oif", format!("oifname \"{oif}\""), format!("oifname != \"{}*\"", &oif[..1])));
    }
    if hook == "forward" {
        all.push(cond(
            "two devices",
            "iifname . oifname { \"a0\" . \"b0\", \"b0\" . \"a0\" }",
            format!("iifname . oifname {{ \"{oif}\" . \"{iif}\" }}"),
        ));
    }
    all.extend(ports(case, ip, &src));
    all
}

fn last(case: &Case) -> u16 {
    let text = case.shot.dst.to_string();
    text.rsplit(['.', ':']).next().unwrap().parse().unwrap()
}

/// Conditions on what is behind the IP header.
fn ports(case: &Case, ip: &str, src: &str) -> Vec<Cond> {
    let dport = case.shot.dport;
    let Some(proto) = case.ported() else {
        return if case.shot.proto == ICMP {
            vec![cond("icmp", "icmp type echo-request", "icmp type { echo-reply, destination-unreachable }")]
        } else {
            vec![cond("icmp", "icmpv6 type echo-request", "icmpv6 type { echo-reply, nd-redirect }")]
        };
    };
    let mut all = vec![
        cond("port", format!("{proto} dport {dport}"), format!("{proto} dport != 1-9999")),
        cond(
            "port set",
            format!("{proto} dport {{ 7, {dport}-{} }}", dport + 2),
            format!("{proto} sport {{ 7, 8 }}"),
        ),
        cond(
            "th port",
            format!("meta l4proto {{ tcp, udp }} th sport {}", case.shot.sport),
            "meta l4proto { tcp, udp } th sport 7",
        ),
        cond(
            "concat",
            format!("{ip} saddr . {proto} dport @pairs"),
            format!("{ip} daddr . {proto} sport @pairs"),
        ),
        cond(
            "concat set",
            format!("{ip} saddr . {proto} dport {{ {src} . 1-9000 }}"),
            format!("{ip} saddr . {proto} dport {{ {src} . 1-7 }}"),
        ),
    ];
    if case.shot.proto == TCP {
        all.push(cond(
            "tcp flags",
            "tcp flags & (fin | syn | rst | ack) == syn",
            "tcp flags & (fin | ack) != 0",
        ));
        all.push(cond("tcp flag", "tcp flags syn", "tcp flags ack,rst"));
    }
    all
}
