//! What a running agent tells the other verbs, and itself after a restart: one JSON file an agent,
//! `flanctl-<netns inode>-<device>.json` in the run directory, readable by all, without secrets.
#![expect(clippy::disallowed_methods, reason = "the hands on the state file")]

use std::fs;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::ser::{Error as _, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

use crate::config::{EtcdSettings, StoreChoice, Uplink, without_secrets};
use crate::lease::{Lease, Peers};
use crate::net::IfName;
use crate::schema::{self, BadSchema};
use crate::snapshot::Record;

const KIND: &str = "agent";
const VERSION: u32 = 1;

/// What the file holds. A writer lends the peers that it keeps elsewhere (`P`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentFile<P = Vec<Lease>> {
    /// The agent's process.
    pub pid: u32,
    /// When it started.
    pub started: SystemTime,
    /// When this was written.
    pub written_at: SystemTime,
    /// Host name.
    pub host: String,
    /// Inode of its network namespace.
    pub netns: u64,
    /// Its overlay device, `flannel.1`.
    pub device: IfName,
    /// Its lease store.
    pub store: StoreNote,
    /// The network config; in the file without its secrets, else verbatim.
    pub config: String,
    /// Its own lease.
    pub own: Option<Lease>,
    /// Its uplink.
    pub uplink: Uplink,
    /// The leases of the other nodes.
    pub peers: P,
}

/// Leases that can be walked through without being copied.
pub trait Rows {
    /// Each of them.
    fn rows(&self) -> impl Iterator<Item = &Lease>;
}

impl Rows for Vec<Lease> {
    fn rows(&self) -> impl Iterator<Item = &Lease> {
        self.iter()
    }
}

impl Rows for &Peers {
    fn rows(&self) -> impl Iterator<Item = &Lease> {
        self.iter()
    }
}

/// A lease store as far as it may be told: enough to open it again, unless it wants a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StoreNote {
    /// `dir:PATH`.
    Dir {
        /// The directory.
        path: PathBuf,
    },
    /// etcd.
    Etcd {
        /// Endpoints, without user and password.
        endpoints: Vec<String>,
        /// Key prefix.
        prefix: String,
        /// Path of the client key (not the key).
        keyfile: Option<PathBuf>,
        /// Path of the client certificate.
        certfile: Option<PathBuf>,
        /// Path of the servers' authority.
        cafile: Option<PathBuf>,
        /// User, if etcd asks for one.
        username: Option<String>,
    },
}

impl StoreNote {
    /// What may be told of a choice.
    pub fn of(choice: &StoreChoice) -> Self {
        match choice {
            StoreChoice::Dir(path) => Self::Dir { path: path.clone() },
            StoreChoice::Etcd(etcd) => {
                let EtcdSettings { endpoints, prefix, keyfile, certfile, cafile, username, password: _ } =
                    etcd;
                Self::Etcd {
                    endpoints: endpoints.iter().map(|e| without_userinfo(e)).collect(),
                    prefix: prefix.clone(),
                    keyfile: keyfile.clone(),
                    certfile: certfile.clone(),
                    cafile: cafile.clone(),
                    username: username.clone(),
                }
            }
        }
    }

    /// The choice that opens the same store, with a password from elsewhere.
    pub fn choice(&self, password: Option<String>) -> StoreChoice {
        match self.clone() {
            Self::Dir { path } => StoreChoice::Dir(path),
            Self::Etcd { endpoints, prefix, keyfile, certfile, cafile, username } => {
                StoreChoice::Etcd(EtcdSettings {
                    endpoints,
                    prefix,
                    keyfile,
                    certfile,
                    cafile,
                    username,
                    password,
                })
            }
        }
    }
}

/// `http://user:secret@host` is `http://host`.
fn without_userinfo(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(s, r)| (s, r));
    let end = rest.find('/').unwrap_or(rest.len());
    let host = rest.get(..end).and_then(|authority| authority.rfind('@')).and_then(|at| rest.get(at + 1..));
    match (host, scheme) {
        (None, _) => url.to_owned(),
        (Some(host), "") => host.to_owned(),
        (Some(host), scheme) => format!("{scheme}://{host}"),
    }
}

/// Why there is no state file to read or to write.
#[derive(Debug, thiserror::Error)]
pub enum AgentFileError {
    /// The file system said no.
    #[error("{what} {path}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Cause.
        #[source]
        source: io::Error,
    },
    /// The file is something else, or newer.
    #[error("{path}", path = path.display())]
    Schema {
        /// Which file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: BadSchema,
    },
    /// A field is missing or wrong.
    #[error("{path}", path = path.display())]
    Fields {
        /// Which file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: serde_json::Error,
    },
}

#[derive(Serialize, Deserialize)]
struct Wire<P> {
    schema: String,
    pid: u32,
    #[serde(with = "crate::clock::text")]
    started: SystemTime,
    #[serde(with = "crate::clock::text")]
    written_at: SystemTime,
    host: String,
    netns: u64,
    device: IfName,
    store: StoreNote,
    config: String,
    own: Option<Record>,
    uplink: Uplink,
    peers: P,
}

