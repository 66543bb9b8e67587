//! What must never be shown: passwords, keys and tokens, fed in every place that an operator may have put one, and
//! looked for in everything that is written and printed.

use std::path::Path;
use std::process::Command;

use super::support::cluster::{CONFIG, Cluster};
use super::support::hub::Hub;
use super::support::swap::{FLANCTL, Seat, until};

const PASSWORD: &str = "CorrectHorseBatteryStaple";
const PSK: &str = "cHNrLXBzay1wc2stcHNrLXBzay1wc2stcHNrLXBzay0=";
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.kubeconfig.token";
const FOREIGN: &str = "AKIAFOREIGNLINE";

/// A network config of somebody who keeps everything in one place.
fn config() -> String {
    format!(
        r#"{{"Network":"10.244.0.0/16","Backend":{{"Type":"vxlan","PSK":"{PSK}","PrivateKey":"{PSK}",
            "PostStartupCommand":"curl -H 'Bearer {TOKEN}'"}},"Password":"{PASSWORD}"}}"#
    )
}

/// Every reading verb, in its most talkative forms.
const VERBS: &[&str] = &[
    "snapshot -",
    "snapshot --redact -",
    "lease list -o json",
    "lease list -o wide",
    "lease show 10.244.200.0/24 -o json",
    "route --all -o json",
    "route --all -v",
    "fdb --all -o json",
    "fdb --all -v",
    "arp --all -o json",
    "arp --all -v",
    "trace 10.244.200.7 -o json",
    "trace 10.244.200.7 -v",
    "doctor -o json",
    "doctor -v",
];

fn holds_none(what: &str, text: &str) {
    for secret in [PASSWORD, PSK, TOKEN, FOREIGN] {
        assert!(!text.contains(secret), "{secret} in {what}:\n{text}");
    }
}

/// Every file below a directory.
fn files_hold_none(dir: &Path) -> usize {
    let files = std::fs::read_dir(dir).unwrap().flatten().filter(|entry| entry.path().is_file());
    let own = |path: &Path| path.file_name().is_some_and(|name| name == "subnet.env" || name == "kubeconfig");
    let looked = files.map(|entry| entry.path()).filter(|path| !own(path)).map(|path| {
        holds_none(&path.display().to_string(), &String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
    });
    looked.count()
}

#[test]
fn no_password_no_key_and_no_token_is_ever_shown() {
    let hub = Hub::start();
    let place = hub.node("10.77.0.1");
    let lease = format!(
        r#"{{"PublicIP":"10.77.0.9","PublicIPv6":null,"BackendType":"vxlan","BackendData":{{"VNI":1,"VtepMAC":"02:00:00:00:00:09"}},
            "Token":"{TOKEN}","psk":"{PSK}"}}"#
    );
    hub.put(&[
        ("/coreos.com/network/config".to_owned(), config()),
        ("/coreos.com/network/subnets/10.244.200.0-24".to_owned(), lease),
    ]);
    hub.ctl(&format!("user add root:{PASSWORD}"));
    hub.ctl("user grant-role root root");
    hub.ctl("auth enable");
    let store = ["--etcd-endpoints".to_owned(), hub.url(), "--etcd-username=root".to_owned()];
    let flags: Vec<&str> = store.iter().map(String::as_str).chain(["--iface=eth0", "-v", "10"]).collect();
    let seat = Seat::new(&place, "n1", &flags);
    std::fs::write(seat.file("kubeconfig"), format!("users:\n- user:\n    token: {TOKEN}\n")).unwrap();
    // On the command line of the first, in the environment of the second.
    for by_flag in [true, false] {
        let password = format!("--etcd-password={PASSWORD}");
        let mut command = seat.command(
            if by_flag { std::slice::from_ref(&password) } else { &[] }
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .as_slice(),
        );
        command.env("KUBECONFIG", seat.file("kubeconfig")).env("WG_PRIVATE_KEY", PSK);
        if !by_flag {
            command.env("FLANNELD_ETCD_PASSWORD", PASSWORD);
        }
        let mut agent = seat.start_command(&mut command);
        agent.ready();
        let env = seat.subnet_env() + "AWS_SECRET_ACCESS_KEY=" + FOREIGN + "\n";
        std::fs::write(seat.file("subnet.env"), env).unwrap();
        until("the state file is written", || {
            let written = |entry: std::fs::DirEntry| entry.path().extension().is_some_and(|e| e == "json");
            std::fs::read_dir(seat.dir.path()).unwrap().flatten().any(written).then_some(())
        });
        for verb in VERBS {
            for from_store in [false, true] {
                let mut command = Command::new(FLANCTL);
                command.args(verb.split(' ')).env("FLANCTL_RUN_DIR", seat.dir.path());
                command.env("FLANNELD_ETCD_PASSWORD", PASSWORD).env("KUBECONFIG", seat.file("kubeconfig"));
                if from_store {
                    command.args(&store);
                }
                let (code, out, said) = seat.output(&mut command);
                assert!(matches!(code, 0 | 1), "{verb}: {code}: {said}");
                assert!(!out.is_empty(), "{verb}: nothing to look at");
                holds_none(verb, &(out + &said));
            }
        }
        assert_eq!(agent.running.stop().code(), Some(0));
        // The log, the state file, and whatever else it left.
        assert!(files_hold_none(seat.dir.path()) >= 2);
    }
}

#[test]
fn what_a_key_file_holds_stays_in_it() {
    let cluster = Cluster::on_etcd_tls(1, CONFIG);
    let mut agent = cluster.start(1);
    agent.ready();
    let home = &cluster.node(1).home;
    let key = cluster.etcd.as_ref().unwrap().settings().keyfile.unwrap();
    let pem = std::fs::read_to_string(key).unwrap();
    let secret = pem.lines().find(|line| !line.starts_with('-')).unwrap();
    for verb in ["snapshot -", "doctor -o json", "trace 10.244.64.9 -o json", "lease list -o json"] {
        let run = home.join("run");
        let out = cluster.space(1).output(&format!("{FLANCTL} {verb} --run-dir {}", run.display()));
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        assert!(text.contains("\"schema\"") && !text.contains(secret), "{verb}: {text}");
    }
    for entry in std::fs::read_dir(home.join("run")).unwrap().flatten() {
        assert!(
            !std::fs::read_to_string(entry.path()).unwrap().contains(secret),
            "{}",
            entry.path().display()
        );
    }
    assert!(!agent.log().contains(secret));
    agent.stop();
}
