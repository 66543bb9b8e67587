//! A lease that nobody renews.

use std::time::{Duration, SystemTime};

use crate::lease::{Expiry, Lease};

/// An agent renews an hour before the end; with less left than this it has missed that.
const LATE: Duration = Duration::from_secs(45 * 60);

/// How a lease that was not renewed in time ends, in words; `None` for one in order.
pub fn ending(lease: &Lease, now: SystemTime) -> Option<String> {
    let Expiry::At(end) = lease.expires else { return None };
    match end.duration_since(now) {
        Ok(left) if left > LATE => None,
        Ok(left) => Some(format!("ends in {} s and was not renewed", left.as_secs())),
        Err(over) => Some(format!("ended {} s ago", over.duration().as_secs())),
    }
}
