//! Network namespaces: find one, visit one, make and remove a named one the way iproute2 does.
//! Never leaves a thread in a borrowed namespace: a visit ends with its guard.

#![expect(clippy::disallowed_methods, reason = "namespaces are files")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

/// Where iproute2 keeps the named namespaces (`NETNS_RUN_DIR`).
pub const RUN_DIR: &str = "/run/netns";

/// The namespace of the calling thread.
const HERE: &str = "/proc/thread-self/ns/net";

/// A namespace could not be found, entered, made or removed.
#[derive(Debug, thiserror::Error)]
#[error("network namespace {name}: {doing}")]
pub struct NetnsError {
    /// Name, path or process id as given.
    pub name: String,
    /// What was tried.
    pub doing: &'static str,
    /// Cause.
    #[source]
    pub source: io::Error,
}

impl NetnsError {
    fn of(name: impl Into<String>, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let name = name.into();
        move |source| Self { name, doing, source }
    }
}

/// Finds a namespace by name (`/run/netns/NAME`, then `/var/run/netns/NAME`), by path, or by process id.
/// A name wins over a process id of the same digits.
pub fn resolve(name: &str) -> Result<PathBuf, NetnsError> {
    let missing = |doing| NetnsError::of(name, doing)(io::Error::from_raw_os_error(Errno::ENOENT as i32));
    if name.contains('/') {
        let path = PathBuf::from(name);
        return if path.exists() { Ok(path) } else { Err(missing("no such path")) };
    }
    if name.is_empty() || name == "." || name == ".." {
        return Err(missing("not a name"));
    }
    let pid = name.bytes().all(|b| b.is_ascii_digit()).then(|| PathBuf::from(format!("/proc/{name}/ns/net")));
    [Some(Path::new(RUN_DIR).join(name)), Some(Path::new("/var/run/netns").join(name)), pid]
        .into_iter()
        .flatten()
        .find(|path| path.exists())
        .ok_or_else(|| missing("no such name in /run/netns"))
}

/// The calling thread stands in another namespace until this is dropped. Sockets opened meanwhile stay there.
#[derive(Debug)]
pub struct InNetns {
    back: File,
    // A guard must be dropped on the thread that it moved.
    _here: std::marker::PhantomData<*const ()>,
}

impl InNetns {
    /// Enters a namespace by name, path or process id.
    pub fn enter(name: &str) -> Result<Self, NetnsError> {
        let file = File::open(resolve(name)?).map_err(NetnsError::of(name, "opening"))?;
        Self::enter_file(&file).map_err(NetnsError::of(name, "entering"))
    }

    /// Enters the namespace of an open `ns/net` file.
    pub fn enter_file(file: &File) -> io::Result<Self> {
        let back = File::open(HERE)?;
        setns(file, CloneFlags::CLONE_NEWNET)?;
        Ok(Self { back, _here: std::marker::PhantomData })
    }
}

impl Drop for InNetns {
    fn drop(&mut self) {
        if let Err(cause) = setns(&self.back, CloneFlags::CLONE_NEWNET) {
            panic!("a thread must not stay in a borrowed network namespace: {cause}");
        }
    }
}

/// The open file of the calling thread's namespace.
pub fn here() -> io::Result<File> {
    File::open(HERE)
}

/// The inode of the calling thread's namespace: its identity as `lsns` and `ip netns identify` see it.
pub fn inode() -> io::Result<u64> {
    Ok(fs::metadata(HERE)?.ino())
}

/// Makes a named namespace as `ip netns add` does (iproute2 `ip/ipnetns.c`, `netns_add`): a bind mount of a fresh
/// namespace on `/run/netns/NAME`, in a shared mount so that every mount namespace sees it come and go.
/// A namespace of that name that is already there is kept. The caller's own namespace does not change.
pub fn create(name: &str) -> Result<PathBuf, NetnsError> {
    let dir = Path::new(RUN_DIR);
    let path = dir.join(checked(name)?);
    if mounted(&path) {
        return Ok(path);
    }
    fs::create_dir_all(dir).map_err(NetnsError::of(name, "making /run/netns"))?;
    share(dir).map_err(NetnsError::of(name, "sharing /run/netns"))?;
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o444).open(&path);
    file.map_err(NetnsError::of(name, "making the file"))?;
    let target = path.clone();
    // unshare moves the whole thread, so a thread is made for it.
    let made = std::thread::spawn(move || -> io::Result<()> {
        unshare(CloneFlags::CLONE_NEWNET)?;
        mount(Some(HERE), &target, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
        Ok(())
    });
    let made = made.join().unwrap_or_else(|_| Err(io::Error::other("the thread died")));
    made.map_err(|cause| {
        drop(fs::remove_file(&path));
        NetnsError::of(name, "mounting")(cause)
    })?;
    Ok(path)
}

/// Removes a named namespace; one that is not there is fine. Processes inside keep it alive without a name.
pub fn delete(name: &str) -> Result<(), NetnsError> {
    let path = Path::new(RUN_DIR).join(checked(name)?);
    match umount2(&path, MntFlags::MNT_DETACH) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {}
        Err(cause) => return Err(NetnsError::of(name, "unmounting")(cause.into())),
    }
    match fs::remove_file(&path) {
        Ok(()) => Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(NetnsError::of(name, "unlinking")(cause)),
    }
}

/// A name is one component of a path.
fn checked(name: &str) -> Result<&str, NetnsError> {
    let bad = name.is_empty() || name.contains('/') || name == "." || name == "..";
    if bad { Err(NetnsError::of(name, "not a name")(Errno::EINVAL.into())) } else { Ok(name) }
}

/// True if a namespace is mounted there: the file lies on another device (nsfs) than its directory.
fn mounted(path: &Path) -> bool {
    match (fs::metadata(path), fs::metadata(RUN_DIR)) {
        (Ok(file), Ok(dir)) => file.dev() != dir.dev(),
        _ => false,
    }
}

/// Makes the directory a shared mount point, turning it into a mount of itself first where it is none.
fn share(dir: &Path) -> io::Result<()> {
    let shared =
        || mount(None::<&str>, dir, None::<&str>, MsFlags::MS_SHARED | MsFlags::MS_REC, None::<&str>);
    match shared() {
        Err(Errno::EINVAL) => {
            mount(Some(dir), dir, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)?;
            Ok(shared()?)
        }
        other => Ok(other?),
    }
}
