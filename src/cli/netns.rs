//! Which network namespace is looked into: found by what the user called it, entered, read. Hands only.
#![expect(clippy::disallowed_methods, reason = "namespaces are files")]

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Global;
use crate::error::Failure;
use crate::kernel::LinuxKernel;
use crate::kernel::netns::InNetns;
use crate::state::State;

/// A network namespace.
#[derive(Clone, Debug)]
pub struct Netns {
    /// How the user named it, else its inode.
    pub label: String,
    /// Its file; `None` for the one this process is in.
    pub path: Option<PathBuf>,
    /// What tells it from others.
    pub inode: u64,
}

/// The namespace that `--netns` names: a name of `ip netns`, a path, or a process.
pub fn netns(global: &Global) -> Result<Netns, Failure> {
    let inode = |path: &Path| {
        let seen = std::fs::metadata(path).map_err(|e| {
            let hint = hint(&e);
            Failure::unreadable(format!("network namespace {}", path.display())).because(e).hint(hint)
        });
        seen.map(|seen| seen.ino())
    };
    match global.netns.as_deref() {
        None => {
            let inode = inode(Path::new("/proc/self/ns/net"))?;
            Ok(Netns { label: inode.to_string(), path: None, inode })
        }
        Some(name) => {
            let path = match name {
                path if path.contains('/') => PathBuf::from(path),
                // A name made of digits is a process, unless somebody named a namespace so.
                pid if pid.bytes().all(|b| b.is_ascii_digit())
                    && !Path::new("/run/netns").join(pid).exists() =>
                {
                    PathBuf::from(format!("/proc/{pid}/ns/net"))
                }
                name => Path::new("/run/netns").join(name),
            };
            let inode = inode(&path)?;
            Ok(Netns { label: name.to_owned(), path: Some(path), inode })
        }
    }
}

/// What to do about a namespace that cannot be found or entered.
fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => "another namespace needs CAP_SYS_ADMIN: use sudo",
        ErrorKind::InvalidInput => "it is not a network namespace: see `ip netns list`",
        _ => "see `ip netns list`, or name a path such as /proc/PID/ns/net",
    }
}

impl Netns {
    fn what(&self) -> String {
        match &self.path {
            Some(path) => format!("network namespace {}", path.display()),
            None => "the kernel's tables".to_owned(),
        }
    }

    /// Stands inside while the guard lives; nothing to do for the namespace that this process is in.
    pub fn enter(&self) -> Result<Option<InNetns>, Failure> {
        let Some(path) = &self.path else { return Ok(None) };
        let entered = std::fs::File::open(path).and_then(|file| InNetns::enter_file(&file));
        entered.map(Some).map_err(|e| {
            let hint = hint(&e);
            Failure::unreadable(self.what()).because(e).hint(hint)
        })
    }
}

/// The tables of a namespace.
pub fn live_state(netns: &Netns) -> Result<State, Failure> {
    // The sockets stay in the namespace that they were opened in; the guard is for that moment and the sysctls.
    let _inside = netns.enter()?;
    let read = LinuxKernel::open().and_then(|mut kernel| kernel.look());
    read.map_err(|e| Failure::unreadable(netns.what()).because(e))
}

/// The addresses of this namespace as a state without anything else: enough to tell which lease is this node's.
/// Nothing where they cannot be read; then no lease is marked.
pub fn own_addresses() -> State {
    let mut state = State::default();
    for interface in nix::ifaddrs::getifaddrs().into_iter().flatten() {
        let ip = interface.address.as_ref().and_then(|address| {
            let v4 = address.as_sockaddr_in().map(|a| std::net::IpAddr::V4(a.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|a| std::net::IpAddr::V6(a.ip())))
        });
        if let (Some(ip), Ok(dev)) = (ip, interface.interface_name.parse()) {
            state.addrs.insert(crate::state::AddrKey { dev, net: ip.into() }, crate::state::Addr::default());
        }
    }
    state
}
