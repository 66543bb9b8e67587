use std::ffi::OsString;

use clap::Parser;
use proptest::prelude::*;

use super::{RunArgs, go_style};

/// The verb's own words.
#[derive(Parser, Debug)]
#[command(no_binary_name = true)]
struct Run {
    #[command(flatten)]
    args: RunArgs,
}

fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}

fn parse(line: &str) -> Result<RunArgs, clap::Error> {
    Run::try_parse_from(go_style(words(line))).map(|run| run.args)
}

#[test]
fn go_spelling_becomes_claps() {
    for (go, want) in [
        ("-iface=eth0", "--iface=eth0"),
        ("-iface eth0", "--iface=eth0"),
        ("--iface eth0", "--iface=eth0"),
        ("-etcd-endpoints=http://a:1,http://b:2", "--etcd-endpoints=http://a:1,http://b:2"),
        ("-v 10", "--v=10"),
        ("-v=10", "--v=10"),
        ("--v=10", "--v=10"),
        ("-v10", "-v10"),
        ("-subnet-lease-renew-margin -5", "--subnet-lease-renew-margin=-5"),
        ("-iface -h", "--iface=-h"),
        ("-ip-masq", "--ip-masq"),
        ("-ip-masq -iface eth0", "--ip-masq --iface=eth0"),
        ("--ip-masq=1", "--ip-masq=true"),
        ("--ip-masq=T", "--ip-masq=true"),
        ("--ip-masq=TRUE", "--ip-masq=true"),
        ("--ip-masq=0", "--ip-masq=false"),
        ("-ip-masq=F", "--ip-masq=false"),
        ("-ip-masq=False", "--ip-masq=false"),
        ("-ip-masq=maybe", "--ip-masq=maybe"),
        ("-log_backtrace_at f.go:1", "--log_backtrace_at=f.go:1"),
        ("-h", "--help"),
        ("-help", "--help"),
        ("--help", "--help"),
        ("-version", "--version"),
        ("--version", "--version"),
        ("-store dir:/x -once", "--store=dir:/x --once"),
        ("--netns n -iface eth0", "--netns n --iface=eth0"),
        ("-- -iface eth0", "-- -iface eth0"),
        ("-ip-masq -- -h", "--ip-masq -- -h"),
        ("---iface eth0", "---iface eth0"),
        ("-", "-"),
        ("-=x", "-=x"),
        ("-iface", "--iface"),
        ("", ""),
    ] {
        assert_eq!(go_style(words(go)), words(want), "{go}");
    }
}

#[test]
fn every_flag_of_flanneld_is_taken() {
    for flag in [
        "etcd-endpoints=http://a:1",
        "etcd-prefix=/x",
        "etcd-keyfile=k",
        "etcd-certfile=c",
        "etcd-cafile=a",
        "etcd-username=u",
        "etcd-password=p",
        "iface=eth0",
        "iface-regex=eth.*",
        "iface-can-reach=1.1.1.1",
        "subnet-file=/f",
        "public-ip=1.2.3.4",
        "public-ipv6=fd00::1",
        "subnet-lease-renew-margin=60",
        "ip-masq",
        "ip-masq-fully-random-disable",
        "kube-subnet-mgr",
        "kube-api-url=u",
        "kubeconfig-file=f",
        "kube-annotation-prefix=p",
        "net-config-path=f",
        "set-node-network-unavailable",
        "iptables-resync=5",
        "iptables-forward-rules",
        "ip-blackhole-route",
        "healthz-ip=0.0.0.0",
        "healthz-port=0",
        "v=4",
        "vmodule=a=1",
        "log_backtrace_at=a:1",
    ] {
        for dashes in ["-", "--"] {
            let line = format!("{dashes}{flag}");
            assert!(parse(&line).is_ok(), "{line}: {}", parse(&line).unwrap_err());
            if let Some((name, value)) = flag.split_once('=') {
                assert!(parse(&format!("{dashes}{name} {value}")).is_ok(), "{dashes}{name} {value}");
            }
        }
    }
}

#[test]
fn a_switch_is_off_on_or_not_given() {
    for (line, want) in [
        ("", None),
        ("--ip-masq", Some(true)),
        ("--ip-masq=true", Some(true)),
        ("--ip-masq=false", Some(false)),
        ("-ip-masq=0", Some(false)),
        ("--ip-masq --ip-masq=false", Some(false)),
    ] {
        assert_eq!(parse(line).unwrap().ip_masq, want, "{line}");
    }
    assert!(parse("--ip-masq=maybe").is_err());
    assert!(parse("--ip-masq false").is_err(), "Go stops at the first word that is no flag; this says so");
}

#[test]
fn the_last_of_a_flag_counts_and_repeatable_ones_add_up() {
    let args = parse("-iface eth0 -iface=eth1 -public-ip 1.1.1.1 -public-ip 2.2.2.2").unwrap();
    assert_eq!(args.iface, ["eth0", "eth1"]);
    assert_eq!(args.public_ip.as_deref(), Some("2.2.2.2"));
    assert_eq!(parse("--public-ip=").unwrap().public_ip.as_deref(), Some(""));
}

#[test]
fn the_password_is_never_shown() {
    let args = parse("--etcd-username u --etcd-password hunter2").unwrap();
    let shown = format!("{args:?}");
    assert!(shown.contains("\"u\"") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn the_command_is_sound() {
    let command = <Run as clap::CommandFactory>::command();
    assert_eq!(command.get_about().map(ToString::to_string).as_deref(), Some("The verb's own words"));
    for arg in command.get_arguments().filter(|a| a.get_id() != "help") {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        assert!(
            !help.is_empty() && !help.contains('\n') && arg.get_long_help().is_none(),
            "{}: {help}",
            arg.get_id()
        );
    }
    command.debug_assert();
}

proptest! {
    #[test]
    fn any_words_are_rewritten_once_and_for_all(
        args in proptest::collection::vec(r"-{0,3}(iface|v|ip-masq|h|version|x|store)?(=.*)?|.*", 0..6)
    ) {
        let args: Vec<OsString> = args.into_iter().map(OsString::from).collect();
        let once = go_style(args);
        // A flag without its value takes the next word only if there is one: the second pass sees the same words.
        prop_assert_eq!(go_style(once.clone()), once);
    }
}
