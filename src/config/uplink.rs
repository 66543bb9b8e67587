//! Which interface and addresses carry the overlay: flannel's selection rules over what the kernel holds.
//! Decides only; asks the kernel nothing but what the caller's `reach` answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::config::{Backend, NetConf, Settings, Uplink};
use crate::net::IfName;
use crate::state::{Link, State};

mod candidates;
mod default_route;
mod error;

use candidates::{addrs4, addrs6, inventory, links_in_order, owner4, owner6};
pub use error::UplinkError;

/// The kernel's answer to "how would you reach this address": the device, and the preferred source.
pub type Reach<'a> = &'a dyn Fn(IpAddr) -> Option<(IfName, Option<IpAddr>)>;

/// The families that the overlay needs underlay addresses of.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stack {
    v4: bool,
    v6: bool,
}

/// An interface, and the addresses that its selector has fixed already.
#[derive(Clone, Copy)]
struct Pick {
    dev: IfName,
    v4: Option<Ipv4Addr>,
    v6: Option<Ipv6Addr>,
}

impl Pick {
    fn whole(dev: IfName) -> Self {
        Self { dev, v4: None, v6: None }
    }
}

/// How an interface is sought.
enum Selector<'a> {
    /// `--iface`, or `--public-ip` standing alone.
    Iface(&'a str),
    Regex(&'a str),
    CanReach(&'a str),
    DefaultRoute,
}

/// Everything that a selector may look at.
struct Search<'a> {
    state: &'a State,
    settings: &'a Settings,
    netconf: &'a NetConf,
    stack: Stack,
    reach: Reach<'a>,
}

/// Chooses the uplink. Also answers what flannel would log on the way, line by line.
pub fn choose(
    state: &State,
    settings: &Settings,
    netconf: &NetConf,
    reach: Reach<'_>,
) -> Result<(Uplink, Vec<String>), UplinkError> {
    let stack = Stack { v4: netconf.v4.is_some(), v6: netconf.v6.is_some() };
    let search = Search { state, settings, netconf, stack, reach };
    let mut notes = Vec::new();

    let Settings { ifaces, iface_regexes, iface_can_reach, .. } = settings;
    let asked = ifaces.iter().map(|i| Selector::Iface(i));
    let asked = asked.chain(iface_regexes.iter().map(|r| Selector::Regex(r)));
    let asked: Vec<_> = asked.chain(iface_can_reach.iter().map(|t| Selector::CanReach(t))).collect();
    if asked.is_empty() {
        let public = search.bare_public();
        let selector = public.as_deref().map_or(Selector::DefaultRoute, Selector::Iface);
        return search.attempt(&selector, &mut notes).map(|uplink| (uplink, notes));
    }
    let mut tried = Vec::new();
    for selector in &asked {
        match search.attempt(selector, &mut notes) {
            Ok(uplink) => return Ok((uplink, notes)),
            Err(why) => {
                notes.push(format!("Could not find valid interface matching {}: {why}", selector.text()));
                tried.push((selector.text().to_owned(), why));
            }
        }
    }
    Err(UplinkError::NothingMatched { tried, have: inventory(state, stack) })
}

/// The error for names of which none is an interface.
pub fn none_named(state: &State, names: &[String]) -> UplinkError {
    let have = inventory(state, Stack { v4: true, v6: true });
    let no = |name: &String| UplinkError::NoSuchInterface { name: name.clone(), have: have.clone() };
    let tried = names.iter().map(|name| (name.clone(), no(name))).collect();
    UplinkError::NothingMatched { tried, have }
}

impl Selector<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Iface(text) | Self::Regex(text) | Self::CanReach(text) => text,
            Self::DefaultRoute => "",
        }
    }
}

