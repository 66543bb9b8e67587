//! One node at one moment: its tables, the leases, the network config; to and from bytes. No secrets.
//! Decides only the shape, and what is replaced for strangers' eyes; who takes a snapshot and where it is kept is the
//! caller's.

mod apart;
pub mod redact;

pub use apart::tell_apart;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use serde::ser::{Error as _, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::config::{NetConf, Uplink, is_secret};
use crate::lease::{Expiry, Lease};
use crate::net::{IfName, Subnet};
use crate::schema::{self, BadSchema};
use crate::state::{AddrKey, Pod, State, Vxlan};
use crate::store::codec::{decode_value, encode_value};

const KIND: &str = "snapshot";
const VERSION: u32 = 1;

/// What `--snapshot FILE` holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Host name of the node.
    pub host: String,
    /// When it was taken.
    pub at: SystemTime,
    /// The network namespace, as the user named it or by its inode.
    pub netns: String,
    /// The kernel's tables.
    pub state: State,
    /// The leases, if any could be read; the node's own is the one that [`Snapshot::own`] names.
    pub leases: Option<Vec<Lease>>,
    /// Which lease is the node's own.
    pub own: Option<Subnet>,
    /// The network config's text, if it could be read.
    pub config: Option<String>,
    /// The node's uplink, if an agent told.
    pub uplink: Option<Uplink>,
    /// Namespaces behind the node's veths.
    pub pods: Vec<Pod>,
    /// The kernel's release (`uname -r`).
    pub kernel: String,
    /// Which flanctl took it.
    pub version: String,
    /// What could not be read, one sentence each.
    pub unseen: Vec<String>,
}

/// Why bytes are no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum BadSnapshot {
    /// Nothing at all.
    #[error("it is empty")]
    Empty,
    /// JSON that ends too early.
    #[error("it is cut off after {0} bytes: copy it again")]
    Cut(usize),
    /// Not JSON.
    #[error("it is not JSON")]
    Json(#[source] serde_json::Error),
    /// JSON that does not say what it is.
    #[error("it is not flanctl's: no schema is named in it")]
    Foreign,
    /// Another document, or a newer one.
    #[error(transparent)]
    Schema(#[from] BadSchema),
    /// A field is missing or wrong.
    #[error("its {field} cannot be read")]
    Field {
        /// Which one.
        field: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// A lease as our documents write it: the store's key, the store's value to the byte, and when it ends.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    subnet: Subnet,
    value: Box<RawValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(default)]
    revision: i64,
    #[serde(default)]
    id: i64,
}

impl Record {
    /// The record of a lease.
    pub fn of(lease: &Lease) -> Result<Self, serde_json::Error> {
        let Lease { subnet, attrs, expires, revision, id } = lease;
        let expires = match expires {
            Expiry::Unknown => None,
            Expiry::Never => Some("never".to_owned()),
            Expiry::At(time) => Some(crate::clock::rfc3339(*time)),
        };
        let hidden = |(name, _): &(Box<str>, Box<str>)| is_secret(name);
        let value = match attrs.unknown.iter().any(hidden) {
            false => encode_value(attrs),
            // Somebody wrote beside flannel's fields what is nobody's business.
            true => {
                let mut open = attrs.clone();
                open.unknown.retain(|member| !hidden(member));
                encode_value(&open)
            }
        };
        let value = RawValue::from_string(value)?;
        Ok(Self { subnet: *subnet, value, expires, revision: *revision, id: *id })
    }

    /// The lease of a record.
    pub fn lease(self) -> Result<Lease, serde_json::Error> {
        let Self { subnet, value, expires, revision, id } = self;
        let expires = match expires.as_deref() {
            None => Expiry::Unknown,
            Some("never") => Expiry::Never,
            Some(time) => Expiry::At(crate::clock::parse(time).map_err(serde::de::Error::custom)?),
        };
        let attrs = decode_value(value.get().as_bytes())
            .map_err(|e| <serde_json::Error as serde::de::Error>::custom(format!("lease {subnet}: {e}")))?;
        Ok(Lease { subnet, attrs, expires, revision, id })
    }
}

/// What is written, and nothing of it copied.
#[derive(Serialize)]
struct Lent<'a> {
    schema: String,
    host: &'a str,
    #[serde(with = "crate::clock::text")]
    at: SystemTime,
    netns: &'a str,
    state: &'a State,
    leases: Option<Records<'a>>,
    own: Option<Subnet>,
    config: Option<&'a str>,
    uplink: Option<&'a Uplink>,
    pods: &'a [Pod],
    kernel: &'a str,
    version: &'a str,
    unseen: &'a [String],
}

