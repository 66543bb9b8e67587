//! The network config (`net-conf.json`): text in, checked value out, with flannel's rules in flannel's order and
//! words. Where flannel finds out too late (Min past Max, a wrong family, no backend type), this refuses at once.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Serialize;

use crate::config::go_json::{Object, WrongType, shortened};
use crate::config::{Backend, NetConf, Range4, Range6, VxlanConf};
use crate::net::Subnet;

mod error;

pub use error::NetConfError;

/// Backend types that flannel has and this build has not.
const LATER: &[&str] = &["host-gw", "udp", "wireguard", "ipip", "ipsec", "alloc", "extension", "tencent-vpc"];

/// The kernel's default VXLAN port, which is not the IANA's 4789.
const KERNEL_VXLAN_PORT: u16 = 8472;

impl NetConf {
    /// Reads and checks a network config.
    pub fn parse(text: &str) -> Result<Self, NetConfError> {
        let object: Object = serde_json::from_str(text).map_err(|e| NetConfError::syntax(text, &e))?;
        let fields = Fields::of(&object)?;
        let v4 = if fields.enable_v4 { Some(fields.range4()?) } else { None };
        let v6 = if fields.enable_v6 { Some(fields.range6()?) } else { None };
        if v4.is_none() && v6.is_none() {
            return Err(NetConfError::NoStack);
        }
        Ok(Self { v4, v6, nftables: fields.nftables, backend: backend(&object, v6.is_some())? })
    }

    /// True if a node may keep this subnet under this config: each enabled family inside its range and of the
    /// right length, no family that is not enabled.
    pub fn covers(&self, subnet: &Subnet) -> bool {
        let v4 = match (&self.v4, subnet.v4) {
            (Some(range), Some(net)) => range.allows(net),
            (None, None) => true,
            _ => false,
        };
        let v6 = match (&self.v6, subnet.v6) {
            (Some(range), Some(net)) => range.allows(net),
            (None, None) => true,
            _ => false,
        };
        v4 && v6
    }

    /// The backend's name as leases carry it.
    pub fn backend_type(&self) -> &'static str {
        match self.backend {
            Backend::Vxlan(_) => "vxlan",
        }
    }

    /// The overlay's networks, IPv4 first.
    pub fn networks(&self) -> Vec<IpNet> {
        let v4 = self.v4.map(|r| IpNet::V4(r.network));
        let v6 = self.v6.map(|r| IpNet::V6(r.network));
        v4.into_iter().chain(v6).collect()
    }

    /// The config as JSON with every default written out; reads back as the same value.
    pub fn to_json(&self) -> String {
        let Self { v4, v6, nftables, backend } = self;
        let Backend::Vxlan(VxlanConf { vni, port, mtu, gbp, learning, direct_routing }) = *backend;
        let written = Written {
            enable_ipv4: v4.is_some(),
            network: v4.map(|r| r.network),
            subnet_len: v4.map(|r| r.subnet_len),
            subnet_min: v4.map(|r| r.min),
            subnet_max: v4.map(|r| r.max),
            enable_ipv6: v6.is_some(),
            ipv6_network: v6.map(|r| r.network),
            ipv6_subnet_len: v6.map(|r| r.subnet_len),
            ipv6_subnet_min: v6.map(|r| r.min),
            ipv6_subnet_max: v6.map(|r| r.max),
            nftables: *nftables,
            backend: WrittenVxlan { kind: "vxlan", vni, port, mtu, gbp, learning, direct_routing },
        };
        // Strings, numbers and booleans only: nothing here can refuse to be written.
        serde_json::to_string_pretty(&written).unwrap_or_default()
    }
}

/// The key order of what `to_json` writes.
#[derive(Serialize)]
struct Written {
    #[serde(rename = "EnableIPv4")]
    enable_ipv4: bool,
    #[serde(rename = "Network", skip_serializing_if = "Option::is_none")]
    network: Option<Ipv4Net>,
    #[serde(rename = "SubnetLen", skip_serializing_if = "Option::is_none")]
    subnet_len: Option<u8>,
    #[serde(rename = "SubnetMin", skip_serializing_if = "Option::is_none")]
    subnet_min: Option<Ipv4Addr>,
    #[serde(rename = "SubnetMax", skip_serializing_if = "Option::is_none")]
    subnet_max: Option<Ipv4Addr>,
    #[serde(rename = "EnableIPv6")]
    enable_ipv6: bool,
    #[serde(rename = "IPv6Network", skip_serializing_if = "Option::is_none")]
    ipv6_network: Option<Ipv6Net>,
    #[serde(rename = "IPv6SubnetLen", skip_serializing_if = "Option::is_none")]
    ipv6_subnet_len: Option<u8>,
    #[serde(rename = "IPv6SubnetMin", skip_serializing_if = "Option::is_none")]
    ipv6_subnet_min: Option<Ipv6Addr>,
    #[serde(rename = "IPv6SubnetMax", skip_serializing_if = "Option::is_none")]
    ipv6_subnet_max: Option<Ipv6Addr>,
    #[serde(rename = "EnableNFTables")]
    nftables: bool,
    #[serde(rename = "Backend")]
    backend: WrittenVxlan,
}

