//! What a bare `flanctl capture` opens: the uplink, and of it the ports of the tunnels that this host has.

use std::io::Write;

use super::flags::Flags;
use crate::capture::ctx::Tunnels;
use crate::error::Failure;
use crate::kernel::{Kernel, LinuxKernel};
use crate::state::State;

/// flannel's VXLAN port on Linux, where no device says another.
const USUAL: u16 = 8472;

/// The interface's name and the filter of its tunnel ports, in the calling thread's namespace.
pub fn uplink(flags: &Flags) -> Result<(String, String), Failure> {
    let read = LinuxKernel::open().and_then(|mut kernel| kernel.observe());
    let state = read.map_err(|e| Failure::found("the kernel's tables").because(e))?;
    let name = under(&state).or_else(|| default_route(&state)).ok_or_else(|| {
        Failure::found("no uplink: neither a tunnel's device nor a default route").hint("name one with -i")
    })?;
    // In a pod's namespace there is no tunnel to be chosen from: all of its traffic is asked for.
    let pod = flags.netns.is_some() && state.links.values().all(|link| link.vxlan().is_none());
    Ok((name, if pod { String::new() } else { filter(&state) }))
}

/// The interface below the first tunnel that names one.
fn under(state: &State) -> Option<String> {
    let below = state.links.values().filter_map(|link| link.vxlan()?.lower);
    below.map(|name| name.to_string()).next()
}

fn default_route(state: &State) -> Option<String> {
    let lines = crate::tap::text("/proc/net/route").unwrap_or_default();
    let mut named = lines.lines().skip(1).filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, to) = (words.next()?, words.next()?);
        (to == "00000000").then(|| name.to_owned())
    });
    named.find(|name| state.links.keys().any(|known| known.as_str() == name))
}

/// The filter of every port behind which a tunnel may be.
pub fn ports(tunnels: &Tunnels) -> String {
    let all = [&tunnels.vxlan, &tunnels.otv, &tunnels.gpe, &tunnels.geneve, &tunnels.bare];
    let each: Vec<String> = all.into_iter().flatten().map(|port| format!("udp port {port}")).collect();
    each.join(" or ")
}

/// `udp port 8472 or udp port 4789`, as the devices say.
fn filter(state: &State) -> String {
    let mut ports: Vec<u16> = state.links.values().filter_map(|link| Some(link.vxlan()?.port)).collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() {
        ports.push(USUAL);
    }
    let each: Vec<String> = ports.iter().map(|port| format!("udp port {port}")).collect();
    each.join(" or ")
}

/// The filter with ICMP errors, which are about packets of the tunnels.
pub fn with_errors(filter: String) -> String {
    // An empty filter takes them anyway.
    if filter.is_empty() { filter } else { format!("{filter} or {ERRORS}") }
}

/// Unreachable, time exceeded, parameter problem; of ICMPv6 all errors have a type below 128.
const ERRORS: &str = "(icmp and (icmp[0] = 3 or icmp[0] = 11 or icmp[0] = 12)) or (icmp6 and ip6[40] < 128)";

/// Says what was chosen.
pub fn told(flags: &Flags, name: &str, tunnels: &str) {
    if !flags.quiet {
        // Nothing can be done about a closed stderr.
        let _ = match tunnels {
            "" => writeln!(std::io::stderr(), "flanctl: no tunnel is here: capturing -i {name}"),
            _ => {
                writeln!(
                    std::io::stderr(),
                    "flanctl: capturing the tunnels of this host: -i {name} {tunnels}"
                )
            }
        };
    }
}
