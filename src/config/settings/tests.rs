use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use super::{SettingsError, split_list};
use crate::config::{EtcdSettings, LogFormat, RunArgs, Settings, StoreArgs, StoreChoice, go_style};

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Run {
    #[command(flatten)]
    args: RunArgs,
}

/// A command line; words such as `FLANNELD_X=y` before it are the environment.
fn settings(line: &str) -> Result<Settings, SettingsError> {
    let mut env = BTreeMap::new();
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) if words.is_empty() && !name.starts_with('-') => {
                env.insert(name.to_owned(), value.to_owned());
            }
            _ => words.push(OsString::from(word)),
        }
    }
    let args = Run::try_parse_from(go_style(words)).expect("clap takes the line").args;
    Settings::from_layers(&args, &|name| env.get(name).cloned(), "host-a")
}

fn refused(line: &str) -> String {
    let e = settings(line).map(|s| format!("{s:?}")).expect_err(line);
    assert!(e.hint().is_some_and(|hint| !hint.is_empty()), "{line}");
    e.to_string()
}

fn etcd(line: &str) -> EtcdSettings {
    match settings(line).unwrap_or_else(|e| panic!("{line}: {e}")).store {
        StoreChoice::Etcd(etcd) => etcd,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn nothing_given_means_flannels_defaults() {
    let want = Settings {
        store: StoreChoice::Etcd(EtcdSettings {
            endpoints: vec!["http://127.0.0.1:4001".to_owned(), "http://127.0.0.1:2379".to_owned()],
            prefix: "/coreos.com/network".to_owned(),
            keyfile: None,
            certfile: None,
            cafile: None,
            username: None,
            password: None,
        }),
        ifaces: vec![],
        iface_regexes: vec![],
        iface_can_reach: None,
        public_ip: None,
        public_ipv6: None,
        subnet_file: "/run/flannel/subnet.env".into(),
        renew_margin: Duration::from_secs(3600),
        ip_masq: false,
        fully_random: true,
        forward_rules: true,
        iptables_resync: Duration::from_secs(5),
        run_dir: "/run/flannel".into(),
        node: "host-a".to_owned(),
        dry_run: false,
        once: false,
        takeover: false,
        log_format: LogFormat::Text,
        verbosity: 0,
    };
    assert_eq!(settings("").unwrap(), want);
}

#[test]
fn a_line_that_flannel_takes_is_taken() {
    let same = settings("").unwrap();
    for line in [
        "--healthz-port=0",
        "--kube-subnet-mgr=false",
        "--set-node-network-unavailable",
        "--set-node-network-unavailable=false",
        "--healthz-ip=0.0.0.0",
        "--vmodule=a=1 --log_backtrace_at=f:1",
        "--kube-annotation-prefix=flannel.alpha.coreos.com",
        "--net-config-path=/etc/kube-flannel/net-conf.json",
        "--kube-api-url= --kubeconfig-file=",
        "--ip-blackhole-route=false",
        "--public-ip= --public-ipv6= --iface= --iface-regex= --iface-can-reach=",
        "--store etcd",
        "--subnet-lease-renew-margin=60 --iptables-resync=5",
        "FLANNELD_IP_MASQ= FLANNELD_ETCD_ENDPOINTS=",
        "FLANNELD_KUBE_SUBNET_MGR=f",
    ] {
        assert_eq!(settings(line).unwrap_or_else(|e| panic!("{line}: {e}")), same, "{line}");
    }
}

#[test]
fn flags_go_over_environment() {
    let s = settings(
        "FLANNELD_IP_MASQ=T FLANNELD_IFACE=eth0,eth1 FLANNELD_PUBLIC_IP=1.1.1.1 FLANNELD_SUBNET_FILE=/e \
         FLANNELD_V=3 FLANNELD_SUBNET_LEASE_RENEW_MARGIN=1 NODE_NAME=n1 FLANCTL_RUN_DIR=/r \
         FLANCTL_LOG_FORMAT=json FLANNELD_IPTABLES_FORWARD_RULES=0",
    )
    .unwrap();
    assert!(s.ip_masq && !s.forward_rules);
    assert_eq!(s.ifaces, ["eth0", "eth1"]);
    assert_eq!(s.public_ip, Some("1.1.1.1".parse().unwrap()));
    assert_eq!((s.subnet_file, s.run_dir), (PathBuf::from("/e"), PathBuf::from("/r")));
    assert_eq!((s.verbosity, s.renew_margin), (3, Duration::from_secs(60)));
    assert_eq!((s.node.as_str(), s.log_format), ("n1", LogFormat::Json));

    let s = settings(
        "FLANNELD_IP_MASQ=T FLANNELD_IFACE=eth0,eth1 FLANNELD_PUBLIC_IP=1.1.1.1 FLANNELD_SUBNET_FILE=/e \
         FLANNELD_V=junk FLANCTL_RUN_DIR=/r -ip-masq=0 -iface eth9 -public-ip= -subnet-file /f -v 7 \
         --run-dir /x --log-format glog --dry-run --once --takeover --ip-masq-fully-random-disable",
    )
    .unwrap();
    assert!(!s.ip_masq && !s.fully_random && s.dry_run && s.once && s.takeover);
    assert_eq!((s.ifaces, s.public_ip), (vec!["eth9".to_owned()], None));
    assert_eq!((s.subnet_file, s.run_dir), (PathBuf::from("/f"), PathBuf::from("/x")));
    assert_eq!((s.verbosity, s.log_format), (7, LogFormat::Glog));
}

#[test]
fn a_list_in_the_environment_spares_the_commas_of_patterns() {
    for (text, want) in [
        ("eth0", &["eth0"][..]),
        ("eth0,eth1", &["eth0", "eth1"]),
        (" eth0 , eth1 ,", &["eth0", "eth1"]),
        (r"10\.\d{1,3}\.,eth[0,1]", &[r"10\.\d{1,3}\.", "eth[0,1]"]),
        (r"a\{,b", &[r"a\{", "b"]),
        ("", &[]),
    ] {
        assert_eq!(split_list(text), want, "{text}");
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let margin = "Invalid subnet-lease-renew-margin option, out of acceptable range";
    for (line, want) in [
        ("FLANNELD_IP_MASQ=maybe", "FLANNELD_IP_MASQ=maybe: neither true nor false"),
        ("FLANNELD_V=loud", "FLANNELD_V=loud: not a number from 0 to 255"),
        ("FLANNELD_IPTABLES_RESYNC=5s", "FLANNELD_IPTABLES_RESYNC=5s: not a whole number"),
        ("--iptables-resync=0", "--iptables-resync=0: not 1 to 86400 seconds"),
        ("FLANCTL_LOG_FORMAT=xml", "FLANCTL_LOG_FORMAT=xml: not one of glog, text, json"),
        ("--healthz-ip=here", "--healthz-ip=here: not an IP address"),
        ("--iface-can-reach=host", "--iface-can-reach=host: not an IP address"),
        ("--subnet-lease-renew-margin=0", margin),
        ("--subnet-lease-renew-margin=1440", margin),
        ("--subnet-lease-renew-margin -1", margin),
        ("FLANNELD_SUBNET_LEASE_RENEW_MARGIN=9999", margin),
        ("--public-ip=1.2.3", "invalid public IP address: 1.2.3"),
        ("--public-ip=fd00::1", "invalid public IP address: fd00::1"),
        ("--public-ip=0.0.0.0", "invalid public IP address: 0.0.0.0"),
        ("--public-ipv6=1.2.3.4", "invalid public IPv6 address: 1.2.3.4"),
        ("FLANNELD_PUBLIC_IPV6=x", "invalid public IPv6 address: x"),
        ("--iface-regex=eth[", "could not compile the IP address regex 'eth['"),
        ("--kube-subnet-mgr", "--kube-subnet-mgr=true is not built yet"),
        ("FLANNELD_KUBE_SUBNET_MGR=1", "FLANNELD_KUBE_SUBNET_MGR=true is not built yet"),
        ("--kube-api-url=http://a", "--kube-api-url=http://a is not built yet"),
        ("--kubeconfig-file=/k", "--kubeconfig-file=/k is not built yet"),
        ("--kube-annotation-prefix=a.b", "--kube-annotation-prefix=a.b is not built yet"),
        ("--net-config-path=/n", "--net-config-path=/n is not built yet"),
        ("--ip-blackhole-route", "--ip-blackhole-route=true is not built yet"),
        ("--healthz-port=8080", "--healthz-port=8080 is not built yet"),
        ("--store kube", "--store=kube is not built yet"),
        ("--store disk", "--store=disk: no such store"),
        ("--store dir:", "--store=dir:: no such store"),
        ("FLANCTL_STORE=etc", "FLANCTL_STORE=etc: no such store"),
        ("--store dir:/x --etcd-prefix=/p", "--etcd-prefix has no meaning with the store dir:/x"),
    ] {
        assert_eq!(refused(line), want, "{line}");
    }
    let nameless = Settings::from_layers(&RunArgs::default(), &|_| None, " ");
    assert_eq!(nameless.unwrap_err().to_string(), "this node has no name");
}

#[test]
fn a_store_is_a_directory_or_etcd() {
    let dir = StoreChoice::Dir("/var/lib/x".into());
    for line in [
        "--store dir:/var/lib/x",
        "FLANCTL_STORE=dir:/var/lib/x",
        "FLANCTL_STORE=etcd --store=dir:/var/lib/x",
    ] {
        assert_eq!(settings(line).unwrap().store, dir, "{line}");
    }
    // The environment may be for other programs.
    assert_eq!(settings("FLANNELD_ETCD_ENDPOINTS=junk:// --store dir:/var/lib/x").unwrap().store, dir);
}

#[test]
fn a_store_is_given_by_flag_or_environment() {
    for (typed, var, want) in [
        (StoreArgs::default(), "PATH", false),
        (StoreArgs::default(), "FLANNELD_IP_MASQ", false),
        (StoreArgs::default(), "FLANCTL_STORE", true),
        (StoreArgs::default(), "FLANNELD_ETCD_ENDPOINTS", true),
        (StoreArgs { store: Some("etcd".to_owned()), ..StoreArgs::default() }, "PATH", true),
        (StoreArgs { etcd_prefix: Some("/x".to_owned()), ..StoreArgs::default() }, "PATH", true),
    ] {
        let env = |name: &str| (name == var).then(|| "x".to_owned());
        assert_eq!(typed.is_given(&env), want, "{typed:?} {var}");
    }
}

#[test]
fn endpoints_are_trimmed_and_checked() {
    for (given, want) in [
        ("http://a:1", &["http://a:1"][..]),
        ("http://a:1,,http://b:2/,", &["http://a:1", "http://b:2"]),
        ("HTTPS://a.b-c:2379", &["https://a.b-c:2379"]),
        ("http://[fd00::1]:2379", &["http://[fd00::1]:2379"]),
        ("10.0.0.1:2379", &["http://10.0.0.1:2379"]),
        ("http://a", &["http://a"]),
    ] {
        assert_eq!(etcd(&format!("--etcd-endpoints={given}")).endpoints, want, "{given}");
    }
    assert_eq!(etcd("--etcd-cafile=c --etcd-endpoints=a:1").endpoints, ["https://a:1"]);
    for (given, want) in [
        (",", r#"--etcd-endpoints: "": no endpoint"#),
        ("ftp://a:1", r#"--etcd-endpoints: "ftp://a:1": the scheme is neither http nor https"#),
        ("http://:2379", r#"--etcd-endpoints: "http://:2379": not a host name or address"#),
        ("http://a:0", r#"--etcd-endpoints: "http://a:0": not a port"#),
        ("http://a:70000", r#"--etcd-endpoints: "http://a:70000": not a port"#),
        ("http://a:", r#"--etcd-endpoints: "http://a:": not a port"#),
        ("http://a:+1", r#"--etcd-endpoints: "http://a:+1": not a port"#),
        (
            "http://fd00::1:2379",
            r#"--etcd-endpoints: "http://fd00::1:2379": an IPv6 address stands in brackets"#,
        ),
        ("http://[fd00::1", r#"--etcd-endpoints: "http://[fd00::1": the bracket is not closed"#),
        (
            "http://a:1;http://b:1",
            r#"--etcd-endpoints: "http://a:1;http://b:1": endpoints are separated by commas"#,
        ),
        (
            "http://a:1/v3",
            r#"--etcd-endpoints: "http://a:1/v3": an endpoint has no path; --etcd-prefix sets where keys live"#,
        ),
        (
            "http://u:secret@a:1",
            r#"--etcd-endpoints: "…@a:1": user and password belong in --etcd-username and --etcd-password"#,
        ),
    ] {
        assert_eq!(refused(&format!("--etcd-endpoints={given}")), want, "{given}");
    }
    assert_eq!(
        refused("FLANNELD_ETCD_ENDPOINTS=x://y"),
        r#"FLANNELD_ETCD_ENDPOINTS: "x://y": the scheme is neither http nor https"#
    );
}

#[test]
fn no_certificate_and_no_user_is_dropped_silently() {
    let tls = "--etcd-endpoints=https://a:1 --etcd-certfile=c";
    for (line, want) in [
        (tls.to_owned(), "--etcd-certfile is set without --etcd-keyfile"),
        ("FLANNELD_ETCD_KEYFILE=k".to_owned(), "FLANNELD_ETCD_KEYFILE is set without --etcd-certfile"),
        ("--etcd-cafile=a".to_owned(), "--etcd-cafile is set, but every etcd endpoint is http"),
        (
            "--etcd-keyfile=k --etcd-certfile=c --etcd-endpoints=http://a:1".to_owned(),
            "--etcd-certfile is set, but every etcd endpoint is http",
        ),
        ("--etcd-endpoints=http://a:1,https://b:1".to_owned(), "--etcd-endpoints mixes http and https"),
        ("--etcd-username=u".to_owned(), "--etcd-username is set without --etcd-password"),
        ("FLANNELD_ETCD_PASSWORD=p".to_owned(), "FLANNELD_ETCD_PASSWORD is set without --etcd-username"),
    ] {
        assert_eq!(refused(&line), want, "{line}");
    }
    assert_eq!(etcd("--etcd-endpoints=https://a:1 --etcd-cafile=a").cafile, Some("a".into()));
    let full = etcd(&format!("FLANNELD_ETCD_PASSWORD=hunter2 {tls} --etcd-keyfile=k --etcd-username=u"));
    assert_eq!((full.certfile, full.keyfile), (Some("c".into()), Some("k".into())));
    assert_eq!((full.username.as_deref(), full.password.as_deref()), (Some("u"), Some("hunter2")));
    let shown = format!("{:?}", settings("FLANNELD_ETCD_PASSWORD=hunter2 --etcd-username=u").unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_prefix_is_cleaned_as_gos_path_join_cleans_it() {
    for (given, want) in [
        ("/coreos.com/network", "/coreos.com/network"),
        ("//coreos.com//network/", "/coreos.com/network"),
        ("/a/./b/../c", "/a/c"),
        ("coreos.com/network/", "coreos.com/network"),
        ("/", ""),
    ] {
        assert_eq!(etcd(&format!("--etcd-prefix={given}")).prefix, want, "{given}");
        assert_eq!(etcd(&format!("FLANNELD_ETCD_PREFIX={given}")).prefix, want, "{given}");
    }
    assert_eq!(refused("--etcd-prefix="), "--etcd-prefix=: an empty prefix");
}
