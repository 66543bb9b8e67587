//! The network config as far as the readers need it. MERGE: `crate::config`'s NetConf::parse in place of this file.

use serde::Deserialize;

use crate::config::VxlanConf;
use crate::error::Failure;

#[derive(Deserialize)]
struct Conf {
    #[serde(rename = "Backend")]
    backend: Option<Backend>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Backend {
    #[serde(rename = "Type")]
    kind: String,
    #[serde(rename = "VNI")]
    vni: Option<u32>,
    port: u16,
    #[serde(rename = "MTU")]
    mtu: Option<u32>,
    #[serde(rename = "GBP")]
    gbp: bool,
    learning: bool,
    direct_routing: bool,
}

/// The vxlan options of a config; `None` if it is another backend's or unreadable.
pub(super) fn vxlan(text: &str) -> Option<VxlanConf> {
    let Backend { kind, vni, port, mtu, gbp, learning, direct_routing } =
        serde_json::from_str::<Conf>(text).ok()?.backend.unwrap_or_default();
    (kind == "vxlan").then(|| VxlanConf {
        vni: vni.unwrap_or(1),
        port: if port == 0 { 8472 } else { port },
        mtu,
        gbp,
        learning,
        direct_routing,
    })
}

/// Refuses what no agent could run with.
pub(super) fn check(text: &str) -> Result<(), Failure> {
    let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(text);
    let told = || Failure::usage("the network config is not valid");
    match parsed {
        Ok(map) if map.contains_key("Network") || map.contains_key("IPv6Network") => Ok(()),
        Ok(_) => Err(told().hint("it needs at least a Network, such as {\"Network\":\"10.5.0.0/16\",\"Backend\":{\"Type\":\"vxlan\"}}")),
        Err(error) => Err(told().because(error)),
    }
}
