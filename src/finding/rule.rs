//! What policy rules and reverse path filters do to a packet, and whether the node forwards at all.

use std::net::IpAddr;

use super::Finding;
use super::repair::Obstacle;
use super::route::Refusal;
use crate::net::IfName;

/// A policy rule sends the packet to a table that leads elsewhere; `answer` says where.
pub fn diverts(node: &str, rule: &Obstacle, answer: &str, expected: &str) -> Finding {
    let cause = format!("{} catches this packet before the main table", title(rule));
    Finding::new("rule.diverts", node, cause, rule.see())
        .evidence(rule.to_string())
        .evidence(format!("its answer: {answer}"))
        .evidence(format!("expected: {expected}"))
        .fix(rule.remove())
}

/// A policy rule refuses the packet.
pub fn prohibits(node: &str, rule: &Obstacle, how: Refusal) -> Finding {
    let cause = format!("{} {}", title(rule), how.does());
    Finding::new("rule.prohibits", node, cause, rule.see()).evidence(rule.to_string()).fix(rule.remove())
}

fn title(rule: &Obstacle) -> String {
    match rule {
        Obstacle::Rule { pref, .. } => format!("rule {pref}"),
        other => other.to_string(),
    }
}

/// Strict reverse path filtering drops the packet.
#[derive(Clone, Debug)]
pub struct Rejected<'a> {
    /// Where the packet comes in.
    pub dev: IfName,
    /// The effective value: the larger of `all` and the device's.
    pub value: u32,
    /// Its source.
    pub src: IpAddr,
    /// The way back, as `ip route` prints it; `None` if there is none.
    pub back: Option<&'a str>,
    /// What takes the way back away from `dev`, if it can go.
    pub obstacle: Option<Obstacle>,
    /// What writes the right way back, if it is missing.
    pub repair: Option<String>,
}

/// `rpfilter.rejects`.
pub fn rejected(node: &str, what: Rejected<'_>) -> Finding {
    let Rejected { dev, value, src, back, obstacle, repair } = what;
    let mode = if value == 1 { "strict (1)" } else { "loose (2)" };
    let way = back
        .map_or_else(|| "there is no way back to it".to_owned(), |back| format!("the way back is {back}"));
    let key = dev.as_str().replace('.', "/");
    let fix = obstacle
        .map(|o| o.remove())
        .or(repair)
        .unwrap_or_else(|| format!("sysctl -w net.ipv4.conf.{key}.rp_filter=2"));
    let cause = format!("{dev} filters by reverse path, {mode}: a packet from {src} is dropped, {way}");
    Finding::new(
        "rpfilter.rejects",
        node,
        cause,
        format!("sysctl net.ipv4.conf.all.rp_filter net.ipv4.conf.{key}.rp_filter"),
    )
    .evidence(format!("rp_filter = max(all, {dev}) = {value}"))
    .evidence(format!("ip route get {src}: {}", back.unwrap_or("no route")))
    .fix(fix)
    .lasting("IPReversePathFilter in /proc/net/netstat counts what it drops")
}

/// Forwarding is off; `key` is the sysctl that says so, written with slashes for dots in names.
pub fn forwarding_off(node: &str, v6: bool, dev: Option<IfName>, key: &str) -> Finding {
    let family = if v6 { "IPv6" } else { "IPv4" };
    let on = dev.map(|dev| format!(" on {dev}")).unwrap_or_default();
    Finding::new("forward.off", node, format!("{family} forwarding is off{on}"), format!("sysctl {key}"))
        .evidence(format!("{key} = 0"))
        .fix(format!("sysctl -w {key}=1"))
        .lasting("set it in /etc/sysctl.d as well")
}
