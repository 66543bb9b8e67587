//! Which lease store, and how to reach it. Refuses what the etcd client would drop without a word:
//! half a certificate, certificates over http, a user without a password.

use std::path::PathBuf;

use crate::config::flags::StoreArgs;
use crate::config::settings::{Given, Layers, SettingsError};
use crate::config::{EtcdSettings, StoreChoice};

const ENDPOINTS: &str = "http://127.0.0.1:4001,http://127.0.0.1:2379";
const PREFIX: &str = "/coreos.com/network";

impl StoreArgs {
    /// The etcd flags by name, as typed.
    fn etcd(&self) -> [(&'static str, &Option<String>); 7] {
        let Self { store: _, etcd_endpoints, etcd_prefix, etcd_keyfile, .. } = self;
        let Self { etcd_certfile, etcd_cafile, etcd_username, etcd_password, .. } = self;
        [
            ("etcd-endpoints", etcd_endpoints),
            ("etcd-prefix", etcd_prefix),
            ("etcd-keyfile", etcd_keyfile),
            ("etcd-certfile", etcd_certfile),
            ("etcd-cafile", etcd_cafile),
            ("etcd-username", etcd_username),
            ("etcd-password", etcd_password),
        ]
    }

    /// True if flags or environment name a store at all; a reading verb does not guess one.
    pub fn is_given(&self, env: &dyn Fn(&str) -> Option<String>) -> bool {
        let on = Layers { env };
        let etcd = |(name, typed): (&str, &Option<String>)| on.text(typed.as_ref(), name).is_some();
        on.text_of("FLANCTL", self.store.as_ref(), "store").is_some() || self.etcd().into_iter().any(etcd)
    }
}

impl StoreChoice {
    /// `--store` over `FLANCTL_STORE` over etcd, with the etcd flags over their `FLANNELD_*`.
    pub fn from_layers(
        args: &StoreArgs,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingsError> {
        let on = Layers { env };
        let Some(Given { value, by }) = on.text_of("FLANCTL", args.store.as_ref(), "store") else {
            return etcd(args, &on).map(Self::Etcd);
        };
        match value.split_once(':') {
            None if value == "etcd" => etcd(args, &on).map(Self::Etcd),
            None if value == "kube" => Err(SettingsError::NotBuilt { by, value }),
            Some(("dir", path)) if !path.is_empty() => match etcd_typed(args) {
                Some(flag) => Err(SettingsError::NotThatStore { flag: format!("--{flag}"), store: value }),
                None => Ok(Self::Dir(PathBuf::from(path))),
            },
            _ => Err(SettingsError::NoSuchStore { by, value }),
        }
    }
}

/// The first etcd flag of the command line.
fn etcd_typed(args: &StoreArgs) -> Option<&'static str> {
    let typed =
        |(name, value): (_, &Option<String>)| value.as_ref().is_some_and(|v| !v.is_empty()).then_some(name);
    args.etcd().into_iter().find_map(typed)
}

fn etcd(args: &StoreArgs, on: &Layers<'_>) -> Result<EtcdSettings, SettingsError> {
    let key = on.text(args.etcd_keyfile.as_ref(), "etcd-keyfile");
    let cert = on.text(args.etcd_certfile.as_ref(), "etcd-certfile");
    let ca = on.text(args.etcd_cafile.as_ref(), "etcd-cafile");
    let user = on.text(args.etcd_username.as_ref(), "etcd-username");
    let password = on.text(args.etcd_password.as_ref(), "etcd-password");
    pair(&key, "--etcd-keyfile", &cert, "--etcd-certfile")?;
    pair(&user, "--etcd-username", &password, "--etcd-password")?;

    let given = on
        .text(args.etcd_endpoints.as_ref(), "etcd-endpoints")
        .unwrap_or_else(|| Given { value: ENDPOINTS.to_owned(), by: "--etcd-endpoints".to_owned() });
    let tls = [&cert, &ca].into_iter().flatten().next();
    let endpoints = endpoints(&given, tls.is_some())?;
    let https = endpoints.iter().filter(|e| e.starts_with("https://")).count();
    if https != 0 && https != endpoints.len() {
        return Err(SettingsError::MixedSchemes { by: given.by });
    }
    if let (0, Some(tls)) = (https, tls) {
        return Err(SettingsError::TlsUnused { given: tls.by.clone() });
    }
    let path = |g: Option<Given<String>>| g.map(|g| PathBuf::from(g.value));
    Ok(EtcdSettings {
        endpoints,
        prefix: prefix(args, on)?,
        keyfile: path(key),
        certfile: path(cert),
        cafile: path(ca),
        username: user.map(|g| g.value),
        password: password.map(|g| g.value),
    })
}

/// Both or neither.
fn pair(
    a: &Option<Given<String>>,
    a_name: &'static str,
    b: &Option<Given<String>>,
    b_name: &'static str,
) -> Result<(), SettingsError> {
    match (a, b) {
        (Some(a), None) => Err(SettingsError::Half { given: a.by.clone(), missing: b_name }),
        (None, Some(b)) => Err(SettingsError::Half { given: b.by.clone(), missing: a_name }),
        _ => Ok(()),
    }
}

fn endpoints(given: &Given<String>, tls: bool) -> Result<Vec<String>, SettingsError> {
    let entries: Vec<&str> = given.value.split(',').map(str::trim).filter(|e| !e.is_empty()).collect();
    let wrong = |entry: &str, why| SettingsError::Endpoint {
        by: given.by.clone(),
        endpoint: without_user(entry),
        why,
    };
    if entries.is_empty() {
        return Err(wrong("", "no endpoint"));
    }
    entries.into_iter().map(|entry| endpoint(entry, tls).map_err(|why| wrong(entry, why))).collect()
}

/// One endpoint as `scheme://host[:port]`. A bare host:port speaks TLS if there are TLS files, as in etcd's client.
fn endpoint(entry: &str, tls: bool) -> Result<String, &'static str> {
    if entry.contains(|c: char| c == ';' || c.is_whitespace()) {
        return Err("endpoints are separated by commas");
    }
    let (scheme, rest) = match entry.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => (if tls { "https" } else { "http" }.to_owned(), entry),
    };
    if scheme != "http" && scheme != "https" {
        return Err("the scheme is neither http nor https");
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("user and password belong in --etcd-username and --etcd-password");
    }
    if !path.is_empty() || authority.contains(['?', '#']) {
        return Err("an endpoint has no path; --etcd-prefix sets where keys live");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (ip, after) = v6.split_once(']').ok_or("the bracket is not closed")?;
            ip.parse::<std::net::Ipv6Addr>().map_err(|_| "not an IPv6 address in brackets")?;
            (ip, if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or("not a port")?) })
        }
        None => match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => return Err("an IPv6 address stands in brackets"),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    if host.is_empty() || !host.chars().all(named) {
        return Err("not a host name or address");
    }
    match port {
        Some(p) if !matches!(p.parse::<u16>(), Ok(1..)) || p.starts_with('+') => Err("not a port"),
        _ => Ok(format!("{scheme}://{authority}")),
    }
}

/// For messages: nobody's password belongs there.
fn without_user(entry: &str) -> String {
    match entry.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => entry.to_owned(),
    }
}

/// As Go's path.Join cleans it; the root is the empty text, so that `{prefix}/config` is right. A leading slash
/// is kept but never added: flanneld would write to other keys.
fn prefix(args: &StoreArgs, on: &Layers<'_>) -> Result<String, SettingsError> {
    let given = match &args.etcd_prefix {
        Some(value) => Given { value: value.clone(), by: "--etcd-prefix".to_owned() },
        None => on
            .text(None, "etcd-prefix")
            .unwrap_or_else(|| Given { value: PREFIX.to_owned(), by: "--etcd-prefix".to_owned() }),
    };
    let Given { value, by } = given;
    let mut parts = Vec::new();
    for part in value.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let clean = parts.join("/");
    if value.starts_with('/') {
        Ok(if clean.is_empty() { clean } else { format!("/{clean}") })
    } else if clean.is_empty() {
        Err(SettingsError::Bad { by, value, why: "an empty prefix".to_owned() })
    } else {
        Ok(clean)
    }
}
