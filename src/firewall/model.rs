//! The rules as values: tables, chains, sets, rules. What a rule says is in `says`.

use serde::{Deserialize, Serialize};

use super::Hook;
use super::says::{Element, Say, Step};

/// All rules of one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ruleset {
    /// Tables of nft, of iptables-nft and of iptables-legacy.
    pub tables: Vec<Table>,
    /// What a tool could not show, a sentence each.
    pub unseen: Vec<String>,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// `ip`, `ip6`, `inet`, `arp`, `bridge`, `netdev`.
    pub family: String,
    /// Name.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// Whether its chains are asked at all.
    #[serde(default, skip_serializing_if = "Awake::is_yes")]
    pub awake: Awake,
    /// Chains in the order of the listing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chains: Vec<Chain>,
    /// Named sets and maps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<Set>,
}

/// Which tool owns a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// Written by nft.
    Nft,
    /// Written by iptables-nft (`iptables`).
    IptablesNft,
    /// Written by iptables-legacy, in the kernel's old tables.
    IptablesLegacy,
}

/// Whether a table is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Awake {
    /// In force.
    #[default]
    Yes,
    /// `flags dormant`: there, but not asked.
    No,
    /// It has a flag that its listing does not name (nft before 1.0.7 prints the table's name for it).
    Unclear,
}

impl Awake {
    fn is_yes(&self) -> bool {
        *self == Self::Yes
    }
}

/// A chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// Name.
    pub name: String,
    /// Where it hooks in; nothing for a chain that is only jumped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// Rules in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// Where a base chain hooks in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// `filter`, `nat`, `route`.
    pub kind: String,
    /// Which hook; nothing for one that a packet on its way through IP does not meet (`ingress`, `egress`).
    pub hook: Option<Hook>,
    /// Lower comes first.
    pub priority: i32,
    /// What happens to who gets to the end.
    pub policy: Say,
    /// The end of a device at which it is asked instead of a hook of IP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<Edge>,
    /// The devices of that end; none if they were not told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// Packets that got to the end, as far as the tool tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<Counter>,
}

/// The ends of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// What came in, before all else.
    Ingress,
    /// What goes out, after all else.
    Egress,
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counter {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// nft's handle, or the place (from 1) in an iptables chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<u64>,
    /// As its tool prints it.
    pub text: String,
    /// What it counted, where it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<Counter>,
    /// What it says, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// A named set or map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// Name.
    pub name: String,
    /// What is in it; nothing if it could not be read.
    pub elements: Option<Vec<Element>>,
}
