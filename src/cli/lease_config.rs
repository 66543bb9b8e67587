//! What `flanctl lease config set` looks at before it writes: keys that nobody reads, leases that would not fit.
//! Judges only; the caller warns and refuses.

use serde_json::{Map, Value};

use crate::config::{Backend, NetConf};
use crate::lease::{Lease, VxlanData};

/// Keys that flannel reads, whatever their case.
const KEYS: &[&str] = &[
    "EnableIPv4",
    "EnableIPv6",
    "EnableNFTables",
    "Network",
    "IPv6Network",
    "SubnetLen",
    "SubnetMin",
    "SubnetMax",
    "IPv6SubnetLen",
    "IPv6SubnetMin",
    "IPv6SubnetMax",
    "Backend",
];

/// Those of the vxlan backend; the last two are for Windows nodes of the same cluster.
const BACKEND_KEYS: &[&str] =
    &["Type", "VNI", "Port", "MTU", "GBP", "Learning", "DirectRouting", "Name", "MacPrefix"];

/// `unknown key Vmi in Backend`, one an unknown key.
pub(super) fn unknown_keys(text: &str) -> Vec<String> {
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return Vec::new() };
    let mut all: Vec<String> = strangers(&object, KEYS).map(|key| format!("unknown key {key}")).collect();
    let named = object.iter().filter(|(key, _)| key.eq_ignore_ascii_case("Backend"));
    for backend in named.filter_map(|(_, value)| value.as_object()) {
        all.extend(strangers(backend, BACKEND_KEYS).map(|key| format!("unknown key {key} in Backend")));
    }
    all
}

fn strangers<'a>(object: &'a Map<String, Value>, known: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    let unknown = object.keys().filter(|key| !known.iter().any(|known| known.eq_ignore_ascii_case(key)));
    unknown.map(|key| crate::render::clean(key))
}

/// The leases that no agent could keep under `conf`, in words; `None` if all fit.
pub(super) fn misfits(conf: &NetConf, leases: &[Lease]) -> Option<String> {
    let reasons: Vec<(&Lease, &str)> =
        leases.iter().filter_map(|lease| Some((lease, misfit(conf, lease)?))).collect();
    let (first, why) = reasons.first()?;
    let (count, of) = (reasons.len(), leases.len());
    let named = format!("{} of node {}", first.subnet.cidrs(), first.attrs.name());
    let more = if count > 1 { ", for one" } else { "" };
    Some(format!("{count} of {of} leases do not fit: {named}{more}, {why}"))
}

fn misfit(conf: &NetConf, lease: &Lease) -> Option<&'static str> {
    let networks = conf.networks();
    if lease.subnet.nets().any(|net| !networks.iter().any(|network| network.contains(&net))) {
        return Some("is outside the new network");
    }
    if &*lease.attrs.backend_type != conf.backend_type() {
        return Some("is of another backend");
    }
    let Backend::Vxlan(vxlan) = &conf.backend;
    let data = [&lease.attrs.backend_data, &lease.attrs.backend_v6_data].into_iter().flatten();
    let other = data.filter_map(|text| VxlanData::parse(text).ok()).any(|data| data.vni != vxlan.vni);
    other.then_some("is on another VNI")
}