impl Search<'_> {
    /// `--public-ip` standing alone selects the interface that owns it.
    fn bare_public(&self) -> Option<String> {
        let v4 = self.settings.public_ip.filter(|_| self.stack.v4).map(|ip| ip.to_string());
        v4.or(self.settings.public_ipv6.filter(|_| self.stack.v6).map(|ip| ip.to_string()))
    }

    fn attempt(&self, selector: &Selector<'_>, notes: &mut Vec<String>) -> Result<Uplink, UplinkError> {
        notes.push(match selector {
            Selector::DefaultRoute => "Determining IP address of default interface".to_owned(),
            Selector::CanReach(ip) => format!("Determining interface to use based on given ifcanreach: {ip}"),
            other => format!("Searching for interface using {}", other.text()),
        });
        let pick = match selector {
            Selector::Iface(text) => match text.parse() {
                Ok(IpAddr::V4(ip)) => self.by_v4(ip),
                Ok(IpAddr::V6(ip)) => self.by_v6(ip),
                Err(_) => self.by_name(text),
            },
            Selector::Regex(pattern) => self.by_regex(pattern),
            Selector::CanReach(target) => self.by_reach(target),
            Selector::DefaultRoute => default_route::pick(self.state, self.stack),
        }?;
        self.complete(pick, notes)
    }

    fn by_v4(&self, ip: Ipv4Addr) -> Result<Pick, UplinkError> {
        if !self.stack.v4 {
            return Err(UplinkError::WrongFamily { ip: ip.into(), only: "IPv6" });
        }
        let dev = owner4(self.state, ip).ok_or_else(|| self.nobody(ip.into()))?;
        let public = self.settings.public_ipv6.filter(|_| self.stack.v6);
        // An address that no interface owns is a NAT's: it says nothing about the interface.
        match public.and_then(|v6| owner6(self.state, v6)) {
            Some(other) if other != dev => Err(UplinkError::TwoInterfaces { v4: dev, v6: other }),
            Some(_) => Ok(Pick { dev, v4: Some(ip), v6: public }),
            None => Ok(Pick { dev, v4: Some(ip), v6: None }),
        }
    }

    fn by_v6(&self, ip: Ipv6Addr) -> Result<Pick, UplinkError> {
        if !self.stack.v6 {
            return Err(UplinkError::WrongFamily { ip: ip.into(), only: "IPv4" });
        }
        let dev = owner6(self.state, ip).ok_or_else(|| self.nobody(ip.into()))?;
        let public = self.settings.public_ip.filter(|_| self.stack.v4);
        match public.and_then(|v4| owner4(self.state, v4)) {
            Some(other) if other != dev => Err(UplinkError::TwoInterfaces { v4: other, v6: dev }),
            Some(_) => Ok(Pick { dev, v4: public, v6: Some(ip) }),
            None => Ok(Pick { dev, v4: None, v6: Some(ip) }),
        }
    }

    fn by_name(&self, name: &str) -> Result<Pick, UplinkError> {
        let known = name.parse().ok().filter(|dev| self.state.links.contains_key(dev));
        known.map(Pick::whole).ok_or_else(|| UplinkError::NoSuchInterface {
            name: name.to_owned(),
            have: inventory(self.state, self.stack),
        })
    }

    /// Addresses first, then names. A pair of addresses always comes from one interface.
    fn by_regex(&self, pattern: &str) -> Result<Pick, UplinkError> {
        let regex =
            regex::Regex::new(pattern).map_err(|_| UplinkError::BadRegex { pattern: pattern.to_owned() })?;
        let links: Vec<IfName> = links_in_order(self.state).filter(|dev| !self.own(*dev)).collect();
        for dev in &links {
            let v4 = addrs4(self.state, *dev).into_iter().find(|ip| regex.is_match(&ip.to_string()));
            let v6 = addrs6(self.state, *dev).into_iter().find(|ip| regex.is_match(&ip.to_string()));
            let (v4, v6) = (v4.filter(|_| self.stack.v4), v6.filter(|_| self.stack.v6));
            if v4.is_some() == self.stack.v4 && v6.is_some() == self.stack.v6 {
                return Ok(Pick { dev: *dev, v4, v6 });
            }
        }
        let named = links.iter().find(|dev| regex.is_match(dev.as_str()));
        named.map(|dev| Pick::whole(*dev)).ok_or_else(|| UplinkError::NoMatch {
            pattern: pattern.to_owned(),
            have: inventory(self.state, self.stack),
        })
    }

    fn by_reach(&self, target: &str) -> Result<Pick, UplinkError> {
        let ip: IpAddr =
            target.parse().map_err(|_| UplinkError::NotAnAddress { target: target.to_owned() })?;
        let (dev, src) = (self.reach)(ip).ok_or(UplinkError::Unreachable { target: ip })?;
        Ok(match src {
            Some(IpAddr::V4(v4)) => Pick { dev, v4: Some(v4), v6: None },
            Some(IpAddr::V6(v6)) => Pick { dev, v4: None, v6: Some(v6) },
            None => Pick::whole(dev),
        })
    }

    /// Fills in the addresses that the selector left open, and the advertised ones.
    fn complete(&self, pick: Pick, notes: &mut Vec<String>) -> Result<Uplink, UplinkError> {
        let Pick { dev, v4, v6 } = pick;
        if self.own(dev) {
            return Err(UplinkError::OwnDevice { dev });
        }
        let Some(Link { mtu, .. }) = self.state.links.get(&dev) else {
            return Err(UplinkError::NoSuchInterface {
                name: dev.to_string(),
                have: inventory(self.state, self.stack),
            });
        };
        let v4 = v4.filter(|_| self.stack.v4).or_else(|| addrs4(self.state, dev).first().copied());
        let v6 = v6.filter(|_| self.stack.v6).or_else(|| addrs6(self.state, dev).first().copied());
        let (v4, v6) = (v4.filter(|_| self.stack.v4), v6.filter(|_| self.stack.v6));
        if self.stack.v4 && v4.is_none() {
            return Err(UplinkError::NoAddress { dev, family: "IPv4" });
        }
        if self.stack.v6 && v6.is_none() {
            return Err(UplinkError::NoAddress { dev, family: "IPv6" });
        }
        if *mtu == 0 {
            return Err(UplinkError::NoMtu { dev });
        }
        let uplink = Uplink {
            dev,
            mtu: *mtu,
            v4,
            v6,
            ext_v4: v4.map(|own| self.settings.public_ip.unwrap_or(own)),
            ext_v6: v6.map(|own| self.settings.public_ipv6.unwrap_or(own)),
        };
        note(&uplink, self.settings, notes);
        Ok(uplink)
    }

    /// The overlay's own devices can carry the overlay no more than a boat its sea.
    fn own(&self, dev: IfName) -> bool {
        let Backend::Vxlan(conf) = self.netconf.backend;
        let name = dev.as_str();
        let vni = name.strip_prefix("flannel.").or_else(|| name.strip_prefix("flannel-v6."));
        vni.is_some_and(|vni| vni == conf.vni.to_string())
    }

    fn nobody(&self, ip: IpAddr) -> UplinkError {
        UplinkError::NobodyOwns { ip, have: inventory(self.state, self.stack) }
    }
}

/// flannel's lines on the choice.
fn note(uplink: &Uplink, settings: &Settings, notes: &mut Vec<String>) {
    let Uplink { dev, mtu: _, v4, v6, ext_v4, ext_v6 } = uplink;
    if let Some(ip) = v4 {
        notes.push(format!("Using interface with name {dev} and address {ip}"));
    }
    if let Some(ip) = v6 {
        notes.push(format!("Using interface with name {dev} and v6 address {ip}"));
    }
    match (ext_v4, settings.public_ip) {
        (Some(ip), None) => notes.push(format!("Defaulting external address to interface address ({ip})")),
        (Some(ip), Some(_)) => notes.push(format!("Using {ip} as external address")),
        (None, _) => {}
    }
    match (ext_v6, settings.public_ipv6) {
        (Some(ip), None) => notes.push(format!("Defaulting external v6 address to interface address ({ip})")),
        (Some(ip), Some(_)) => notes.push(format!("Using {ip} as external address")),
        (None, _) => {}
    }
}

#[cfg(test)]
mod tests;
