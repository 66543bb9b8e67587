//! Settings from what was typed, the environment and the defaults, in this order of precedence; checked once.
//! flannel logs a bad environment value and goes on; here it is an error that names the variable.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::flags::{RunArgs, go_bool};
use crate::config::{LogFormat, Settings};

mod error;

pub use error::SettingsError;

/// A value and what set it.
pub(super) struct Given<T> {
    pub(super) value: T,
    pub(super) by: String,
}

/// The layers below the flags.
pub(super) struct Layers<'a> {
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
}

/// `etcd-endpoints` → `FLANNELD_ETCD_ENDPOINTS`.
fn env_name(prefix: &str, flag: &str) -> String {
    format!("{prefix}_{}", flag.to_uppercase().replace('-', "_"))
}

impl Layers<'_> {
    /// An environment variable; empty means not set, as flannel has it.
    pub(super) fn var(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|v| !v.is_empty())
    }

    /// A text flag. Given but empty switches off what the environment says.
    pub(super) fn text(&self, flag: Option<&String>, name: &str) -> Option<Given<String>> {
        self.text_of("FLANNELD", flag, name)
    }

    /// As `text`, for flags of ours.
    pub(super) fn text_of(&self, prefix: &str, flag: Option<&String>, name: &str) -> Option<Given<String>> {
        let var = env_name(prefix, name);
        let given = match flag {
            Some(value) => Some(Given { value: value.clone(), by: format!("--{name}") }),
            None => self.var(&var).map(|value| Given { value, by: var }),
        };
        given.filter(|g| !g.value.is_empty())
    }

    /// A flag that clap has parsed already.
    fn parsed<T>(
        &self,
        flag: Option<T>,
        name: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Given<T>>, SettingsError> {
        if let Some(value) = flag {
            return Ok(Some(Given { value, by: format!("--{name}") }));
        }
        let by = env_name("FLANNELD", name);
        match self.var(&by) {
            None => Ok(None),
            Some(value) => match parse(&value) {
                Ok(value) => Ok(Some(Given { value, by })),
                Err(why) => Err(SettingsError::Bad { by, value, why }),
            },
        }
    }

    fn bool(&self, flag: Option<bool>, name: &str, default: bool) -> Result<bool, SettingsError> {
        Ok(self.parsed(flag, name, go_bool)?.map_or(default, |g| g.value))
    }

    fn int(&self, flag: Option<i64>, name: &str) -> Result<Option<Given<i64>>, SettingsError> {
        self.parsed(flag, name, |text| text.parse().map_err(|_| "not a whole number".to_owned()))
    }

    /// A repeatable flag; in the environment a comma list.
    fn list(&self, flags: &[String], name: &str) -> Vec<String> {
        let given: Vec<String> = flags.iter().filter(|f| !f.is_empty()).cloned().collect();
        if !flags.is_empty() {
            return given;
        }
        self.var(&env_name("FLANNELD", name)).map_or_else(Vec::new, |text| split_list(&text))
    }
}

/// Splits at commas, but not at those of a pattern such as `\d{1,3}` or `[.,]`.
fn split_list(text: &str) -> Vec<String> {
    let (mut out, mut word, mut depth, mut escaped) = (Vec::new(), String::new(), 0u32, false);
    for c in text.chars() {
        match c {
            _ if escaped => {}
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                out.push(std::mem::take(&mut word));
                continue;
            }
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        word.push(c);
    }
    out.push(word);
    out.iter().map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect()
}

impl Settings {
    /// Flags over environment over defaults. `hostname` is the node's name unless `NODE_NAME` says otherwise.
    pub fn from_layers(
        args: &RunArgs,
        env: &dyn Fn(&str) -> Option<String>,
        hostname: &str,
    ) -> Result<Self, SettingsError> {
        let on = Layers { env };
        refuse_later(args, &on)?;
        check_harmless(args, &on)?;
        Ok(Self {
            store: crate::config::StoreChoice::from_layers(&args.store, env)?,
            ifaces: on.list(&args.iface, "iface"),
            iface_regexes: regexes(on.list(&args.iface_regex, "iface-regex"))?,
            iface_can_reach: can_reach(args, &on)?,
            public_ip: public_ip(args, &on)?,
            public_ipv6: public_ipv6(args, &on)?,
            subnet_file: path_or(
                on.text(args.subnet_file.as_ref(), "subnet-file"),
                "/run/flannel/subnet.env",
            ),
            renew_margin: renew_margin(args, &on)?,
            ip_masq: on.bool(args.ip_masq, "ip-masq", false)?,
            fully_random: !on.bool(
                args.ip_masq_fully_random_disable,
                "ip-masq-fully-random-disable",
                false,
            )?,
            forward_rules: on.bool(args.iptables_forward_rules, "iptables-forward-rules", true)?,
            iptables_resync: resync(args, &on)?,
            run_dir: run_dir(args.run_dir.as_ref(), env),
            node: node_name(&on, hostname)?,
            dry_run: args.dry_run.unwrap_or(false),
            once: args.once.unwrap_or(false),
            takeover: args.takeover.unwrap_or(false),
            log_format: log_format(args, &on)?,
            verbosity: on
                .parsed(args.verbosity, "v", |t| {
                    t.parse().map_err(|_| "not a number from 0 to 255".to_owned())
                })?
                .map_or(0, |g| g.value),
        })
    }
}

/// `--run-dir` over `FLANCTL_RUN_DIR` over `/run/flannel`; the reading verbs share the rule.
pub fn run_dir(flag: Option<&String>, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    path_or(Layers { env }.text_of("FLANCTL", flag, "run-dir"), "/run/flannel")
}

fn path_or(given: Option<Given<String>>, default: &str) -> PathBuf {
    given.map_or_else(|| PathBuf::from(default), |g| PathBuf::from(g.value))
}

