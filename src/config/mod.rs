//! What the operator asked for: settings, the network config, the uplink.
//! Decides what counts and what is refused. Pure: environment, host name and routes come as arguments.

mod flags;
mod go_json;
mod netconf;
mod range;
mod secrets;
mod settings;
mod store_choice;
mod subnet_env;
mod uplink;

pub use flags::{RunArgs, StoreArgs, go_style};
pub use netconf::NetConfError;
pub use secrets::{is_secret, without_secrets};
pub use settings::{SettingsError, run_dir};
pub use subnet_env::SubnetEnv;
pub use uplink::{Reach, UplinkError, choose, none_named};

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::{Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::net::IfName;

/// Everything `run` was told: flags over `FLANNELD_*` over defaults, validated once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where leases live.
    pub store: StoreChoice,
    /// `--iface` in order: addresses or names.
    pub ifaces: Vec<String>,
    /// `--iface-regex` in order.
    pub iface_regexes: Vec<String>,
    /// `--iface-can-reach`.
    pub iface_can_reach: Option<String>,
    /// `--public-ip`.
    pub public_ip: Option<Ipv4Addr>,
    /// `--public-ipv6`.
    pub public_ipv6: Option<Ipv6Addr>,
    /// `--subnet-file`.
    pub subnet_file: PathBuf,
    /// `--subnet-lease-renew-margin`.
    pub renew_margin: Duration,
    /// `--ip-masq`.
    pub ip_masq: bool,
    /// `--ip-masq-fully-random-disable`, inverted.
    pub fully_random: bool,
    /// `--iptables-forward-rules`.
    pub forward_rules: bool,
    /// `--iptables-resync`.
    pub iptables_resync: Duration,
    /// `--run-dir`: where agent state files live.
    pub run_dir: PathBuf,
    /// `NODE_NAME`, else the host name.
    pub node: String,
    /// `--dry-run`.
    pub dry_run: bool,
    /// `--once`.
    pub once: bool,
    /// `--takeover`.
    pub takeover: bool,
    /// `--log-format`.
    pub log_format: LogFormat,
    /// `-v N`: flannel's verbosity number; 0 info, 1..3 debug, above trace.
    pub verbosity: u8,
}

/// Which lease store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreChoice {
    /// `dir:PATH`.
    Dir(PathBuf),
    /// etcd v3.
    Etcd(EtcdSettings),
}

/// How to reach etcd. `Debug` never shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct EtcdSettings {
    /// `--etcd-endpoints`, blanks trimmed.
    pub endpoints: Vec<String>,
    /// `--etcd-prefix`, cleaned: no trailing slash, no `//`, so that `{prefix}/config` is a key. A leading slash
    /// is there if the operator wrote one (flanneld adds none either).
    pub prefix: String,
    /// `--etcd-keyfile`.
    pub keyfile: Option<PathBuf>,
    /// `--etcd-certfile`.
    pub certfile: Option<PathBuf>,
    /// `--etcd-cafile`.
    pub cafile: Option<PathBuf>,
    /// `--etcd-username`.
    pub username: Option<String>,
    /// `--etcd-password`.
    pub password: Option<String>,
}

impl std::fmt::Debug for EtcdSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { endpoints, prefix, keyfile, certfile, cafile, username, password } = self;
        f.debug_struct("EtcdSettings")
            .field("endpoints", endpoints)
            .field("prefix", prefix)
            .field("keyfile", keyfile)
            .field("certfile", certfile)
            .field("cafile", cafile)
            .field("username", username)
            .field("password", &password.as_ref().map(|_| "***"))
            .finish()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// Time, level, message.
    #[default]
    Text,
    /// klog's `I0102 15:04:05.000000 pid file:line] message`, as flanneld writes.
    Glog,
    /// One JSON object a line.
    Json,
}

/// The network config (`net-conf.json`), defaults filled in and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetConf {
    /// `EnableIPv4` with its range.
    pub v4: Option<Range4>,
    /// `EnableIPv6` with its range.
    pub v6: Option<Range6>,
    /// `EnableNFTables`.
    pub nftables: bool,
    /// `Backend`.
    pub backend: Backend,
}

/// From which addresses IPv4 subnets are leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range4 {
    /// `Network`.
    pub network: Ipv4Net,
    /// `SubnetLen`.
    pub subnet_len: u8,
    /// `SubnetMin`.
    pub min: Ipv4Addr,
    /// `SubnetMax`.
    pub max: Ipv4Addr,
}

/// From which addresses IPv6 subnets are leased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range6 {
    /// `IPv6Network`.
    pub network: Ipv6Net,
    /// `IPv6SubnetLen`.
    pub subnet_len: u8,
    /// `IPv6SubnetMin`.
    pub min: Ipv6Addr,
    /// `IPv6SubnetMax`.
    pub max: Ipv6Addr,
}

/// `Backend` of the network config: a type that this build runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Kernel VXLAN.
    Vxlan(VxlanConf),
}

/// Options of the vxlan backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VxlanConf {
    /// `VNI`, 1 unless set.
    pub vni: u32,
    /// `Port`; 0 in the config means the kernel's default 8472, and is 8472 here.
    pub port: u16,
    /// `MTU`: the underlay's, if it is not the uplink's.
    pub mtu: Option<u32>,
    /// `GBP`.
    pub gbp: bool,
    /// `Learning`.
    pub learning: bool,
    /// `DirectRouting`.
    pub direct_routing: bool,
}

/// The chosen uplink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uplink {
    /// Its name.
    pub dev: IfName,
    /// Its MTU in bytes.
    pub mtu: u32,
    /// Its IPv4 address, the source of outer packets.
    pub v4: Option<Ipv4Addr>,
    /// Its IPv6 address.
    pub v6: Option<Ipv6Addr>,
    /// Advertised IPv4 address (differs from `v4` behind NAT).
    pub ext_v4: Option<Ipv4Addr>,
    /// Advertised IPv6 address.
    pub ext_v6: Option<Ipv6Addr>,
}
