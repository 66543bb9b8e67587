//! Random rules, routes and questions, as lines for `ip -batch`.

use std::net::IpAddr;

use flanctl::state::fib::Flow;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// Three devices with carrier and one without; neighbours that answer and one that does not.
pub(super) const DEVICES: [&str; 4] = ["e0", "e1", "e2", "e3"];

/// The group of `e1`; the others are in none.
pub(super) const GROUP: u32 = 5;

/// One family's dice.
pub(super) struct Generator {
    dice: StdRng,
    v6: bool,
    /// Routes through nexthop objects, which `ip route flush` cannot delete.
    owed: Vec<String>,
    /// IPv6 judges `suppress_prefixlength` by a route that it keeps with the nexthop object, and which may be another
    /// route's: rules and objects of that kind take turns.
    objects: bool,
}

/// A question: as `ip` takes it, and as the model does.
pub(super) struct Question {
    pub(super) words: String,
    pub(super) flow: Flow,
}

impl Generator {
    pub(super) fn new(seed: u64, v6: bool) -> Self {
        Self { dice: StdRng::seed_from_u64(seed), v6, owed: Vec::new(), objects: false }
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.dice.random_ratio(percent, 100)
    }

    fn below(&mut self, end: usize) -> usize {
        self.dice.random_range(0..end)
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of.choose(&mut self.dice).unwrap()
    }

    /// An address of this host's on a device, or one beside it.
    fn beside(&self, dev: usize, host: usize) -> String {
        if self.v6 { format!("fd0{dev}::{host}") } else { format!("10.0.{dev}.{host}") }
    }

    /// Somewhere far, of few places, so that prefixes meet.
    fn far(&mut self) -> String {
        let (third, last) = (self.below(2), self.one(&["1", "2", "129"]));
        if self.v6 { format!("fd10:0:0:{third}::{last}") } else { format!("10.9.{third}.{last}") }
    }

    fn prefix(&mut self) -> String {
        let lengths: &[&str] = match self.v6 {
            false => &["0", "8", "16", "16", "23", "24", "24", "25", "31", "32", "32"],
            true => &["0", "16", "32", "48", "63", "64", "64", "112", "127", "128"],
        };
        let length = self.one(lengths).parse().unwrap();
        let ip: IpAddr = self.far().parse().unwrap();
        ipnet::IpNet::new(ip, length).unwrap().trunc().to_string()
    }

    fn gateway(&mut self) -> String {
        let dev = self.below(4);
        self.gateway_on(dev)
    }

    /// One on a device with carrier, as a nexthop object wants it.
    fn reachable(&mut self) -> String {
        let dev = self.below(3);
        self.gateway_on(dev)
    }

    fn gateway_on(&mut self, dev: usize) -> String {
        let host = 5 + self.below(4);
        format!("via {} dev {}", self.beside(dev, host), DEVICES[dev])
    }

    pub(super) fn route(&mut self) -> String {
        let verb = if self.chance(15) { "append" } else { "add" };
        let kind = match self.below(20) {
            0 | 1 => "blackhole ",
            2 => "unreachable ",
            3 => "prohibit ",
            4 | 5 => "throw ",
            _ => "",
        };
        let mut line = format!("route {verb} {kind}{}", self.prefix());
        if self.v6 && self.chance(30) {
            let near = self.below(3);
            line += &format!(" from {}", self.beside(near, 0) + "/64");
        }
        if !self.v6 && self.chance(15) {
            line += " tos 0x10";
        }
        if self.chance(50) {
            line += &format!(" metric {}", 1 + self.below(4));
        }
        line += &format!(" table {}", self.one(&["main", "main", "100", "101"]));
        if !kind.is_empty() {
            return line;
        }
        if !self.v6 && self.chance(10) {
            line += " src 10.0.2.1";
        }
        let sort = self.below(if self.v6 && !self.objects { 8 } else { 10 });
        match sort {
            0..4 => line += &format!(" {}", self.gateway()),
            // A gateway that no network of the device has.
            4 => line += &format!(" via {} dev e1 onlink", if self.v6 { "fd77::1" } else { "10.77.0.1" }),
            5 => line += &format!(" dev {}", self.one(&DEVICES)),
            6 | 7 => {
                for _ in 0..2 + self.below(2) {
                    line += &format!(" nexthop {} weight {}", self.gateway(), 1 + self.below(3));
                }
            }
            _ => {
                line += &format!(" nhid {}{}", self.decade(), self.one(&["1", "2", "3", "4", "5", "6", "7"]))
            }
        }
        if line.contains(" nhid ") {
            self.owed.push(line.replacen(verb, "del", 1));
        }
        line
    }

    /// Takes the routes of the set before away.
    pub(super) fn clear(&mut self) -> Vec<String> {
        let mut lines = std::mem::take(&mut self.owed);
        lines.extend(["main", "100", "101"].map(|table| format!("route flush table {table} proto boot")));
        lines
    }

