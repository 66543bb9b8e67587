//! Named network namespaces, made and left the way iproute2 does it: `ip netns` sees ours and we see its.
//! Touches nothing but /run/netns/NAME and the calling thread.
#![expect(clippy::disallowed_methods, reason = "a room of hands: makes and opens namespace files")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

/// Where iproute2 keeps them.
const RUN_NETNS: &str = "/run/netns";

/// The calling thread's namespace, whichever thread that is.
const HERE: &str = "/proc/thread-self/ns/net";

/// The file of a namespace.
pub fn path(name: &str) -> PathBuf {
    Path::new(RUN_NETNS).join(name)
}

/// True if there is a file of that name, mounted or not.
pub fn exists(name: &str) -> bool {
    path(name).symlink_metadata().is_ok()
}

/// Makes a namespace; an existing one of that name is an error.
pub fn create(name: &str) -> io::Result<()> {
    share_run_netns()?;
    let file = path(name);
    OpenOptions::new().write(true).create_new(true).open(&file)?;
    // A thread of its own, because unshare moves the thread that calls it.
    let made = on_a_thread(|| {
        unshare(CloneFlags::CLONE_NEWNET)?;
        Ok(mount(Some(HERE), &file, None::<&str>, MsFlags::MS_BIND, None::<&str>)?)
    });
    if made.is_err() {
        // The empty file would look like a namespace to everybody.
        let _ = std::fs::remove_file(&file);
    }
    made
}

/// Removes a namespace and all that is in it; one that is already gone is fine.
pub fn delete(name: &str) -> io::Result<()> {
    let file = path(name);
    match umount2(&file, MntFlags::MNT_DETACH) {
        // EINVAL: the file is there, but nothing is mounted on it (its maker was killed in between).
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {}
        Err(e) => return Err(e.into()),
    }
    match std::fs::remove_file(&file) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// The calling thread is in a borrowed namespace until this goes.
#[derive(Debug)]
pub struct Entered {
    back: File,
}

impl Drop for Entered {
    fn drop(&mut self) {
        setns(self.back.as_fd(), CloneFlags::CLONE_NEWNET)
            .expect("a thread must not stay in a borrowed netns");
    }
}

/// Moves the calling thread into a namespace, until the guard goes.
pub fn enter(name: &str) -> io::Result<Entered> {
    let back = File::open(HERE)?;
    setns(File::open(path(name))?.as_fd(), CloneFlags::CLONE_NEWNET)?;
    Ok(Entered { back })
}

/// Runs `f` inside a namespace, on a thread of its own.
pub fn within<T: Send>(name: &str, f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    on_a_thread(|| {
        let _inside = enter(name)?;
        f()
    })
}

fn on_a_thread<T: Send>(f: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| scope.spawn(f).join())
        .unwrap_or_else(|_| Err(io::Error::other("a thread of the lab panicked")))
}

/// /run/netns must be a shared mount of its own, or a namespace made here is not seen by, and cannot be
/// removed from, other mount namespaces (what `ip netns add` does first).
fn share_run_netns() -> io::Result<()> {
    std::fs::create_dir_all(RUN_NETNS)?;
    let share = || {
        let flags = MsFlags::MS_SHARED | MsFlags::MS_REC;
        mount(None::<&str>, RUN_NETNS, None::<&str>, flags, None::<&str>)
    };
    if share() == Err(Errno::EINVAL) {
        let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some(RUN_NETNS), RUN_NETNS, None::<&str>, flags, None::<&str>)?;
        share()?;
    }
    Ok(())
}
