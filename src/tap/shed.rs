//! Privileges are given up once everything is open: what is left cannot open anything more.

use caps::{CapSet, Capability};
use nix::unistd::{User, initgroups, setgid, setuid};

use crate::error::Failure;

/// Becomes `user`; without one keeps the identity and drops every capability but what `writes` needs.
pub fn shed(user: Option<&str>, writes: bool) -> Result<(), Failure> {
    if let Some(name) = user {
        return become_user(name);
    }
    // Files of a ring are made later, perhaps in a directory of somebody else's.
    keep(if writes { &[Capability::CAP_DAC_OVERRIDE] } else { &[] })
}

/// The calling thread drops every capability but these.
pub fn keep(kept: &[Capability]) -> Result<(), Failure> {
    let has = |cap: &Capability| caps::has_cap(None, CapSet::Permitted, *cap).unwrap_or(false);
    let kept: caps::CapsHashSet = kept.iter().copied().filter(has).collect();
    let none = caps::CapsHashSet::new();
    let sets = [(CapSet::Inheritable, &none), (CapSet::Effective, &kept), (CapSet::Permitted, &kept)];
    sets.into_iter().try_for_each(|(set, wanted)| {
        caps::set(None, set, wanted).map_err(|e| Failure::found("giving up privileges").because(e))
    })
}

fn become_user(name: &str) -> Result<(), Failure> {
    let found = User::from_name(name).map_err(|e| Failure::found(format!("user {name}")).because(e))?;
    let user = found.ok_or_else(|| Failure::found(format!("Couldn't find user '{name}'")))?;
    let failed = |e: nix::Error| Failure::found(format!("becoming user {name}")).because(e);
    let c_name = std::ffi::CString::new(name).map_err(|e| Failure::found("user name").because(e))?;
    initgroups(&c_name, user.gid).and_then(|()| setgid(user.gid)).map_err(failed)?;
    setuid(user.uid).map_err(failed)
}
