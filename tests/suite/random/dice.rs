//! Random faults: lines of shell whose names in braces [`flanctl::lab::faults::Site`] fills in.

mod tables;

use flanctl::lab::faults::At;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// The seed that the suite takes.
const SEED: u64 = 20_261_121;

/// The seed of this run, and how many questions it asks.
pub(super) fn wished(rounds: usize) -> (u64, usize) {
    let of = |key: &str| std::env::var(key).ok().and_then(|text| text.parse().ok());
    (of("FLANCTL_DICE").unwrap_or(SEED), of("FLANCTL_ROUNDS").map_or(rounds, |n| n as usize))
}

/// The dice, and what is thrown with them.
pub(super) struct Dice(pub(super) StdRng);

/// What is thrown at one node.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) line: String,
    /// It touches the firewall.
    pub(super) filters: bool,
    /// Where the line is run.
    pub(super) at: At,
}

impl Dice {
    pub(super) fn of(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.0.random_ratio(percent, 100)
    }

    pub(super) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.choose(&mut self.0).unwrap()
    }

    /// A word in so many percent of the cases.
    fn maybe(&mut self, percent: u32, word: impl FnOnce(&mut Self) -> String) -> String {
        if self.chance(percent) { word(self) } else { String::new() }
    }

    /// Something that is wrong with a node.
    pub(super) fn fault(&mut self) -> Fault {
        let kind = self.below(100);
        if self.chance(8) {
            return Fault { line: self.pod(), filters: false, at: At::Pod };
        }
        let line = match kind {
            0..25 => self.route(),
            25..37 => self.rule(),
            37..45 => self.neigh(),
            45..52 => self.fdb(),
            52..60 => self.link(),
            60..66 => self.addr(),
            66..76 => self.sysctl(),
            76..89 => self.nft(),
            _ => self.iptables(),
        };
        Fault { line, filters: kind >= 76, at: At::Node }
    }

    /// Something that is wrong with the node's pod.
    fn pod(&mut self) -> String {
        let (six, flag) = self.family();
        let text = match self.below(7) {
            0 => "addr del {pod6}/{len6} dev eth0",
            1 => "route del default",
            2 => "neigh replace {gw6} lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
            3 => "route add blackhole {other.subnet6}",
            4 => "link set eth0 down",
            5 => "link set eth0 mtu 1300",
            _ => "rule add pref 100 to {other.subnet6} prohibit",
        };
        format!("ip {flag} {}", text.replace("6}", &format!("{six}}}")))
    }

    /// The suffix of one family's names, and the flag of `ip`.
    fn family(&mut self) -> (&'static str, &'static str) {
        if self.chance(70) { ("", "-4") } else { ("6", "-6") }
    }

    /// A prefix that the questions may meet.
    fn prefix(&mut self, six: &str) -> String {
        let four = [
            "{other.pod}",
            "{other.half}",
            "{other.subnet}",
            "{other.subnet}",
            "{other.base}",
            "{other.ip}",
            "{underlay}",
            "{pod}",
            "{half}",
            "{subnet}",
            "{other.gw}",
        ];
        let word = self.one(&four);
        if self.chance(6) {
            return if six.is_empty() { "10.0.0.0/8" } else { "fd00::/8" }.to_owned();
        }
        word.replace('}', &format!("{six}}}"))
    }

    fn device(&mut self, six: &str) -> String {
        let dev = self.one(&["eth0", "eth0", "cni0", "{dev}", "lo"]);
        dev.replace("{dev}", &format!("{{dev{six}}}"))
    }

    /// Where a route leads.
    fn way(&mut self, six: &str) -> String {
        let text = match self.below(10) {
            0 => "via {world6} dev eth0".to_owned(),
            1 => "via {other.addr6} dev eth0".to_owned(),
            2 => "via {pod6} dev cni0".to_owned(),
            3 | 4 => "via {other.base6} dev {dev6} onlink".to_owned(),
            5 => "via {base6} dev {dev6} onlink".to_owned(),
            6 => "via {other.addr6} dev {dev6} onlink".to_owned(),
            // Of two different legs the kernel takes one by a seed of its own, which nobody can read.
            7 => "nexthop via {other.base6} dev {dev6} onlink nexthop via {other.base6} dev {dev6} onlink weight 3"
                .to_owned(),
            _ => format!("dev {}", self.device("6")),
        };
        text.replace("6}", &format!("{six}}}"))
    }

    fn table(&mut self) -> &'static str {
        self.one(&["", "", "", "", "table 100", "table 100", "table local", "table default"])
    }

    fn route(&mut self) -> String {
        let (six, flag) = self.family();
        if self.chance(12) {
            return format!("ip {flag} route del {{other.subnet{six}}} dev {{dev{six}}}");
        }
        if self.chance(12) {
            let way = self.way(six);
            return format!("ip {flag} route replace {{other.subnet{six}}} {way}");
        }
        let (to, table) = (self.prefix(six), self.table());
        let metric = self.maybe(30, |dice| format!("metric {}", dice.one(&["1", "10", "2000"])));
        let mtu = self.maybe(8, |_| "mtu 1300".to_owned());
        if self.chance(30) {
            let kind = self.one(&["blackhole", "prohibit", "unreachable", "throw", "local"]);
            return format!("ip {flag} route add {kind} {to} {table} {metric}");
        }
        let tos = if six.is_empty() { self.maybe(6, |_| "tos 0x10".to_owned()) } else { String::new() };
        let way = self.way(six);
        let mtu = if way.starts_with("nexthop") { String::new() } else { mtu };
        format!("ip {flag} route add {tos} {to} {table} {metric} {mtu} {way}")
    }

    fn rule(&mut self) -> String {
        let (six, flag) = self.family();
        let pref = self.one(&["5", "100", "100", "32765", "33000"]);
        let not = self.maybe(10, |_| "not".to_owned());
        let mut words = vec![
            self.maybe(40, |dice| format!("from {}", dice.prefix(six))),
            self.maybe(50, |dice| format!("to {}", dice.prefix(six))),
            self.maybe(25, |dice| format!("iif {}", dice.device(six))),
            self.maybe(10, |dice| format!("fwmark {}", dice.one(&["0x77", "0x1/0x1", "0"]))),
            self.maybe(10, |dice| format!("ipproto {}", dice.one(&["icmp", "udp", "ipv6-icmp"]))),
            self.maybe(6, |_| "dport 8472 ipproto udp".to_owned()),
        ];
        if words.iter().filter(|word| word.contains("ipproto")).count() > 1 {
            words.pop();
        }
        let action = match self.below(9) {
            0 => "blackhole".to_owned(),
            1 => "unreachable".to_owned(),
            2 => "prohibit".to_owned(),
            3 => "goto 32766".to_owned(),
            4 => "lookup main suppress_prefixlength 0".to_owned(),
            5 => "lookup main suppress_prefixlength 23".to_owned(),
            _ => "lookup 100".to_owned(),
        };
        let action = if action.starts_with("goto") && pref == "33000" { "nop".to_owned() } else { action };
        let rule = format!("ip {flag} rule add {not} pref {pref} {} {action}", words.join(" "));
        if !action.ends_with("100") {
            return rule;
        }
        let to = self.prefix(six);
        let way =
            if self.chance(25) { format!("unreachable {to}") } else { format!("{to} {}", self.way(six)) };
        format!("{rule}; ip {flag} route add {way} table 100")
            .replace(&format!("add {to} nexthop"), &format!("add {to} table 100 nexthop"))
            .replace("onlink table 100", "onlink")
    }

    fn neigh(&mut self) -> String {
        let (six, flag) = self.family();
        let mac = self.one(&["02:00:00:00:00:99", "{mac}", "{other.mac}"]);
        let text = match self.below(7) {
            0 => "neigh del {other.base6} dev {dev6}".to_owned(),
            1 => "neigh replace {other.base6} lladdr 02:00:00:00:00:99 dev {dev6} nud permanent".to_owned(),
            2 => "neigh replace {other.base6} lladdr {other.mac6} dev {dev6} nud stale".to_owned(),
            3 => "neigh change {other.base6} dev {dev6} nud failed".to_owned(),
            4 => format!("neigh replace {{other.ip6}} lladdr {mac} dev eth0 nud permanent"),
            5 => format!("neigh replace {{pod6}} lladdr {mac} dev cni0 nud permanent"),
            _ => "neigh replace {other.gw6} lladdr {other.mac6} dev {dev6} nud permanent".to_owned(),
        };
        format!("ip {flag} {}", text.replace("6}", &format!("{six}}}")))
    }

    fn fdb(&mut self) -> String {
        let (six, _) = self.family();
        let text = match self.below(7) {
            0 => "bridge fdb del {other.mac6} dev {dev6} dst {other.ip6} self",
            1 => "bridge fdb replace {other.mac6} dev {dev6} dst {world6} self permanent",
            2 => "bridge fdb replace {other.mac6} dev {dev6} dst {ip6} self permanent",
            3 => "bridge fdb append 00:00:00:00:00:00 dev {dev6} dst {other.ip6} self permanent",
            4 => {
                "bridge fdb del {other.mac6} dev {dev6} dst {other.ip6} self; bridge fdb append 00:00:00:00:00:00 dev {dev6} dst {other.ip6} self permanent"
            }
            5 => {
                "bridge fdb del {other.mac6} dev {dev6} dst {other.ip6} self; bridge fdb append 00:00:00:00:00:00 dev {dev6} dst {world6} self permanent"
            }
            _ => "bridge fdb replace {other.mac6} dev {dev6} dst {other.ip6} port 4789 self permanent",
        };
        text.replace("6}", &format!("{six}}}"))
    }

    fn link(&mut self) -> String {
        let (six, _) = self.family();
        let dev =
            self.one(&["{dev}", "{dev}", "eth0", "cni0", "veth0"]).replace("{dev}", &format!("{{dev{six}}}"));
        match self.below(9) {
            0 | 1 => format!("ip link set {dev} down"),
            2 => format!("ip link set {dev} down; ip link set {dev} up"),
            3 => format!("ip link set {{dev{six}}} address 02:00:00:00:00:cc"),
            4 => "ip link set veth0 nomaster".to_owned(),
            5 => "bridge link set dev veth0 state 0".to_owned(),
            6 => "ip link set eth0 mtu 1400".to_owned(),
            7 => format!("ip link set {{dev{six}}} mtu 1300"),
            _ => "ip link set cni0 mtu 1300".to_owned(),
        }
    }

    fn addr(&mut self) -> String {
        let (six, flag) = self.family();
        let len = if six.is_empty() { "32" } else { "128" };
        let nodad = if six.is_empty() { "" } else { " nodad" };
        let text = match self.below(8) {
            0 => format!("addr add {{other.pod6}}/{len} dev lo{nodad}"),
            1 => format!("addr add {{other.ip6}}/{len} dev lo{nodad}"),
            2 => format!("addr add {{other.base6}}/{len} dev cni0{nodad}"),
            3 => format!("addr del {{base6}}/{len} dev {{dev6}}"),
            4 => format!("addr add {{other.gw6}}/{{len6}} dev eth0{nodad}"),
            5 => "addr del {gw6}/{len6} dev cni0".to_owned(),
            6 => format!("addr add {{pod6}}/{len} dev lo{nodad}"),
            _ => format!("addr add {{other.gw6}}/{{len6}} dev cni0{nodad}"),
        };
        format!("ip {flag} {}", text.replace("6}", &format!("{six}}}")))
    }

    fn sysctl(&mut self) -> String {
        let dev = self.one(&["all", "cni0", "eth0", "{dev/}", "{dev/}"]);
        let key = match self.below(12) {
            0 => "ipv4.ip_forward=0".to_owned(),
            1 | 2 => format!("ipv4.conf.{dev}.forwarding=0"),
            3..6 => format!("ipv4.conf.{dev}.rp_filter={}", self.one(&["1", "1", "2"])),
            6 => "ipv6.conf.all.forwarding=0".to_owned(),
            7 => format!("ipv6.conf.{}.disable_ipv6=1", self.one(&["eth0", "cni0", "{dev6/}"])),
            8 => format!("ipv4.conf.{dev}.accept_local=1"),
            9 => format!("ipv4.conf.{dev}.src_valid_mark=1"),
            10 => format!("ipv6.conf.{}.forwarding=0", self.one(&["eth0", "cni0", "{dev6/}"])),
            _ => format!("ipv4.conf.{dev}.send_redirects=0"),
        };
        // A strict filter is of no consequence until the way back is another one.
        let diverted = if key.contains("rp_filter") && self.chance(70) {
            let to = self.one(&["{pod}", "{other.pod}", "{other.subnet}", "{other.ip}", "{subnet}"]);
            format!("; ip route add {to} dev {}", self.one(&["eth0", "lo", "cni0"]))
        } else {
            String::new()
        };
        format!("sysctl -qw 'net.{key}'{diverted}")
    }

    /// One or two conditions.
    fn conditions(&mut self, hook: &str, six: &str) -> String {
        let ip = if six.is_empty() { "ip" } else { "ip6" };
        let inward = matches!(hook, "prerouting" | "input" | "forward");
        let outward = matches!(hook, "postrouting" | "output" | "forward");
        let mut all = Vec::new();
        while all.is_empty() {
            if inward && self.chance(25) {
                all.push(format!("iifname \"{}\"", self.device(six)));
            }
            if outward && self.chance(25) {
                all.push(format!("oifname != \"{}\"", self.device(six)));
            }
            if self.chance(30) {
                all.push(format!("{ip} saddr {}", self.prefix(six)));
            }
            if self.chance(40) {
                all.push(format!("{ip} daddr {}", self.prefix(six)));
            }
            if self.chance(15) {
                let proto = if six.is_empty() { "icmp" } else { "icmpv6" };
                all.push(format!("{proto} type {}", self.one(&["echo-request", "echo-reply"])));
            } else if self.chance(25) {
                all.push("udp dport {port}".to_owned());
            } else if self.chance(15) {
                all.push(format!("meta length > {}", self.one(&["100", "1000"])));
            }
            if self.chance(10) {
                all.push(format!(
                    "ct state {}",
                    self.one(&["new", "established", "invalid", "new,established"])
                ));
            }
        }
        all.join(" ")
    }

    fn nft(&mut self) -> String {
        let (six, _) = self.family();
        let family = if self.chance(30) {
            "inet"
        } else if six.is_empty() {
            "ip"
        } else {
            "ip6"
        };
        let hook =
            self.one(&["prerouting", "input", "forward", "forward", "forward", "output", "postrouting"]);
        let priority = self.one(&["-300", "-150", "-10", "0", "10", "100"]);
        let nat = hook == "postrouting" && self.chance(30);
        let (kind, priority) = if nat { ("nat", "90") } else { ("filter", priority) };
        let policy = if !nat && self.chance(20) { "drop" } else { "accept" };
        let mut rules = String::new();
        for _ in 0..=self.below(2) {
            let when = self.conditions(hook, six);
            let then = match self.below(8) {
                _ if nat => "masquerade",
                0 if hook == "prerouting" || hook == "output" => "meta mark set 0x77",
                0 | 1 if hook != "prerouting" && hook != "postrouting" => "reject",
                2 | 3 => "accept",
                4 => "counter",
                _ => "drop",
            };
            rules.push_str(&format!("{when} {then}; "));
        }
        let marked = if rules.contains("0x77") {
            let flag = if six.is_empty() { "-4" } else { "-6" };
            format!(
                "; ip {flag} rule add pref 90 fwmark 0x77 {}",
                self.one(&["prohibit", "blackhole", "lookup 100"])
            )
        } else {
            String::new()
        };
        format!(
            "nft 'table {family} site {{ chain c {{ type {kind} hook {hook} priority {priority}; policy {policy}; {rules}}}; }}'{marked}"
        )
    }
}