/// Records made one at a time while they are written.
struct Records<'a>(&'a [Lease]);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut seq = s.serialize_seq(Some(self.0.len()))?;
        for lease in self.0 {
            seq.serialize_element(&Record::of(lease).map_err(S::Error::custom)?)?;
        }
        seq.end()
    }
}

/// What is read.
#[derive(Deserialize)]
struct Wire {
    host: String,
    #[serde(with = "crate::clock::text")]
    at: SystemTime,
    netns: String,
    state: State,
    leases: Option<Vec<Record>>,
    #[serde(default)]
    own: Option<Subnet>,
    #[serde(default)]
    config: Option<String>,
    #[serde(default)]
    uplink: Option<Uplink>,
    #[serde(default)]
    pods: Vec<Pod>,
    #[serde(default)]
    kernel: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    unseen: Vec<String>,
}

impl Snapshot {
    /// The network config, if it was read and makes sense.
    pub fn conf(&self) -> Option<NetConf> {
        self.config.as_deref().and_then(|text| NetConf::parse(text).ok())
    }

    /// The device by which packets of this tunnel have to leave for `to`: the agent's uplink, else the one that the
    /// tunnel was put on, else the one of the tunnel's own address where that is on one net with `to`.
    pub fn uplink_to(&self, tunnel: &Vxlan, to: IpAddr) -> Option<IfName> {
        let beside = |held: &&AddrKey| Some(held.net.addr()) == tunnel.local && held.net.contains(&to);
        let told = self.uplink.as_ref().map(|uplink| uplink.dev).or(tunnel.lower);
        told.or_else(|| self.state.addrs.keys().find(beside).map(|held| held.dev))
    }

    /// As JSON.
    pub fn encode(&self) -> Result<String, serde_json::Error> {
        let Self { host, at, netns, state, leases, own, config, uplink, pods, kernel, version, unseen } =
            self;
        serde_json::to_string(&Lent {
            schema: schema::name(KIND, VERSION),
            host,
            at: *at,
            netns,
            state,
            leases: leases.as_deref().map(Records),
            own: *own,
            config: config.as_deref(),
            uplink: uplink.as_ref(),
            pods,
            kernel,
            version,
            unseen,
        })
    }

    /// From JSON; what a newer flanctl wrote is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadSnapshot> {
        schema::expect(bytes, KIND, VERSION).map_err(|bad| BadSnapshot::of(bad, bytes))?;
        let Wire { host, at, netns, state, leases, own, config, uplink, pods, kernel, version, unseen } =
            serde_json::from_slice(bytes)
                .map_err(|source| BadSnapshot::Field { field: field(bytes), source })?;
        let leases = leases
            .map(|all| all.into_iter().map(Record::lease).collect())
            .transpose()
            .map_err(|source| BadSnapshot::Field { field: "leases".to_owned(), source })?;
        Ok(Self { host, at, netns, state, leases, own, config, uplink, pods, kernel, version, unseen })
    }
}

impl BadSnapshot {
    /// Of bytes that do not even name their schema, why.
    fn of(bad: BadSchema, bytes: &[u8]) -> Self {
        let BadSchema::Foreign { source, .. } = bad else { return Self::Schema(bad) };
        match source.classify() {
            Category::Eof if bytes.trim_ascii().is_empty() => Self::Empty,
            Category::Eof => Self::Cut(bytes.len()),
            Category::Data => Self::Foreign,
            Category::Syntax | Category::Io => Self::Json(source),
        }
    }
}

/// Which member cannot be read: each is tried by itself.
fn field(bytes: &[u8]) -> String {
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(bytes).unwrap_or_default();
    let fails = |(name, value): &(&String, &&RawValue)| {
        let wrong = |sound: Result<(), serde_json::Error>| sound.is_err();
        let text = value.get();
        match name.as_str() {
            "host" | "netns" | "at" | "kernel" | "version" => {
                wrong(serde_json::from_str::<String>(text).map(drop))
            }
            "state" => wrong(serde_json::from_str::<State>(text).map(drop)),
            "leases" => wrong(serde_json::from_str::<Option<Vec<Record>>>(text).map(drop)),
            "own" => wrong(serde_json::from_str::<Option<Subnet>>(text).map(drop)),
            "config" => wrong(serde_json::from_str::<Option<String>>(text).map(drop)),
            "uplink" => wrong(serde_json::from_str::<Option<Uplink>>(text).map(drop)),
            "pods" => wrong(serde_json::from_str::<Vec<Pod>>(text).map(drop)),
            "unseen" => wrong(serde_json::from_str::<Vec<String>>(text).map(drop)),
            _ => false,
        }
    };
    members.iter().find(fails).map_or_else(|| "content".to_owned(), |(name, _)| name.clone())
}

#[cfg(test)]
mod tests;