    /// Rule of this priority; all lie in a row, so that a goto finds one or goes past the last.
    pub(super) fn rule(&mut self, pref: usize) -> String {
        let mut line = format!("rule add pref {pref}");
        if self.chance(15) {
            line += " not";
        }
        let near = self.below(3);
        match self.below(9) {
            0 => line += &format!(" from {}", self.beside(near, 0) + if self.v6 { "/64" } else { "/24" }),
            1 => line += &format!(" to {}", self.prefix()),
            2 => line += &format!(" iif {}", self.one(&["lo", "e0", "e1"])),
            3 => line += &format!(" fwmark {}", self.one(&["0x1", "0x1/0x1", "0x2/0x3"])),
            4 => line += &format!(" ipproto {}", self.one(&["tcp", "udp"])),
            5 => line += &format!(" ipproto udp dport {}", self.one(&["53", "50-60"])),
            6 => line += &format!(" ipproto udp sport {}", self.one(&["1000", "900-1100"])),
            // Root's packets, and those that come in: those of others a rootless namespace cannot name.
            7 => line += " uidrange 0-0",
            _ => line += " tos 0x10",
        }
        line += &match self.below(12) {
            0 => " blackhole".to_owned(),
            1 => " prohibit".to_owned(),
            2 => " unreachable".to_owned(),
            3 | 4 => format!(" goto {}", pref + 1 + self.below(3)),
            5 | 6 if !(self.v6 && self.objects) => format!(
                " lookup {} suppress_prefixlength {}",
                self.one(&["main", "100"]),
                self.one(&["0", "16", "24", "64"])
            ),
            7 | 8 if !self.v6 => {
                format!(" lookup {} suppress_ifgroup {GROUP}", self.one(&["main", "100"]))
            }
            _ => format!(" lookup {}", self.one(&["100", "101"])),
        };
        line
    }

    pub(super) fn question(&mut self) -> Question {
        let far = self.far();
        let dst = if self.chance(4) { self.beside(1, 1) } else { far };
        let mut words = dst.clone();
        let mut flow = Flow::to(dst.parse().unwrap());
        let (dev, near) = (self.below(3), self.below(3));
        if self.chance(30) {
            let host = if self.chance(5) { 1 } else { 50 };
            let home = if self.chance(70) { dev } else { near };
            let from = self.beside(home, host);
            words += &format!(" from {from} iif {}", DEVICES[dev]);
            flow.src = Some(from.parse().unwrap());
            flow.iif = Some(DEVICES[dev].parse().unwrap());
        } else {
            if self.chance(25) {
                let host = if self.chance(95) { 1 } else { 50 };
                let from = self.beside(near, host);
                words += &format!(" from {from}");
                flow.src = Some(from.parse().unwrap());
            }
            if self.chance(10) {
                words += &format!(" oif {}", DEVICES[dev]);
                flow.oif = Some(DEVICES[dev].parse().unwrap());
            }
        }
        if self.chance(40) {
            flow.mark = 1 + self.below(3) as u32;
            words += &format!(" mark {}", flow.mark);
        }
        if self.chance(30) {
            flow.tos = 0x10;
            words += " tos 0x10";
        }
        // Of a packet that comes in the kernel reads the protocol off the packet, and makes one up where none is given.
        if flow.iif.is_some() || self.chance(50) {
            let ports =
                (*[1000, 2000].choose(&mut self.dice).unwrap(), *[53, 80].choose(&mut self.dice).unwrap());
            let name = self.one(&["tcp", "udp", "udp"]);
            words += &format!(" ipproto {name} sport {} dport {}", ports.0, ports.1);
            flow.proto = if name == "tcp" { 6 } else { 17 };
            (flow.sport, flow.dport) = (Some(ports.0), Some(ports.1));
        }
        if self.v6 && flow.iif.is_some() {
            // RTM_GETROUTE asks IPv6 on behalf of nobody for what comes in.
            flow.uid = u32::MAX;
        }
        if !self.v6 && flow.proto == 0 {
            // What RTM_GETROUTE takes for granted in IPv4.
            flow.proto = 17;
        }
        Question { words, flow }
    }

    /// The nexthop objects of the two families have numbers of their own.
    fn decade(&self) -> u8 {
        if self.v6 { 6 } else { 4 }
    }

    /// Nexthop objects 1 to 7 of the family's decade: plain ones, a discarding one, groups.
    pub(super) fn nexthops(&mut self) -> Vec<String> {
        self.objects = !self.objects;
        let f = self.decade();
        let mut lines: Vec<String> =
            (1..4).map(|id| format!("nexthop replace id {f}{id} {}", self.reachable())).collect();
        lines.push(format!("nexthop replace id {f}4 blackhole"));
        lines.push(format!("nexthop replace id {f}5 group {f}1/{f}2"));
        lines.push(format!("nexthop replace id {f}6 group {f}1,3/{f}2,2/{f}3"));
        lines.push(format!("nexthop replace id {f}7 group {f}3"));
        lines
    }

    /// The switches of one set: name under `/proc/sys/net` and value.
    pub(super) fn switches(&mut self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("ipv4/conf/all/rp_filter", self.one(&["0", "0", "0", "1", "2"])),
            ("ipv4/conf/e0/accept_local", self.one(&["0", "1"])),
            ("ipv4/conf/e1/send_redirects", self.one(&["0", "1"])),
            ("ipv4/conf/all/src_valid_mark", self.one(&["0", "1"])),
            ("ipv4/fib_multipath_use_neigh", self.one(&["0", "1"])),
            ("ipv4/conf/e3/ignore_routes_with_linkdown", self.one(&["0", "1"])),
            ("ipv6/conf/e3/ignore_routes_with_linkdown", self.one(&["0", "1"])),
        ]
    }
}
