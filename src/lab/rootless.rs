//! A lab for an ordinary user: the process moves into a user, mount and network namespace of its own, in which
//! it is root and the host is out of reach. All of it goes when the process goes.
#![expect(clippy::disallowed_methods, reason = "a room of hands: re-enters the program")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::wires::wire_here;
use crate::error::Failure;

/// Set in a process that has moved.
const INSIDE: &str = "FLANCTL_LAB_INSIDE";

/// True in a process that has moved, and in its children.
pub fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// True if this process may make namespaces on the host itself.
pub fn privileged() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let caps = status.lines().find_map(|l| l.strip_prefix("CapEff:")).unwrap_or_default();
    // CAP_NET_ADMIN is 12, CAP_SYS_ADMIN is 21 (linux/capability.h).
    let needed = (1u64 << 12) | (1 << 21);
    u64::from_str_radix(caps.trim(), 16).is_ok_and(|have| have & needed == needed)
}

/// Moves, and starts this very command again in there. Comes back at once if there is no need to; must be called
/// before any thread starts, because the kernel lets only a single-threaded process into a user namespace.
pub fn reenter_if_needed() -> Result<(), Failure> {
    if inside() || privileged() {
        return Ok(());
    }
    let moved = r#move().and_then(|()| {
        let mut args = std::env::args_os();
        let name = args.next().unwrap_or_else(|| "flanctl".into());
        Err(Command::new(std::env::current_exe()?).arg0(name).args(args).env(INSIDE, "1").exec())
    });
    match moved {
        Ok(()) => Ok(()),
        Err(e) => {
            Err(Failure::unreadable("this kernel does not let an ordinary user make a lab").because(e).hint(
                "use sudo, or allow unprivileged user namespaces: sysctl kernel.unprivileged_userns_clone=1 \
             (Debian), kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)",
            ))
        }
    }
}

fn r#move() -> io::Result<()> {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)?;
    // Who may not set groups may map his own group (user_namespaces(7)).
    std::fs::write("/proc/self/setgroups", "deny")?;
    std::fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    std::fs::write("/proc/self/gid_map", format!("0 {gid} 1"))?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=755"))?;
    Ok(())
}

/// What is left to do inside: lo of the namespace that stands for the host.
pub fn settle() -> Result<(), Failure> {
    if !inside() {
        return Ok(());
    }
    wire_here(async |w| w.up("lo").await).map_err(|e| Failure::unreadable("putting lo up").because(e))
}