#[derive(Serialize)]
struct WrittenVxlan {
    #[serde(rename = "Type")]
    kind: &'static str,
    #[serde(rename = "VNI")]
    vni: u32,
    #[serde(rename = "Port")]
    port: u16,
    #[serde(rename = "MTU", skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    #[serde(rename = "GBP")]
    gbp: bool,
    #[serde(rename = "Learning")]
    learning: bool,
    #[serde(rename = "DirectRouting")]
    direct_routing: bool,
}

/// The top-level keys, types checked, nothing else.
struct Fields {
    enable_v4: bool,
    enable_v6: bool,
    nftables: bool,
    network: Option<Ipv4Net>,
    len: u64,
    min: Option<Ipv4Addr>,
    max: Option<Ipv4Addr>,
    network6: Option<Ipv6Net>,
    len6: u64,
    min6: Option<Ipv6Addr>,
    max6: Option<Ipv6Addr>,
}

impl Fields {
    fn of(o: &Object) -> Result<Self, NetConfError> {
        let bool = |key| o.get::<bool>(key).map_err(expecting("true or false"));
        let uint = |key| o.get::<u64>(key).map_err(expecting("a whole number from 0"));
        Ok(Self {
            enable_v4: bool("EnableIPv4")?.unwrap_or(true),
            enable_v6: bool("EnableIPv6")?.unwrap_or(false),
            nftables: bool("EnableNFTables")?.unwrap_or(false),
            network: cidr(o, "Network", "invalid IPv4 CIDR format")?,
            len: uint("SubnetLen")?.unwrap_or(0),
            min: addr4(o, "SubnetMin")?,
            max: addr4(o, "SubnetMax")?,
            network6: cidr(o, "IPv6Network", "invalid IPv6 CIDR format")?,
            len6: uint("IPv6SubnetLen")?.unwrap_or(0),
            min6: addr6(o, "IPv6SubnetMin")?,
            max6: addr6(o, "IPv6SubnetMax")?,
        })
    }

    /// flannel's six rules for IPv4, and that min is not past max.
    fn range4(&self) -> Result<Range4, NetConfError> {
        let network =
            self.network.map(|n| n.trunc()).filter(|n| !n.addr().is_unspecified() || n.prefix_len() != 0);
        let network = network.ok_or(NetConfError::NoNetwork("Network"))?;
        let subnet_len = match self.len {
            0 => default_len(network.prefix_len(), 28, 24)
                .ok_or(NetConfError::TooSmall("Network", "network", 28))?,
            len => checked_len(len, network.prefix_len(), 30)?,
        };
        let size = 1u32 << (32 - subnet_len);
        let first = u32::from(network.network());
        let last = u32::from(network.broadcast());
        let min = self.min.map_or(first.saturating_add(size), u32::from);
        let max = self.max.map_or(last & !(size - 1), u32::from);
        let bounds = [("SubnetMin", min), ("SubnetMax", max)];
        for (key, at) in bounds {
            if !(first..=last).contains(&at) {
                return Err(NetConfError::OutsideNetwork(key, "Network"));
            }
        }
        for (key, at) in bounds {
            if at & (size - 1) != 0 {
                return Err(NetConfError::Unaligned(key, Ipv4Addr::from(at).into()));
            }
        }
        let (min, max) = (Ipv4Addr::from(min), Ipv4Addr::from(max));
        if min > max {
            return Err(NetConfError::MinPastMax("SubnetMin", min.into(), "SubnetMax", max.into()));
        }
        Ok(Range4 { network, subnet_len, min, max })
    }

    /// The same for IPv6.
    fn range6(&self) -> Result<Range6, NetConfError> {
        let network =
            self.network6.map(|n| n.trunc()).filter(|n| !n.addr().is_unspecified() || n.prefix_len() != 0);
        let network = network.ok_or(NetConfError::NoNetwork("IPv6Network"))?;
        let subnet_len = match self.len6 {
            0 => default_len(network.prefix_len(), 124, 64).ok_or(NetConfError::TooSmall(
                "IPv6Network",
                "IPv6Network",
                124,
            ))?,
            len => checked_len(len, network.prefix_len(), 126)?,
        };
        let size = 1u128 << (128 - subnet_len);
        let first = u128::from(network.network());
        let last = u128::from(network.broadcast());
        let min = self.min6.map_or(first.saturating_add(size), u128::from);
        let max = self.max6.map_or(last & !(size - 1), u128::from);
        let bounds = [("IPv6SubnetMin", min), ("IPv6SubnetMax", max)];
        for (key, at) in bounds {
            if !(first..=last).contains(&at) {
                return Err(NetConfError::OutsideNetwork(key, "IPv6Network"));
            }
        }
        for (key, at) in bounds {
            if at & (size - 1) != 0 {
                return Err(NetConfError::Unaligned(key, Ipv6Addr::from(at).into()));
            }
        }
        let (min, max) = (Ipv6Addr::from(min), Ipv6Addr::from(max));
        if min > max {
            return Err(NetConfError::MinPastMax("IPv6SubnetMin", min.into(), "IPv6SubnetMax", max.into()));
        }
        Ok(Range6 { network, subnet_len, min, max })
    }
}

