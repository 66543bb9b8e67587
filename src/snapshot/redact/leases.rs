//! What the store holds: leases, the network config; and the uplink that an agent chose.

use serde_json::Value;

use super::Redactor;
use crate::config::Uplink;
use crate::lease::{Attrs, Lease};
use crate::net::Mac;

/// Members of a network config that mean something to a reader; bounds of the leased range do not survive, because
/// order does not.
const CONFIG: &[&str] = &[
    "network",
    "subnetlen",
    "enableipv4",
    "enableipv6",
    "ipv6network",
    "ipv6subnetlen",
    "enablenftables",
    "backend",
    "type",
    "vni",
    "port",
    "mtu",
    "gbp",
    "learning",
    "directrouting",
    "mode",
    "listenport",
    "listenportv6",
    "persistentkeepaliveinterval",
    "macprefix",
    "udpencap",
];

impl Redactor {
    /// A lease. What its owner wrote beside flannel's fields is left out.
    pub(super) fn lease(&self, lease: Lease) -> Lease {
        let Lease { subnet, attrs, expires, revision, id } = lease;
        let Attrs { public_ip, public_ipv6, backend_type, backend_data, backend_v6_data, node, unknown: _ } =
            attrs;
        let attrs = Attrs {
            public_ip: public_ip.map(|ip| self.v4(ip)),
            public_ipv6: public_ipv6.map(|ip| self.v6(ip)),
            backend_type,
            backend_data: backend_data.map(|data| self.data(&data)),
            backend_v6_data: backend_v6_data.map(|data| self.data(&data)),
            node: node.map(|name| self.host(&name).into()),
            unknown: Vec::new(),
        };
        Lease { subnet: self.subnet(subnet), attrs, expires, revision, id }
    }

    fn data(&self, raw: &str) -> Box<str> {
        let value: Value = serde_json::from_str(raw).unwrap_or_default();
        self.strings(value).to_string().into()
    }

    /// Every string in it: an address, a MAC, or something that only its owner should know.
    fn strings(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.word(&text)),
            Value::Array(all) => Value::Array(all.into_iter().map(|one| self.strings(one)).collect()),
            Value::Object(all) => {
                Value::Object(all.into_iter().map(|(key, value)| (key, self.strings(value))).collect())
            }
            plain => plain,
        }
    }

    fn word(&self, text: &str) -> String {
        if let Ok(mac) = text.to_ascii_lowercase().parse::<Mac>() {
            return self.mac(mac).to_string();
        }
        match (text.parse(), text.parse()) {
            (Ok(net), _) => self.net(net).to_string(),
            (_, Ok(ip)) => self.ip(ip).to_string(),
            _ => format!("word-{:08x}", self.space.key.hash(b'w', text.as_bytes()) as u32),
        }
    }

    /// The network config: what flannel reads of it.
    pub(super) fn config(&self, text: &str) -> String {
        match serde_json::from_str(text) {
            Ok(value) => self.members(value).to_string(),
            Err(_) => String::new(),
        }
    }

    fn members(&self, value: Value) -> Value {
        let Value::Object(members) = value else { return value };
        let known =
            members.into_iter().filter(|(key, _)| CONFIG.contains(&key.to_ascii_lowercase().as_str()));
        let new = known.map(|(key, value)| match (key.to_ascii_lowercase().as_str(), value) {
            ("backend", value) => (key, self.members(value)),
            // Words of flannel's.
            ("type" | "mode", value) => (key, value),
            (_, value) => (key, self.strings(value)),
        });
        Value::Object(new.collect())
    }

    /// The uplink.
    pub(super) fn uplink(&self, uplink: Uplink) -> Uplink {
        let Uplink { dev, mtu, v4, v6, ext_v4, ext_v6 } = uplink;
        Uplink {
            dev: self.dev(dev),
            mtu,
            v4: v4.map(|ip| self.v4(ip)),
            v6: v6.map(|ip| self.v6(ip)),
            ext_v4: ext_v4.map(|ip| self.v4(ip)),
            ext_v6: ext_v6.map(|ip| self.v6(ip)),
        }
    }
}
