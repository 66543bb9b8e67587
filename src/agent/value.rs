//! The value of a lease as JSON. MERGE: delete this file; `crate::store::codec` does it byte for byte.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::lease::Attrs;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Value {
    #[serde(rename = "PublicIP")]
    public_ip: Ipv4Addr,
    #[serde(rename = "PublicIPv6", default)]
    public_ipv6: Option<Ipv6Addr>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    backend_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backend_data: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backend_v6_data: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<String>,
}

/// Attributes as a value.
pub fn encode_value(attrs: &Attrs) -> String {
    let raw = |text: &Option<Box<str>>| text.as_ref().and_then(|t| RawValue::from_string(t.to_string()).ok());
    let value = Value {
        public_ip: attrs.public_ip.unwrap_or(Ipv4Addr::UNSPECIFIED),
        public_ipv6: attrs.public_ipv6,
        backend_type: attrs.backend_type.to_string(),
        backend_data: raw(&attrs.backend_data),
        backend_v6_data: raw(&attrs.backend_v6_data),
        node: attrs.node.as_ref().map(ToString::to_string),
    };
    serde_json::to_string(&value).unwrap_or_default()
}

/// A value as attributes.
pub fn decode_value(bytes: &[u8]) -> Result<Attrs, serde_json::Error> {
    let value: Value = serde_json::from_slice(bytes)?;
    Ok(Attrs {
        public_ip: Some(value.public_ip).filter(|ip| !ip.is_unspecified()),
        public_ipv6: value.public_ipv6,
        backend_type: value.backend_type.into(),
        backend_data: value.backend_data.map(|raw| raw.get().into()),
        backend_v6_data: value.backend_v6_data.map(|raw| raw.get().into()),
        node: value.node.map(Into::into),
        unknown: Vec::new(),
    })
}