/// The usual length if at least four such subnets fit, else a quarter of the network; none past `longest`.
fn default_len(network: u8, longest: u8, usual: u8) -> Option<u8> {
    match network {
        n if n > longest => None,
        n if n + 2 <= usual => Some(usual),
        n => Some(n + 2),
    }
}

fn checked_len(len: u64, network: u8, longest: u8) -> Result<u8, NetConfError> {
    match u8::try_from(len) {
        Ok(len) if len <= longest && len < network + 2 => Err(NetConfError::NotFour),
        Ok(len) if len <= longest => Ok(len),
        _ => Err(NetConfError::LenTooLong(longest + 1)),
    }
}

fn expecting(wanted: &'static str) -> impl Fn(WrongType) -> NetConfError {
    move |WrongType { key, got }| NetConfError::WrongType { key, wanted, got }
}

fn text(o: &Object, key: &'static str) -> Result<Option<String>, NetConfError> {
    o.get::<String>(key).map_err(expecting("a string"))
}

fn cidr<N: std::str::FromStr>(
    o: &Object,
    key: &'static str,
    why: &'static str,
) -> Result<Option<N>, NetConfError> {
    let Some(value) = text(o, key)? else { return Ok(None) };
    value.parse().map(Some).map_err(|_| NetConfError::BadValue { key, value, why })
}

/// An address of IPv4; zero is "not set".
fn addr4(o: &Object, key: &'static str) -> Result<Option<Ipv4Addr>, NetConfError> {
    let Some(value) = text(o, key)? else { return Ok(None) };
    match value.parse() {
        Ok(std::net::IpAddr::V4(ip)) => Ok(Some(ip).filter(|ip| !ip.is_unspecified())),
        Ok(_) => Err(NetConfError::BadValue { key, value, why: "invalid IPv4 address format" }),
        Err(_) => Err(NetConfError::BadValue { key, value, why: "invalid IP address format" }),
    }
}

/// An address of IPv6; zero is "not set".
fn addr6(o: &Object, key: &'static str) -> Result<Option<Ipv6Addr>, NetConfError> {
    let Some(value) = text(o, key)? else { return Ok(None) };
    match value.parse() {
        Ok(std::net::IpAddr::V6(ip)) => Ok(Some(ip).filter(|ip| !ip.is_unspecified())),
        Ok(_) => Err(NetConfError::BadValue { key, value, why: "invalid IPv6 address format" }),
        Err(_) => Err(NetConfError::BadValue { key, value, why: "invalid IP address format" }),
    }
}

fn backend(o: &Object, v6: bool) -> Result<Backend, NetConfError> {
    let Some(raw) = o.raw("Backend") else { return Err(NetConfError::NoBackend) };
    let options: Object = serde_json::from_str(raw.get())
        .map_err(|_| NetConfError::BackendNotObject { got: shortened(raw.get()) })?;
    let kind = options.get::<String>("Type").map_err(expecting("a string"))?.unwrap_or_default();
    match kind.to_lowercase().as_str() {
        "vxlan" => vxlan(&options, v6).map(Backend::Vxlan),
        kind => match LATER.iter().find(|later| **later == kind) {
            Some(later) => Err(NetConfError::NotBuilt(later)),
            None => Err(NetConfError::UnknownBackend(kind.to_owned())),
        },
    }
}

fn vxlan(o: &Object, v6: bool) -> Result<VxlanConf, NetConfError> {
    let int = |key| o.get::<i64>(key).map_err(expecting("a whole number"));
    let bool = |key| o.get::<bool>(key).map_err(expecting("true or false"));
    let limited = |key, least: i64, most: i64, value: i64| match u32::try_from(value) {
        Ok(n) if (least..=most).contains(&value) => Ok(n),
        _ => Err(NetConfError::OutOfRange { key, value, least, most }),
    };
    // The device's MTU is 50 less; below 1280 the kernel takes IPv6 off a device, below 68 IPv4.
    let least_mtu = 50 + if v6 { 1280 } else { 68 };
    let port = match int("Port")?.unwrap_or(0) {
        0 => KERNEL_VXLAN_PORT,
        port => limited("Port", 0, 65_535, port).map(|p| p as u16)?,
    };
    let mtu = match int("MTU")?.unwrap_or(0) {
        0 => None,
        mtu => Some(limited("MTU", least_mtu, 65_535, mtu)?),
    };
    Ok(VxlanConf {
        vni: limited("VNI", 1, (1 << 24) - 1, int("VNI")?.unwrap_or(1))?,
        port,
        mtu,
        gbp: bool("GBP")?.unwrap_or(false),
        learning: bool("Learning")?.unwrap_or(false),
        direct_routing: bool("DirectRouting")?.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests;
