//! The lock beside the claim socket: a file that only its owner can open, in the run directory. The kernel frees the
//! lock with the process; the file stays and holds the pid of who had it last.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::unistd::geteuid;

/// A lock that is held until this is dropped.
pub type Lock = Flock<File>;

/// What came of an attempt.
pub enum Taken {
    /// It is ours.
    Ours(Lock),
    /// Another process has it; 0 if that cannot be seen from here.
    Held(i32),
    /// No lock can be had there; why.
    Unusable(String),
}

/// Root and our own user may be believed.
pub fn trusted(uid: u32) -> bool {
    uid == 0 || uid == geteuid().as_raw()
}

/// Takes the lock, and makes the file and its directory if they are missing.
pub fn take(path: &Path) -> Taken {
    let opened = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| open(path, true));
    let file = match opened {
        Ok(file) => file,
        Err(e) => return Taken::Unusable(e.to_string()),
    };
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            // For a message only: who cannot read it is told without the number.
            let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
            Taken::Ours(lock)
        }
        Err((file, Errno::EWOULDBLOCK)) => Taken::Held(pid(&file)),
        Err((_, e)) => Taken::Unusable(e.to_string()),
    }
}

/// Who has the lock, without taking it.
pub fn held(path: &Path) -> Option<i32> {
    let file = open(path, false).ok()?;
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Err((file, Errno::EWOULDBLOCK)) => Some(pid(&file)),
        _ => None,
    }
}

/// Never through a link, and never somebody else's file.
fn open(path: &Path, make: bool) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(make)
        .mode(0o600)
        .custom_flags(flags.bits())
        .open(path)?;
    let seen = file.metadata()?;
    match seen.is_file() && trusted(seen.uid()) {
        true => Ok(file),
        false => Err(io::Error::other(format!("it belongs to user {}", seen.uid()))),
    }
}

/// The noted pid, if that process has this very file open or has ended; a number of another pid namespace is 0.
fn pid(file: &File) -> i32 {
    let (mut text, mut from) = (String::new(), file);
    let read = from.rewind().and_then(|()| from.read_to_string(&mut text));
    let Some(pid) = read.ok().and_then(|_| text.trim().parse::<i32>().ok()) else { return 0 };
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return if fs::exists(format!("/proc/{pid}")).unwrap_or(true) { 0 } else { pid };
    };
    let same = |seen: fs::Metadata| {
        file.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (seen.dev(), seen.ino()))
    };
    let mut open = open.flatten().filter_map(|entry| fs::metadata(entry.path()).ok());
    if open.any(same) { pid } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_had_once_and_names_who_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/x.lock");
        assert_eq!(held(&path), None, "no file is made by looking");
        assert!(!path.exists());
        let Taken::Ours(lock) = take(&path) else { panic!("free") };
        let me = std::process::id().cast_signed();
        assert!(matches!(take(&path), Taken::Held(pid) if pid == me));
        assert_eq!(held(&path), Some(me));
        drop(lock);
        assert_eq!(held(&path), None);
        assert!(matches!(take(&path), Taken::Ours(_)));
    }

    #[test]
    fn a_link_or_a_directory_is_no_lock() {
        let dir = tempfile::tempdir().unwrap();
        let (link, there) = (dir.path().join("a.lock"), dir.path().join("there"));
        drop(take(&there));
        std::os::unix::fs::symlink(&there, &link).unwrap();
        for path in [&link, &dir.path().to_path_buf()] {
            assert!(matches!(take(path), Taken::Unusable(_)), "{}", path.display());
        }
    }
}
