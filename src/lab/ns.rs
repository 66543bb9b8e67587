//! The lab's namespaces: named ones, made and removed by `kernel::netns`, and work done inside them on a thread of
//! its own. Touches nothing but /run/netns/NAME.

use std::io;
use std::path::{Path, PathBuf};

use crate::kernel::netns::{self, InNetns, NetnsError};

/// The file of a namespace.
pub fn path(name: &str) -> PathBuf {
    Path::new(netns::RUN_DIR).join(name)
}

/// True if there is a file of that name, mounted or not.
pub fn exists(name: &str) -> bool {
    path(name).symlink_metadata().is_ok()
}

/// Makes a namespace; an existing one of that name is an error, for it is somebody else's.
pub fn create(name: &str) -> io::Result<()> {
    if exists(name) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    netns::create(name).map(drop).map_err(told)
}

/// Removes a namespace and all that is in it; one that is already gone is fine.
pub fn delete(name: &str) -> io::Result<()> {
    netns::delete(name).map_err(told)
}

/// Runs `f` inside a namespace, on a thread of its own.
pub fn within<T: Send>(name: &str, f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let inside = || {
        let _inside = InNetns::enter(name).map_err(told)?;
        f()
    };
    std::thread::scope(|scope| scope.spawn(inside).join())
        .unwrap_or_else(|_| Err(io::Error::other("a thread of the lab panicked")))
}

/// The caller names the namespace itself.
fn told(e: NetnsError) -> io::Error {
    io::Error::new(e.source.kind(), format!("{}: {}", e.doing, e.source))
}
