//! Why no uplink could be chosen, in flannel's words where flannel has any, and what to do about it.

use std::net::IpAddr;

use crate::net::IfName;

/// No usable uplink.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UplinkError {
    /// Every selector failed; flannel's wording.
    #[error("Failed to find interface to use that matches the interfaces and/or regexes provided")]
    NothingMatched {
        /// Each selector and why it failed.
        tried: Vec<(String, UplinkError)>,
        /// Interfaces and addresses there are.
        have: String,
    },
    /// A name that is no interface.
    #[error("no interface {name} (there are {have})")]
    NoSuchInterface {
        /// The name.
        name: String,
        /// Interfaces and addresses there are.
        have: String,
    },
    /// An address that is on no interface.
    #[error("no interface has the address {ip} (there are {have})")]
    NobodyOwns {
        /// The address.
        ip: IpAddr,
        /// Interfaces and addresses there are.
        have: String,
    },
    /// An address of a family that the network does not use.
    #[error("{ip} cannot select an interface: the network has {only} only")]
    WrongFamily {
        /// The address.
        ip: IpAddr,
        /// The network's family.
        only: &'static str,
    },
    /// Selector and public address name two interfaces; flannel's wording.
    #[error("v6 interface {v6} must be the same with v4 interface {v4}")]
    TwoInterfaces {
        /// The IPv4 address's.
        v4: IfName,
        /// The IPv6 address's.
        v6: IfName,
    },
    /// A pattern that does not compile; flannel's wording.
    #[error("could not compile the IP address regex '{pattern}'")]
    BadRegex {
        /// The pattern.
        pattern: String,
    },
    /// A pattern that fits nothing; flannel's wording.
    #[error("could not match pattern {pattern} to any of the available network interfaces ({have})")]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// Interfaces and addresses there are.
        have: String,
    },
    /// `--iface-can-reach` is no address.
    #[error("{target} is not an IP address")]
    NotAnAddress {
        /// What it was set to.
        target: String,
    },
    /// The kernel has no route there.
    #[error("no route to {target}")]
    Unreachable {
        /// The address.
        target: IpAddr,
    },
    /// flannel's wording.
    #[error("failed to get default {family}interface: unable to find default {family}route")]
    NoDefault {
        /// Empty or `v6 `.
        family: &'static str,
    },
    /// flannel's wording.
    #[error(
        "failed to get default {family}interface: found default {family}route but could not determine interface"
    )]
    NoDevice {
        /// Empty or `v6 `.
        family: &'static str,
    },
    /// The default routes of the two families part.
    #[error("v6 default route interface {v6} must be the same with v4 default route interface {v4}")]
    TwoDefaults {
        /// IPv4's.
        v4: IfName,
        /// IPv6's.
        v6: IfName,
    },
    /// flannel's wording.
    #[error("failed to find {family} address for interface {dev}")]
    NoAddress {
        /// The interface.
        dev: IfName,
        /// `IPv4` or `IPv6`.
        family: &'static str,
    },
    /// flannel's wording.
    #[error("failed to determine MTU for {dev}")]
    NoMtu {
        /// The interface.
        dev: IfName,
    },
    /// The overlay's own device.
    #[error("{dev} is the overlay's own device")]
    OwnDevice {
        /// The device.
        dev: IfName,
    },
}

impl UplinkError {
    /// What was tried in vain, in flannel's log lines.
    pub fn trail(&self) -> Vec<String> {
        let Self::NothingMatched { tried, .. } = self else { return Vec::new() };
        tried.iter().map(|(by, why)| format!("Could not find valid interface matching {by}: {why}")).collect()
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NothingMatched { have, .. } => format!("choose among {have}"),
            Self::NoSuchInterface { .. } | Self::NoMatch { .. } => {
                "choose one of these with --iface".to_owned()
            }
            Self::NobodyOwns { .. } => {
                "name the interface with --iface; --public-ip alone must be an address of this host, a NAT \
                 address needs --iface too"
                    .to_owned()
            }
            Self::WrongFamily { only, .. } => format!("give an {only} address or the interface's name"),
            Self::TwoInterfaces { .. } => "give two addresses of one interface".to_owned(),
            Self::BadRegex { .. } => "correct --iface-regex".to_owned(),
            Self::NotAnAddress { .. } => "--iface-can-reach takes an IPv4 or IPv6 address".to_owned(),
            Self::Unreachable { .. } | Self::NoDefault { .. } | Self::NoDevice { .. } => {
                "name the interface with --iface".to_owned()
            }
            Self::TwoDefaults { .. } => "name the interface that has both families with --iface".to_owned(),
            Self::NoAddress { dev, family } => {
                format!("give {dev} an {family} address, or switch {family} off in the network config")
            }
            Self::NoMtu { dev } => format!("set the MTU of {dev}"),
            Self::OwnDevice { .. } => "choose an interface of the underlay".to_owned(),
        })
    }
}
