//! The network sysctls that routing looks at, out of the facts. What is not known has the kernel's default.

use super::State;
use crate::net::IfName;

/// `net.ipv4.NAME` and the like, as a number.
pub(super) fn number(state: &State, name: &str) -> Option<i64> {
    state.fact(&format!("sysctl:net.{name}"))?.trim().parse().ok()
}

/// A device's own value.
pub(super) fn own(state: &State, family: &str, dev: &str, name: &str) -> Option<i64> {
    number(state, &format!("{family}.conf.{}.{name}", dev.replace('.', "/")))
}

/// The greater of `all` and the device (`IN_DEV_MAXCONF`; for a switch that is "either", `IN_DEV_ORCONF`).
pub(super) fn either(state: &State, dev: IfName, name: &str, default: i64) -> i64 {
    let all = own(state, "ipv4", "all", name).unwrap_or(default);
    all.max(own(state, "ipv4", dev.as_str(), name).unwrap_or(default))
}

/// Routes over a device without carrier are not used (`ip_ignore_linkdown`, `ip6_ignore_linkdown`).
pub(super) fn ignores_linkdown(state: &State, v6: bool, dev: IfName) -> bool {
    let family = if v6 { "ipv6" } else { "ipv4" };
    let on = |dev: &str| own(state, family, dev, "ignore_routes_with_linkdown").is_some_and(|v| v != 0);
    on("all") || on(dev.as_str())
}
