//! The command line of `run`: every flanneld flag under its own name, and ours; and Go's spelling of them.
//! Holds what was typed and nothing else: every value is optional, so that "given or not" is known.

use std::ffi::{OsStr, OsString};

use clap::Args;

use crate::config::LogFormat;

/// Flags that tell where the leases live; the reading verbs share them with `run`.
#[derive(Args, Clone, Default, PartialEq, Eq)]
pub struct StoreArgs {
    /// Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet).
    #[arg(long, value_name = "STORE", help_heading = "Lease store")]
    pub store: Option<String>,
    /// etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379].
    #[arg(long, value_name = "URLS", help_heading = "Lease store")]
    pub etcd_endpoints: Option<String>,
    /// Root of all keys in etcd [default: /coreos.com/network].
    #[arg(long, value_name = "PREFIX", help_heading = "Lease store")]
    pub etcd_prefix: Option<String>,
    /// Private key of the TLS client certificate (PEM).
    #[arg(long, value_name = "FILE", help_heading = "Lease store")]
    pub etcd_keyfile: Option<String>,
    /// TLS client certificate (PEM).
    #[arg(long, value_name = "FILE", help_heading = "Lease store")]
    pub etcd_certfile: Option<String>,
    /// Certificate authority that signs etcd's certificate (PEM) [default: the system's].
    #[arg(long, value_name = "FILE", help_heading = "Lease store")]
    pub etcd_cafile: Option<String>,
    /// User name for etcd.
    #[arg(long, value_name = "NAME", help_heading = "Lease store")]
    pub etcd_username: Option<String>,
    /// Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list.
    #[arg(long, value_name = "PASSWORD", help_heading = "Lease store")]
    pub etcd_password: Option<String>,
}

impl std::fmt::Debug for StoreArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { store, etcd_endpoints, etcd_prefix, .. } = self;
        let Self { etcd_keyfile, etcd_certfile, etcd_cafile, etcd_username, etcd_password, .. } = self;
        f.debug_struct("StoreArgs")
            .field("store", store)
            .field("etcd_endpoints", etcd_endpoints)
            .field("etcd_prefix", etcd_prefix)
            .field("etcd_keyfile", etcd_keyfile)
            .field("etcd_certfile", etcd_certfile)
            .field("etcd_cafile", etcd_cafile)
            .field("etcd_username", etcd_username)
            .field("etcd_password", &etcd_password.as_ref().map(|_| "***"))
            .finish()
    }
}

/// Flags of `run`. A flag given twice: the last counts, as in Go.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(args_override_self = true)]
pub struct RunArgs {
    /// Where leases live.
    #[command(flatten)]
    pub store: StoreArgs,

    /// Interface to use for traffic between hosts: an address or a name. Repeatable; the first that exists is taken.
    #[arg(long, value_name = "IP|NAME", help_heading = "Uplink")]
    pub iface: Vec<String>,
    /// Pattern matched against the addresses, then the names, of all interfaces. Repeatable; tried after --iface.
    #[arg(long, value_name = "REGEX", help_heading = "Uplink")]
    pub iface_regex: Vec<String>,
    /// Use the interface by which the kernel would reach this address; tried last.
    #[arg(long, value_name = "IP", help_heading = "Uplink")]
    pub iface_can_reach: Option<String>,
    /// IPv4 address that other nodes reach this one at; alone, it also selects the interface.
    #[arg(long, value_name = "IP", help_heading = "Uplink")]
    pub public_ip: Option<String>,
    /// IPv6 address that other nodes reach this one at; alone, it also selects the interface.
    #[arg(long, value_name = "IP", help_heading = "Uplink")]
    pub public_ipv6: Option<String>,

    /// File that tells container runtimes this node's subnet and MTU [default: /run/flannel/subnet.env].
    #[arg(long, value_name = "FILE")]
    pub subnet_file: Option<String>,
    /// Renew the lease this many minutes before it ends, 1 to 1439 [default: 60].
    #[arg(long, value_name = "MINUTES")]
    pub subnet_lease_renew_margin: Option<i64>,

