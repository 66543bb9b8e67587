//! Keys and values as etcd holds them: flannel's bytes to our values and back.
//! Pure; a value is untrusted input, so reading one never panics.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::lease::Attrs;
use crate::net::{BadSubnet, Subnet};

/// The value of a lease cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("value is no lease: {0}")]
pub struct BadValue(pub String);

/// The value: flannel's compact JSON in flannel's order, then `Node`, then what we do not know.
pub fn encode_value(attrs: &Attrs) -> String {
    let Attrs { public_ip, public_ipv6, backend_type, backend_data, backend_v6_data, node, unknown } = attrs;
    let mut out = String::with_capacity(192);
    push(&mut out, "PublicIP", &quoted(&public_ip.unwrap_or(Ipv4Addr::UNSPECIFIED).to_string()));
    push(
        &mut out,
        "PublicIPv6",
        &public_ipv6.map_or_else(|| "null".to_owned(), |ip| quoted(&ip.to_string())),
    );
    if !backend_type.is_empty() {
        push(&mut out, "BackendType", &quoted(backend_type));
    }
    for (name, raw) in [("BackendData", backend_data), ("BackendV6Data", backend_v6_data)] {
        if let Some(raw) = raw {
            push(&mut out, name, raw);
        }
    }
    if let Some(node) = node {
        push(&mut out, "Node", &quoted(node));
    }
    for (name, raw) in unknown {
        push(&mut out, name, raw);
    }
    out.push('}');
    out
}

fn push(out: &mut String, name: &str, raw: &str) {
    out.push(if out.is_empty() { '{' } else { ',' });
    out.push_str(&quoted(name));
    out.push(':');
    out.push_str(raw);
}

fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// Reads a value. Names in any case, as Go reads them; the last of two equal names counts; unknown fields are
/// kept; `PublicIP` `0.0.0.0` (a lease with IPv6 only) is none.
pub fn decode_value(bytes: &[u8]) -> Result<Attrs, BadValue> {
    let Fields(fields) = serde_json::from_slice(bytes).map_err(|e| BadValue(e.to_string()))?;
    let mut attrs = Attrs::default();
    for (name, raw) in fields {
        match name.to_ascii_lowercase().as_str() {
            "publicip" => attrs.public_ip = public_v4(raw)?,
            "publicipv6" => attrs.public_ipv6 = read::<Option<Ipv6Addr>>("PublicIPv6", raw)?,
            "backendtype" => {
                attrs.backend_type = read::<Option<Box<str>>>("BackendType", raw)?.unwrap_or_default();
            }
            "backenddata" => attrs.backend_data = Some(raw.get().into()),
            "backendv6data" => attrs.backend_v6_data = Some(raw.get().into()),
            "node" => {
                attrs.node = read::<Option<Box<str>>>("Node", raw)?.filter(|name| !name.is_empty());
            }
            _ => match attrs.unknown.iter_mut().find(|(seen, _)| **seen == *name) {
                Some((_, value)) => *value = raw.get().into(),
                None => attrs.unknown.push((name.into(), raw.get().into())),
            },
        }
    }
    Ok(attrs)
}

fn public_v4(raw: &RawValue) -> Result<Option<Ipv4Addr>, BadValue> {
    match read::<Option<IpAddr>>("PublicIP", raw)?.map(|ip| ip.to_canonical()) {
        None => Ok(None),
        Some(IpAddr::V4(ip)) => Ok(Some(ip).filter(|ip| !ip.is_unspecified())),
        Some(IpAddr::V6(ip)) => Err(BadValue(format!("PublicIP {ip} is not an IPv4 address"))),
    }
}

fn read<T: DeserializeOwned>(name: &str, raw: &RawValue) -> Result<T, BadValue> {
    serde_json::from_str(raw.get()).map_err(|e| BadValue(format!("{name}: {e}")))
}

/// The fields of an object in their order, values unread.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(5);
                while let Some(pair) = map.next_entry()? {
                    fields.push(pair);
                }
                Ok(Fields(fields))
            }
        }
        d.deserialize_map(Pairs)
    }
}

/// Where every lease's key begins: `<prefix>/subnets/`.
pub fn leases_under(prefix: &str) -> String {
    format!("{prefix}/subnets/")
}

/// The key of the network config.
pub fn config_key(prefix: &str) -> String {
    format!("{prefix}/config")
}

/// The key of a lease.
pub fn key_of(prefix: &str, subnet: &Subnet) -> String {
    format!("{prefix}/subnets/{subnet}")
}

/// The subnet that a key names. Stricter than flannel, which matches the end of any key: only keys directly
/// under `<prefix>/subnets/` count, and only in the one form that flannel writes, so that
/// `key_of(subnet_of_key(key)) == key`.
pub fn subnet_of_key(prefix: &str, key: &str) -> Result<Subnet, BadSubnet> {
    let bad = || BadSubnet(key.to_owned());
    let rest = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix("/subnets/")).ok_or_else(bad)?;
    subnet_of_segment(rest).ok_or_else(bad)
}

/// The subnet that the last segment of a key, or the name of a file, spells in the one form.
pub fn subnet_of_segment(text: &str) -> Option<Subnet> {
    text.parse().ok().filter(|subnet: &Subnet| subnet.to_string() == text)
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
