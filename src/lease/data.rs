//! `BackendData` of a vxlan lease: bytes to value and back, flannel's compact form.

use std::borrow::Cow;

use serde::Deserialize;

use super::VxlanData;

/// `BackendData` is not what a vxlan lease carries.
#[derive(Debug, thiserror::Error)]
#[error("BackendData {text:?} is not {{\"VNI\":…,\"VtepMAC\":…}}: {why}")]
pub struct BadVxlanData {
    /// What was there (may be long; a lease is untrusted).
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "VNI", alias = "vni", default)]
    vni: u32,
    #[serde(rename = "VtepMAC", alias = "vtepMAC", alias = "vtepmac", borrow)]
    mac: Cow<'a, str>,
}

impl VxlanData {
    /// Reads the JSON; unknown fields are ignored, `VNI` may be absent (old flannel), the MAC must parse.
    pub fn parse(text: &str) -> Result<Self, BadVxlanData> {
        let bad = |why: String| BadVxlanData { text: text.chars().take(120).collect(), why };
        let wire: Wire<'_> = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
        let mac = wire.mac.parse().map_err(|e| bad(format!("{e}")))?;
        Ok(Self { vni: wire.vni, mac })
    }

    /// flannel's compact form: `{"VNI":1,"VtepMAC":"02:42:ac:11:00:02"}`.
    pub fn to_json(self) -> String {
        format!(r#"{{"VNI":{},"VtepMAC":"{}"}}"#, self.vni, self.mac)
    }
}
