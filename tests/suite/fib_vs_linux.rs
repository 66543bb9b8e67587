//! The route lookup is held against `ip route get`: the same tables, the same questions, the same answers.

mod asked;
mod generator;
mod random;

use std::process::Command;

use flanctl::kernel::LinuxKernel;
use flanctl::state::State;
use flanctl::state::fib::{Answer, Entry, Flow, input, lookup};

use crate::support::netns::{fresh, ip};
use crate::support::swap::until;

/// A namespace with something of everything: rules, tables, types, legs, source prefixes.
const TABLES: &str = "link set lo up
link add e0 type veth peer name p0
link add e1 type veth peer name p1
link set e0 up
link set p0 up
link set e1 up
link set p1 up
addr add 10.0.0.1/24 dev e0
addr add 10.0.1.1/24 dev e1
-6 addr add fd00::1/64 dev e0 nodad
-6 addr add fd01::1/64 dev e1 nodad
route add 10.9.0.0/16 via 10.0.0.9
route add 10.9.1.0/24 via 10.0.1.9
route add 10.9.1.0/24 tos 0x10 via 10.0.0.8
route add 10.9.1.128/25 via 10.0.0.7 metric 50
route add 10.9.1.128/25 via 10.0.1.7 metric 20
route add blackhole 10.98.0.0/16
route add prohibit 10.97.0.0/16
route add unreachable 10.96.0.0/16
route add 10.95.0.0/16 via 10.77.0.1 dev e1 onlink
route add 10.94.0.0/16 dev e1 src 10.0.0.1
-6 route add fd10::/32 via fd00::9
-6 route add fd10:0::/48 via fd01::9
-6 route add fd10:0::/48 from fd01::/64 via fd01::8
-6 route add default via fd00::5
-6 route add default from fd01::/64 via fd01::5
-6 route add prohibit fd20::/32";

/// The same after somebody wrote rules.
const RULES: &str = "rule add pref 100 fwmark 0x1/0x1 lookup 100
route add 10.9.1.0/24 via 10.0.0.66 table 100
route add throw 10.9.0.0/16 table 100
rule add pref 110 to 10.50.0.0/16 goto 200
rule add pref 120 to 10.50.1.0/24 prohibit
rule add pref 200 to 10.50.0.0/16 unreachable
rule add pref 300 lookup main suppress_prefixlength 0
-6 rule add pref 100 to fd10::/32 ipproto udp dport 53 blackhole";

/// What is asked, as `ip route get` takes it.
const QUESTIONS: &str = "10.9.1.5
10.9.1.5 tos 0x10
10.9.1.200
10.9.7.7
10.9.1.5 from 10.0.1.1
10.9.1.5 from 1.2.3.4
10.9.1.5 oif e0
10.98.1.1
10.98.1.1 oif e0
10.97.1.1
10.96.1.1
10.95.1.1
10.94.1.1
10.99.1.1
10.0.0.1
127.0.0.1
10.0.0.255
10.9.1.5 mark 1
10.9.7.7 mark 1
10.50.1.1
10.50.2.1
10.9.1.5 from 10.0.0.77 iif e0
10.9.1.5 from 10.0.1.77 iif e0
10.9.1.5 from 10.0.0.1 iif e0
10.98.1.1 from 10.0.0.77 iif e0
10.99.1.1 from 10.0.0.77 iif e0
10.0.1.1 from 10.0.0.77 iif e0
fd10::1
fd10::1 from fd00::1
fd10::1 from fd01::1
fd10::1 from fd55::1
fd99::1
fd99::1 from fd01::1
fd99::1 oif e1
fd20::1
fd00::1
fd10::1 ipproto udp dport 53
fe80::1 oif e1";

fn flow(question: &str) -> Flow {
    let mut words = question.split(' ');
    let mut flow = Flow::to(words.next().unwrap().parse().unwrap());
    while let (Some(word), Some(value)) = (words.next(), words.next()) {
        let number = || u32::from_str_radix(value.trim_start_matches("0x"), 16).unwrap();
        match word {
            "from" => flow.src = Some(value.parse().unwrap()),
            "iif" => flow.iif = Some(value.parse().unwrap()),
            "oif" => flow.oif = Some(value.parse().unwrap()),
            "mark" => flow.mark = number(),
            "tos" => flow.tos = number() as u8,
            "ipproto" => flow.proto = 17,
            "dport" => flow.dport = Some(value.parse().unwrap()),
            other => panic!("{other}"),
        }
    }
    flow
}

/// `dev via src`, or `refused`.
fn linux(question: &str) -> String {
    let words: Vec<&str> = ["-j", "route", "get"].into_iter().chain(question.split(' ')).collect();
    let out = Command::new("ip").args(words).output().unwrap();
    if !out.status.success() {
        return "refused".to_owned();
    }
    let rows: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let text = |key: &str| rows[0][key].as_str().unwrap_or("-").to_owned();
    let src = if question.contains("from") { "-".to_owned() } else { text("prefsrc") };
    format!("{} {} {src}", text("dev"), text("gateway"))
}

fn model(state: &State, question: &str) -> String {
    let flow = flow(question);
    let found = lookup(state, &flow);
    let v4_in = flow.iif.is_some() && flow.dst.is_ipv4();
    if v4_in && !matches!(input(state, &flow).1, Entry::Forwarded | Entry::Local | Entry::Broadcast) {
        return "refused".to_owned();
    }
    let word = |ip: Option<std::net::IpAddr>| ip.map_or("-".to_owned(), |ip| ip.to_string());
    let source = |src| if question.contains("from") { "-".to_owned() } else { word(src) };
    match &found.answer {
        Answer::Route { legs, .. } if legs.is_empty() => "refused".to_owned(),
        Answer::Route { key, place, legs, src } => {
            let local = state.routes[key][*place].kind == flanctl::state::RouteKind::Local;
            let dev = if local { "lo".to_owned() } else { legs[0].hop.dev.unwrap().to_string() };
            format!("{dev} {} {}", word(legs[0].hop.via), source(*src))
        }
        Answer::OnLink { dev, src } => format!("{dev} - {}", source(*src)),
        Answer::Refused(_) | Answer::NoRoute | Answer::Invalid(_) => "refused".to_owned(),
    }
}

#[test]
fn a_table_of_questions_has_the_kernels_answers() {
    let wrong = fresh(|| {
        let mut wrong = Vec::new();
        let mut kernel = LinuxKernel::open().unwrap();
        // Link-local addresses are there with the links, not when nobody has objected to them.
        std::fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").unwrap();
        TABLES.lines().for_each(|line| drop(ip(line)));
        until("link-local addresses", || {
            ip("-6 -o addr show dev e1 scope link").contains("fe80").then_some(())
        });
        for (name, rules, sysctl) in [
            ("untouched", "", None),
            ("forwarding", "", Some(("net.ipv4.conf.all.forwarding", "1"))),
            ("rules", RULES, None),
            ("strict", "", Some(("net.ipv4.conf.all.rp_filter", "1"))),
        ] {
            rules.lines().for_each(|line| drop(ip(line)));
            if let Some((key, value)) = sysctl {
                std::fs::write(format!("/proc/sys/{}", key.replace('.', "/")), value).unwrap();
            }
            let state = kernel.look().unwrap();
            for question in QUESTIONS.lines() {
                let (real, said) = (linux(question), model(&state, question));
                if real != said {
                    wrong.push(format!("{name}: {question}: linux `{real}`, here `{said}`"));
                }
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