/// Records made one at a time while they are written.
struct Records<'a, P>(&'a P);

impl<P: Rows> Serialize for Records<'_, P> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut seq = s.serialize_seq(None)?;
        for lease in self.0.rows() {
            seq.serialize_element(&Record::of(lease).map_err(S::Error::custom)?)?;
        }
        seq.end()
    }
}

/// The JSON text of a state file, written as it is made: the peers' records never stand in memory together.
pub fn encode<P: Rows>(file: &AgentFile<P>, to: &mut dyn Write) -> Result<(), serde_json::Error> {
    let AgentFile { pid, started, written_at, host, netns, device, store, config, own, uplink, peers } = file;
    let wire = Wire {
        schema: schema::name(KIND, VERSION),
        pid: *pid,
        started: *started,
        written_at: *written_at,
        host: host.clone(),
        netns: *netns,
        device: *device,
        store: store.clone(),
        // The file is for everybody's eyes.
        config: without_secrets(config).unwrap_or_default(),
        own: own.as_ref().map(Record::of).transpose()?,
        uplink: uplink.clone(),
        peers: Records(peers),
    };
    serde_json::to_writer(to, &wire)
}

/// The state file of a JSON text; `path` is for the message only. What a newer flanctl wrote is refused.
pub fn decode(bytes: &[u8], path: &Path) -> Result<AgentFile, AgentFileError> {
    let schema = |source| AgentFileError::Schema { path: path.to_owned(), source };
    let fields = |source| AgentFileError::Fields { path: path.to_owned(), source };
    // The file of a large cluster is read through once; only what cannot be read is asked what it is.
    let wire: Wire<Vec<Record>> = match serde_json::from_slice(bytes) {
        Ok(wire) => wire,
        Err(source) => {
            schema::expect(bytes, KIND, VERSION).map_err(schema)?;
            return Err(fields(source));
        }
    };
    schema::expect_name(wire.schema, KIND, VERSION).map_err(schema)?;
    let Wire { schema: _, pid, started, written_at, host, netns, device, store, config, own, uplink, peers } =
        wire;
    let own = own.map(Record::lease).transpose().map_err(fields)?;
    let peers = peers.into_iter().map(Record::lease).collect::<Result<_, _>>().map_err(fields)?;
    Ok(AgentFile { pid, started, written_at, host, netns, device, store, config, own, uplink, peers })
}

/// Where the agent of this namespace and device writes.
pub fn path(run_dir: &Path, netns: u64, device: IfName) -> PathBuf {
    run_dir.join(format!("flanctl-{netns}-{device}.json"))
}

/// Writes the file in one step: a reader sees the old one or the new one. Makes the directory.
pub fn write<P: Rows>(run_dir: &Path, file: &AgentFile<P>) -> Result<(), AgentFileError> {
    let path = path(run_dir, file.netns, file.device);
    // Never ends in .json: no reader takes it for a state file.
    let temp = path.with_extension(format!("{}.tmp", file.pid));
    let told = |what, path: &Path| {
        let path = path.to_owned();
        move |source| AgentFileError::Io { what, path, source }
    };
    fs::create_dir_all(run_dir).map_err(told("making", run_dir))?;
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(&temp)
        .and_then(|to| {
            // Whatever the umask: readers need no root.
            to.set_permissions(fs::Permissions::from_mode(0o644))?;
            let mut to = BufWriter::with_capacity(1 << 16, to);
            encode(file, &mut to)?;
            to.flush()
        })
        .map_err(told("writing", &temp));
    let done = written.and_then(|()| fs::rename(&temp, &path).map_err(told("renaming to", &path)));
    if done.is_err() {
        // What is left of a failed write helps nobody; the first error is the one to tell.
        let _ = fs::remove_file(&temp);
    }
    done
}

/// Reads one file; `None` if there is none.
pub fn read(path: &Path) -> Result<Option<AgentFile>, AgentFileError> {
    match fs::read(path) {
        Ok(bytes) => decode(&bytes, path).map(Some),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(AgentFileError::Io { what: "reading", path: path.to_owned(), source }),
    }
}

/// The state file of a namespace: of `device`, or, if none is named, the one written last.
pub fn find(run_dir: &Path, netns: u64, device: Option<IfName>) -> Result<Option<AgentFile>, AgentFileError> {
    if let Some(device) = device {
        return read(&path(run_dir, netns, device));
    }
    let all = paths(run_dir, netns)?.iter().map(|p| read(p)).collect::<Result<Vec<_>, _>>()?;
    Ok(all.into_iter().flatten().max_by_key(|file| file.written_at))
}

/// The state files of a namespace: one an overlay.
pub fn paths(run_dir: &Path, netns: u64) -> Result<Vec<PathBuf>, AgentFileError> {
    let prefix = format!("flanctl-{netns}-");
    let entries = match fs::read_dir(run_dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(AgentFileError::Io { what: "listing", path: run_dir.to_owned(), source });
        }
    };
    let ours = |name: &str| name.starts_with(&prefix) && name.ends_with(".json");
    let all = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(ours));
    Ok(all.map(|entry| entry.path()).collect())
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
