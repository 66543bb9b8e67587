//! What a lab says about itself in /run/flanctl-lab/NAME: written before the first thing is made, removed after
//! the last is gone. Whoever holds the lock may change the lab.
#![expect(clippy::disallowed_methods, reason = "a room of hands: the state directory of a lab")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use super::layout::Shape;
use crate::error::Failure;

/// Where labs keep their state.
const LABS: &str = "/run/flanctl-lab";

/// One lab, as `up` planned it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Form of this file.
    pub version: u32,
    /// What was asked for; the plan follows from it.
    pub shape: Shape,
    /// Every namespace that `up` makes, so that `down` of a later version finds them too.
    pub namespaces: Vec<String>,
    /// In the environment of every process of the lab, as `FLANCTL_LAB=NAME:TOKEN`.
    pub token: String,
    /// `etcd=URL`, if the leases live there.
    pub etcd: Option<String>,
}

impl Manifest {
    /// What marks a process as this lab's.
    pub fn mark(&self) -> String {
        format!("{}:{}", self.shape.name, self.token)
    }
}

/// The state directory of one lab. Its existence is the lab's.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// The home of lab `name` (already checked to be a name).
    pub fn of(name: &str) -> Self {
        Self(Path::new(LABS).join(name))
    }

    /// The home and manifest of lab `name`, which must be there.
    pub fn existing(name: &str) -> Result<(Self, Manifest), Failure> {
        let home = Self::of(name);
        if !home.exists() {
            return Err(Failure::found(format!("there is no lab named {name}"))
                .hint("flanctl lab list shows what there is; flanctl lab up makes one"));
        }
        let manifest = home.manifest()?;
        Ok((home, manifest))
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Things of one node: pid, log, subnet.env.
    pub fn node(&self, node: &str) -> PathBuf {
        self.0.join(node)
    }

    /// The embedded store.
    pub fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    /// The agents' run directory: one for all, their state files are named after their namespaces.
    pub fn run_dir(&self) -> PathBuf {
        self.0.join("run")
    }

    /// True if the lab exists, whole or in part.
    pub fn exists(&self) -> bool {
        self.manifest_file().exists()
    }

    /// Reads the manifest.
    pub fn manifest(&self) -> Result<Manifest, Failure> {
        let file = self.manifest_file();
        let broken = |cause: Box<dyn std::error::Error + Send + Sync>| {
            Failure::unreadable(format!("reading {}", file.display())).because(cause)
        };
        let text = std::fs::read(&file).map_err(|e| broken(e.into()))?;
        serde_json::from_slice(&text).map_err(|e| broken(e.into()))
    }

    /// Writes the manifest, whole or not at all.
    pub fn write(&self, manifest: &Manifest) -> io::Result<()> {
        let fresh = self.0.join("manifest.new");
        std::fs::write(&fresh, serde_json::to_vec_pretty(manifest)?)?;
        std::fs::rename(fresh, self.manifest_file())
    }

    /// Locks the lab, making its directory if need be; `None` if somebody else works on it.
    pub fn lock(&self) -> io::Result<Option<Flock<File>>> {
        // Whoever removed the directory between our mkdir and our lock left us with a file that nobody else
        // will find; then once more.
        for _ in 0..100 {
            std::fs::create_dir_all(&self.0)?;
            let file = self.0.join("lock");
            let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&file);
            let lock = match opened.map(|f| Flock::lock(f, FlockArg::LockExclusiveNonblock)) {
                Ok(Ok(lock)) => lock,
                Ok(Err((_, nix::errno::Errno::EWOULDBLOCK))) => return Ok(None),
                Ok(Err((_, e))) => return Err(e.into()),
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            if file.metadata().is_ok_and(|now| lock.metadata().is_ok_and(|ours| ours.ino() == now.ino())) {
                return Ok(Some(lock));
            }
        }
        Err(io::Error::other(format!("{} comes and goes", self.0.display())))
    }

    /// Removes the directory, and the one above it if this was the last lab. For the holder of the lock.
    pub fn remove(&self) -> io::Result<()> {
        // The manifest goes last: while it stands, `down` can be repeated.
        for entry in self.0.read_dir()?.flatten() {
            let path = entry.path();
            match path.file_name().and_then(|n| n.to_str()) {
                Some("manifest.json" | "lock") => {}
                _ if entry.file_type().is_ok_and(|t| t.is_dir()) => std::fs::remove_dir_all(path)?,
                _ => std::fs::remove_file(path)?,
            }
        }
        std::fs::remove_dir_all(&self.0)?;
        // Refused while another lab stands.
        let _ = std::fs::remove_dir(LABS);
        Ok(())
    }

    fn manifest_file(&self) -> PathBuf {
        self.0.join("manifest.json")
    }
}

/// Every lab's home, by name. A directory without a manifest is a lab that was about to be made.
pub fn homes() -> Vec<(String, Home)> {
    let Ok(dir) = Path::new(LABS).read_dir() else { return Vec::new() };
    let mut all: Vec<_> = dir
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .map(|name| (name.clone(), Home::of(&name)))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[cfg(test)]
mod tests {
    use super::{Manifest, Shape};

    #[test]
    fn a_manifest_reads_back_as_it_was_written() {
        let shape = Shape { name: "x".into(), nodes: 2, segments: 2, nat: true, ipv6: false };
        let namespaces = shape.layout().namespaces();
        let manifest = Manifest {
            version: 1,
            shape,
            namespaces,
            token: "00ff".into(),
            etcd: Some("http://127.0.0.1:2379".into()),
        };
        let text = serde_json::to_vec(&manifest).unwrap();
        assert_eq!(serde_json::from_slice::<Manifest>(&text).unwrap(), manifest);
        assert_eq!(manifest.mark(), "x:00ff");
    }
}
