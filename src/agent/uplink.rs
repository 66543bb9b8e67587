//! The uplink at the start: named, then chosen, with flannel's lines on the way.

use std::net::IpAddr;

use nix::net::if_::if_nametoindex;

use crate::config::{NetConf, Settings, Uplink, UplinkError, choose, none_named};
use crate::error::Failure;
use crate::kernel::{Kernel, LinuxKernel};
use crate::state::State;

/// Refuses names of which none is there, before any store is waited for. What else may select an interface (an
/// address, a pattern) is looked at when the network config is known.
pub(super) fn named(settings: &Settings) -> Result<(), Failure> {
    let Settings { ifaces, iface_regexes, iface_can_reach, .. } = settings;
    let only_names = iface_regexes.is_empty()
        && iface_can_reach.is_none()
        && ifaces.iter().all(|name| name.parse::<IpAddr>().is_err());
    if ifaces.is_empty() || !only_names || ifaces.iter().any(|name| if_nametoindex(name.as_str()).is_ok()) {
        return Ok(());
    }
    let have = LinuxKernel::open().and_then(|mut kernel| kernel.observe());
    let have = have.map_err(|e| Failure::unreadable("reading the kernel's tables").because(e))?;
    Err(failure(none_named(&have, ifaces)))
}

/// The uplink.
pub(super) fn chosen(
    have: &State,
    settings: &Settings,
    conf: &NetConf,
    kernel: &mut LinuxKernel,
) -> Result<Uplink, Failure> {
    let kernel = std::cell::RefCell::new(kernel);
    let reach = |to: IpAddr| kernel.borrow_mut().route_get(to).map(|(dev, src, _)| (dev, src));
    let (uplink, lines) = choose(have, settings, conf, &reach).map_err(failure)?;
    lines.iter().for_each(|line| tracing::info!("{line}"));
    Ok(uplink)
}

fn failure(e: UplinkError) -> Failure {
    e.trail().iter().for_each(|line| tracing::warn!("{line}"));
    let hint = e.hint();
    Failure::found("failed to find the interface to use").because(e).hinted(hint)
}
