//! What can be wrong with a setting, and what to do about it.

/// A setting that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value that does not parse.
    #[error("{by}={value}: {why}")]
    Bad {
        /// The flag or the environment variable.
        by: String,
        /// What it was set to.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// Needs something that this build does not have.
    #[error("{by}={value} is not built yet")]
    NotBuilt {
        /// The flag or the environment variable.
        by: String,
        /// What it was set to.
        value: String,
    },
    /// flannel's wording.
    #[error("Invalid subnet-lease-renew-margin option, out of acceptable range")]
    RenewMargin {
        /// What it was set to.
        minutes: i64,
    },
    /// `--public-ip`; flannel's wording.
    #[error("invalid public IP address: {0}")]
    PublicIp(String),
    /// `--public-ipv6`; flannel's wording.
    #[error("invalid public IPv6 address: {0}")]
    PublicIpv6(String),
    /// `--iface-regex`; flannel's wording.
    #[error("could not compile the IP address regex '{pattern}'")]
    Regex {
        /// The pattern.
        pattern: String,
        /// Where it breaks.
        #[source]
        source: Box<regex::Error>,
    },
    /// Neither `NODE_NAME` nor a host name.
    #[error("this node has no name")]
    NoNodeName,
    /// `--store` names no store.
    #[error("{by}={value}: no such store")]
    NoSuchStore {
        /// The flag or the environment variable.
        by: String,
        /// What it was set to.
        value: String,
    },
    /// An etcd flag on a command line that chooses another store.
    #[error("{flag} has no meaning with the store {store}")]
    NotThatStore {
        /// The flag.
        flag: String,
        /// The chosen store.
        store: String,
    },
    /// `--etcd-endpoints` holds something that is no endpoint.
    #[error("{by}: {endpoint:?}: {why}")]
    Endpoint {
        /// The flag or the environment variable.
        by: String,
        /// The entry; user name and password left out.
        endpoint: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// http and https endpoints in one list.
    #[error("{by} mixes http and https")]
    MixedSchemes {
        /// The flag or the environment variable.
        by: String,
    },
    /// One half of a pair.
    #[error("{given} is set without {missing}")]
    Half {
        /// What is set.
        given: String,
        /// What is not.
        missing: &'static str,
    },
    /// TLS files that no http endpoint would use.
    #[error("{given} is set, but every etcd endpoint is http")]
    TlsUnused {
        /// The TLS setting.
        given: String,
    },
}

impl SettingsError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Bad { by, .. } if by.starts_with("--") => format!("correct {by}"),
            Self::Bad { by, .. } => format!("correct or unset the environment variable {by}"),
            Self::NotBuilt { by, .. } if by.to_lowercase().contains("kube") => {
                format!("leave {by} out and keep the leases in etcd (--etcd-endpoints) or --store dir:PATH")
            }
            Self::NotBuilt { by, value } if value == "kube" => {
                format!("set {by} to etcd or dir:PATH")
            }
            Self::NotBuilt { by, .. } => format!("leave {by} out"),
            Self::RenewMargin { minutes } => format!("choose 1 to 1439 minutes, not {minutes}"),
            Self::PublicIp(_) => "--public-ip takes one IPv4 address that other nodes can reach".to_owned(),
            Self::PublicIpv6(_) => {
                "--public-ipv6 takes one IPv6 address that other nodes can reach".to_owned()
            }
            Self::Regex { .. } => r"test the pattern on one address, like '192\.168\.1\.\d+'".to_owned(),
            Self::NoNodeName => "set NODE_NAME or the host name".to_owned(),
            Self::NoSuchStore { .. } => "use dir:PATH or etcd".to_owned(),
            Self::NotThatStore { flag, .. } => format!("drop {flag}, or use --store etcd"),
            Self::Endpoint { .. } => {
                "write https://HOST:2379 or http://HOST:2379, comma-separated".to_owned()
            }
            Self::MixedSchemes { .. } => "use https for all endpoints, or for none".to_owned(),
            Self::Half { missing, .. } => format!("set {missing} too"),
            Self::TlsUnused { given } => format!("use https:// endpoints, or drop {given}"),
        })
    }
}
