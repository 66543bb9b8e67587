//! The table of checks, in the order in which causes come before their consequences.

use super::Check;

/// Every check.
pub const CHECKS: &[Check] = &[];