    /// Masquerade traffic that leaves the overlay.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = go_bool, help_heading = "Firewall")]
    pub ip_masq: Option<bool>,
    /// Do not randomise the source ports of masqueraded connections fully.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = go_bool, help_heading = "Firewall")]
    pub ip_masq_fully_random_disable: Option<bool>,
    /// Accept overlay traffic in the forward chain [default: true].
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = go_bool, help_heading = "Firewall")]
    pub iptables_forward_rules: Option<bool>,
    /// Seconds between two checks of the firewall rules [default: 5].
    #[arg(long, value_name = "SECONDS", help_heading = "Firewall")]
    pub iptables_resync: Option<i64>,
    /// Keep a blackhole route for the node's own subnet (not built yet).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = go_bool, help_heading = "Firewall")]
    pub ip_blackhole_route: Option<bool>,

    /// Keep leases in Kubernetes' node objects (not built yet).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = go_bool, help_heading = "Kubernetes")]
    pub kube_subnet_mgr: Option<bool>,
    /// URL of the Kubernetes API server (not built yet).
    #[arg(long, value_name = "URL", help_heading = "Kubernetes")]
    pub kube_api_url: Option<String>,
    /// kubeconfig file (not built yet).
    #[arg(long, value_name = "FILE", help_heading = "Kubernetes")]
    pub kubeconfig_file: Option<String>,
    /// Prefix of the node annotations (not built yet) [default: flannel.alpha.coreos.com].
    #[arg(long, value_name = "PREFIX", help_heading = "Kubernetes")]
    pub kube_annotation_prefix: Option<String>,
    /// Network config file of the Kubernetes mode (not built yet) [default: /etc/kube-flannel/net-conf.json].
    #[arg(long, value_name = "FILE", help_heading = "Kubernetes")]
    pub net_config_path: Option<String>,
    /// Clear NetworkUnavailable once ready; of no effect without Kubernetes.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = go_bool, help_heading = "Kubernetes")]
    pub set_node_network_unavailable: Option<bool>,

    /// Address of the health server; of no effect while --healthz-port is 0 [default: 0.0.0.0].
    #[arg(long, value_name = "IP", help_heading = "Health and logs")]
    pub healthz_ip: Option<String>,
    /// Port of the health server, 0 for none (others are not built yet) [default: 0].
    #[arg(long, value_name = "PORT", help_heading = "Health and logs")]
    pub healthz_port: Option<i64>,
    /// Verbosity: 0 says what happens, 1 to 3 why, more every message [default: 0].
    #[arg(short = 'v', long = "v", value_name = "N", help_heading = "Health and logs")]
    pub verbosity: Option<u8>,
    /// Accepted for flanneld's sake, does nothing: there is no verbosity by source file here.
    #[arg(long, value_name = "PATTERN=N,…", help_heading = "Health and logs")]
    pub vmodule: Option<String>,
    /// Accepted for flanneld's sake, does nothing: no stack trace is logged at a source line.
    #[arg(long = "log_backtrace_at", value_name = "FILE:LINE", help_heading = "Health and logs")]
    pub log_backtrace_at: Option<String>,
    /// How log lines look [default: text].
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Health and logs")]
    pub log_format: Option<LogFormat>,

    /// Directory of the agent's state files [default: /run/flannel, or FLANCTL_RUN_DIR].
    #[arg(long, value_name = "DIR", help_heading = "Agent")]
    pub run_dir: Option<String>,
    /// Print what would be done to the kernel, do nothing.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = go_bool, help_heading = "Agent")]
    pub dry_run: Option<bool>,
    /// Apply one full round and end.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = go_bool, help_heading = "Agent")]
    pub once: Option<bool>,
    /// Adopt the device and the lease that another agent on this node holds.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL",
          value_parser = go_bool, help_heading = "Agent")]
    pub takeover: Option<bool>,
}

/// Go's `strconv.ParseBool`.
pub(super) fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("neither true nor false".to_owned()),
    }
}

/// Rewrites Go's spelling of flags (`-iface eth0`, `-ip-masq=1`, `-v 10`) to clap's. Takes what follows the
/// verb (or the program's name), without them. What it does not know it leaves alone; `--` ends the rewriting.
pub fn go_style(args: Vec<OsString>) -> Vec<OsString> {
    let known = RunArgs::augment_args(clap::Command::new("run"));
    let mut out = Vec::with_capacity(args.len());
    let mut rest = args.into_iter();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            out.push(arg);
            out.extend(rest);
            break;
        }
        let Some((name, value)) = arg.to_str().and_then(split_flag) else {
            out.push(arg);
            continue;
        };
        match kind(&known, name) {
            // clap would name its first letter only.
            Kind::Unknown if is_long(name) => out.push(
                arg.to_str().map_or(arg.clone(), |text| format!("--{}", text.trim_start_matches('-')).into()),
            ),
            Kind::Unknown => out.push(arg),
            Kind::Help => out.push("--help".into()),
            Kind::Version => out.push("--version".into()),
            Kind::Bool => out.push(match value {
                None => format!("--{name}").into(),
                Some(text) => match go_bool(text) {
                    Ok(on) => format!("--{name}={on}").into(),
                    Err(_) => format!("--{name}={text}").into(),
                },
            }),
            Kind::Valued => match (value, value.is_none().then(|| rest.next()).flatten()) {
                (Some(text), _) => out.push(format!("--{name}={text}").into()),
                (None, Some(next)) => out.push(joined(name, &next)),
                (None, None) => out.push(format!("--{name}").into()),
            },
        }
    }
    out
}

/// What sort of flag a name is.
enum Kind {
    Unknown,
    Help,
    Version,
    Bool,
    Valued,
}

fn kind(known: &clap::Command, name: &str) -> Kind {
    match known.get_arguments().find(|a| a.get_long() == Some(name)) {
        // A flag that may stand without a value never takes the next word.
        Some(a) if a.get_num_args().is_some_and(|n| n.min_values() == 0) => Kind::Bool,
        Some(_) => Kind::Valued,
        None if name == "h" || name == "help" => Kind::Help,
        None if name == "version" => Kind::Version,
        None => Kind::Unknown,
    }
}

/// More than a letter, and no short flag with its value attached.
fn is_long(name: &str) -> bool {
    let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    let verbosity = name.strip_prefix('v').is_some_and(number);
    name.len() > 1 && !verbosity && !matches!(name, "ojson" | "otext" | "owide" | "ondjson")
}

/// `-x=v`, `--x=v`, `-x`, `--x` to the name and the value.
fn split_flag(arg: &str) -> Option<(&str, Option<&str>)> {
    let bare = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-'))?;
    if bare.is_empty() || bare.starts_with(['-', '=']) {
        return None;
    }
    Some(match bare.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (bare, None),
    })
}

fn joined(name: &str, value: &OsStr) -> OsString {
    let mut text = OsString::from(format!("--{name}="));
    text.push(value);
    text
}

#[cfg(test)]
mod tests;
