//! What can go wrong with the firewall, and the advice that goes with it.

use crate::kernel::exec::ExecError;

/// The firewall could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FirewallError {
    /// A program did not run.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// A program ran and refused.
    #[error("{command}: {status}: {said}")]
    Refused {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        said: String,
    },
    /// A listing that cannot be read.
    #[error("reading what {command} printed")]
    Garbled {
        /// The program and its arguments.
        command: String,
        /// Cause.
        #[source]
        source: serde_json::Error,
    },
    /// A transaction was accepted, and yet the rules are not there.
    #[error("{table}: the rules were written but read back differently: {found}")]
    Unsettled {
        /// Which table.
        table: String,
        /// What is off.
        found: String,
    },
}

impl FirewallError {
    /// One sentence that tells the fix, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exec(ExecError::Missing { program }) if program == "nft" => Some(
                "install the Debian package nftables, or set EnableNFTables to false in the net config"
                    .into(),
            ),
            Self::Exec(ExecError::Missing { program }) if program.contains("tables") => Some(
                "install the Debian package iptables, or set EnableNFTables to true in the net config".into(),
            ),
            Self::Exec(ExecError::Late { program, .. }) if program.contains("tables") => {
                Some("another program may hold /run/xtables.lock; see who: fuser -v /run/xtables.lock".into())
            }
            Self::Refused { said, .. }
                if said.contains("ermission denied") || said.contains("not permitted") =>
            {
                Some("the firewall needs CAP_NET_ADMIN: run as root".into())
            }
            Self::Garbled { .. } => {
                Some("nft must be built with JSON, as Debian's package nftables is".into())
            }
            Self::Unsettled { .. } => {
                Some("another program may rewrite the same chains; see who: nft monitor".into())
            }
            Self::Exec(_) | Self::Refused { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_answered_with_its_package() {
        for (program, package) in
            [("nft", "nftables"), ("ip6tables-save", "iptables"), ("iptables", "iptables")]
        {
            let error = FirewallError::from(ExecError::Missing { program: program.into() });
            assert!(error.hint().unwrap().contains(&format!("package {package},")), "{program}");
        }
    }
}
