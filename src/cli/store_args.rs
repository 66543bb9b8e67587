//! The flags that name a lease store, for the reading verbs.
//! MERGE: replace by `crate::config::flags::StoreArgs` and `StoreChoice::from_layers`.

use std::path::PathBuf;

use clap::Args;

use crate::config::{EtcdSettings, StoreChoice};
use crate::error::Failure;

/// Where the leases live.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Lease store")]
pub struct StoreArgs {
    /// dir:PATH, or etcd
    #[arg(long, global = true, value_name = "STORE")]
    pub store: Option<String>,
    /// A comma-separated list of etcd endpoints
    #[arg(long, global = true, value_name = "URLS")]
    pub etcd_endpoints: Option<String>,
    /// etcd prefix
    #[arg(long, global = true, value_name = "PREFIX")]
    pub etcd_prefix: Option<String>,
    /// Key file of the client certificate
    #[arg(long, global = true, value_name = "FILE")]
    pub etcd_keyfile: Option<PathBuf>,
    /// Client certificate
    #[arg(long, global = true, value_name = "FILE")]
    pub etcd_certfile: Option<PathBuf>,
    /// Certificate authority of the servers
    #[arg(long, global = true, value_name = "FILE")]
    pub etcd_cafile: Option<PathBuf>,
    /// etcd user
    #[arg(long, global = true, value_name = "NAME")]
    pub etcd_username: Option<String>,
    /// etcd password
    #[arg(long, global = true, value_name = "PASSWORD")]
    pub etcd_password: Option<String>,
}

impl StoreArgs {
    /// True if a flag names a store.
    pub fn flagged(&self) -> bool {
        let Self {
            store,
            etcd_endpoints,
            etcd_prefix,
            etcd_keyfile,
            etcd_certfile,
            etcd_cafile,
            etcd_username,
            etcd_password,
        } = self;
        let texts = [store, etcd_endpoints, etcd_prefix, etcd_username, etcd_password];
        let files = [etcd_keyfile, etcd_certfile, etcd_cafile];
        texts.iter().any(|t| t.is_some()) || files.iter().any(|f| f.is_some())
    }

    /// True if a flag or a variable names a store.
    pub fn given(&self, env: &dyn Fn(&str) -> Option<String>) -> bool {
        let keys = ["FLANNELD_STORE", "FLANNELD_ETCD_ENDPOINTS", "FLANNELD_ETCD_PREFIX"];
        self.flagged() || keys.iter().any(|key| env(key).is_some())
    }

    /// Flags over variables over defaults.
    pub fn choice(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<StoreChoice, Failure> {
        let text = |flag: &Option<String>, key: &str| flag.clone().or_else(|| env(key));
        let file = |flag: &Option<PathBuf>, key: &str| flag.clone().or_else(|| env(key).map(PathBuf::from));
        match text(&self.store, "FLANNELD_STORE").as_deref() {
            Some(dir) if dir.starts_with("dir:") => {
                Ok(StoreChoice::Dir(PathBuf::from(dir.trim_start_matches("dir:"))))
            }
            None | Some("etcd") => Ok(StoreChoice::Etcd(EtcdSettings {
                endpoints: text(&self.etcd_endpoints, "FLANNELD_ETCD_ENDPOINTS")
                    .unwrap_or_else(|| "http://127.0.0.1:4001,http://127.0.0.1:2379".to_owned())
                    .split(',')
                    .map(|e| e.trim().to_owned())
                    .collect(),
                prefix: text(&self.etcd_prefix, "FLANNELD_ETCD_PREFIX")
                    .unwrap_or_else(|| "/coreos.com/network".to_owned()),
                keyfile: file(&self.etcd_keyfile, "FLANNELD_ETCD_KEYFILE"),
                certfile: file(&self.etcd_certfile, "FLANNELD_ETCD_CERTFILE"),
                cafile: file(&self.etcd_cafile, "FLANNELD_ETCD_CAFILE"),
                username: text(&self.etcd_username, "FLANNELD_ETCD_USERNAME"),
                password: text(&self.etcd_password, "FLANNELD_ETCD_PASSWORD"),
            })),
            Some(other) => Err(Failure::usage(format!("--store {other:?} is neither dir:PATH nor etcd"))),
        }
    }
}