/// Features of flanneld that are not here: a value equal to flannel's default is fine, others are refused by name.
fn refuse_later(args: &RunArgs, on: &Layers<'_>) -> Result<(), SettingsError> {
    let text = |flag: &Option<String>, name: &str, default: &str| {
        on.text(flag.as_ref(), name).filter(|g| g.value != default)
    };
    let switch = |flag: Option<bool>, name: &str| -> Result<_, SettingsError> {
        let given = on.parsed(flag, name, go_bool)?.filter(|g| g.value);
        Ok(given.map(|g| Given { value: g.value.to_string(), by: g.by }))
    };
    let port = on.int(args.healthz_port, "healthz-port")?.filter(|g| g.value != 0);
    let asked = [
        switch(args.kube_subnet_mgr, "kube-subnet-mgr")?,
        text(&args.kube_api_url, "kube-api-url", ""),
        text(&args.kubeconfig_file, "kubeconfig-file", ""),
        text(&args.kube_annotation_prefix, "kube-annotation-prefix", "flannel.alpha.coreos.com"),
        text(&args.net_config_path, "net-config-path", "/etc/kube-flannel/net-conf.json"),
        switch(args.ip_blackhole_route, "ip-blackhole-route")?,
        port.map(|g| Given { value: g.value.to_string(), by: g.by }),
    ];
    match asked.into_iter().flatten().next() {
        Some(Given { value, by }) => Err(SettingsError::NotBuilt { by, value }),
        None => Ok(()),
    }
}

/// Flags without effect here still have to make sense.
fn check_harmless(args: &RunArgs, on: &Layers<'_>) -> Result<(), SettingsError> {
    on.bool(args.set_node_network_unavailable, "set-node-network-unavailable", true)?;
    match on.text(args.healthz_ip.as_ref(), "healthz-ip") {
        Some(Given { value, by }) if value.parse::<std::net::IpAddr>().is_err() => {
            Err(SettingsError::Bad { by, value, why: "not an IP address".to_owned() })
        }
        _ => Ok(()),
    }
}

fn regexes(patterns: Vec<String>) -> Result<Vec<String>, SettingsError> {
    for pattern in &patterns {
        regex::Regex::new(pattern)
            .map_err(|e| SettingsError::Regex { pattern: pattern.clone(), source: Box::new(e) })?;
    }
    Ok(patterns)
}

fn can_reach(args: &RunArgs, on: &Layers<'_>) -> Result<Option<String>, SettingsError> {
    match on.text(args.iface_can_reach.as_ref(), "iface-can-reach") {
        Some(Given { value, by }) if value.parse::<std::net::IpAddr>().is_err() => {
            Err(SettingsError::Bad { by, value, why: "not an IP address".to_owned() })
        }
        given => Ok(given.map(|g| g.value)),
    }
}

fn public_ip(args: &RunArgs, on: &Layers<'_>) -> Result<Option<std::net::Ipv4Addr>, SettingsError> {
    let Some(given) = on.text(args.public_ip.as_ref(), "public-ip") else { return Ok(None) };
    match given.value.parse::<std::net::Ipv4Addr>() {
        Ok(ip) if !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast() => Ok(Some(ip)),
        _ => Err(SettingsError::PublicIp(given.value)),
    }
}

fn public_ipv6(args: &RunArgs, on: &Layers<'_>) -> Result<Option<std::net::Ipv6Addr>, SettingsError> {
    let Some(given) = on.text(args.public_ipv6.as_ref(), "public-ipv6") else { return Ok(None) };
    match given.value.parse::<std::net::Ipv6Addr>() {
        Ok(ip) if !ip.is_unspecified() && !ip.is_multicast() => Ok(Some(ip)),
        _ => Err(SettingsError::PublicIpv6(given.value)),
    }
}

fn renew_margin(args: &RunArgs, on: &Layers<'_>) -> Result<Duration, SettingsError> {
    let minutes =
        on.int(args.subnet_lease_renew_margin, "subnet-lease-renew-margin")?.map_or(60, |g| g.value);
    match u64::try_from(minutes) {
        Ok(m @ 1..=1439) => Ok(Duration::from_secs(m * 60)),
        _ => Err(SettingsError::RenewMargin { minutes }),
    }
}

fn resync(args: &RunArgs, on: &Layers<'_>) -> Result<Duration, SettingsError> {
    let Some(Given { value, by }) = on.int(args.iptables_resync, "iptables-resync")? else {
        return Ok(Duration::from_secs(5));
    };
    match u64::try_from(value) {
        Ok(secs) if (1..=86_400).contains(&secs) => Ok(Duration::from_secs(secs)),
        _ => {
            Err(SettingsError::Bad { by, value: value.to_string(), why: "not 1 to 86400 seconds".to_owned() })
        }
    }
}

fn node_name(on: &Layers<'_>, hostname: &str) -> Result<String, SettingsError> {
    let name = on.var("NODE_NAME").unwrap_or_else(|| hostname.to_owned());
    let name = name.trim();
    if name.is_empty() { Err(SettingsError::NoNodeName) } else { Ok(name.to_owned()) }
}

fn log_format(args: &RunArgs, on: &Layers<'_>) -> Result<LogFormat, SettingsError> {
    if let Some(format) = args.log_format {
        return Ok(format);
    }
    let Some(Given { value, by }) = on.text_of("FLANCTL", None, "log-format") else {
        return Ok(LogFormat::default());
    };
    <LogFormat as clap::ValueEnum>::from_str(&value, false).map_err(|_| SettingsError::Bad {
        by,
        value,
        why: "not one of glog, text, json".to_owned(),
    })
}

#[cfg(test)]
mod tests;
