//! Random rules of iptables, by nft and by its elder.

use super::Dice;

impl Dice {
    pub(super) fn iptables(&mut self) -> String {
        let (six, _) = self.family();
        let tool = match (six.is_empty(), self.chance(65)) {
            (true, true) => "iptables",
            (true, false) => "iptables-legacy",
            (false, true) => "ip6tables",
            (false, false) => "ip6tables-legacy",
        };
        if self.chance(15) {
            return format!("{tool} -P {} DROP", self.one(&["FORWARD", "FORWARD", "INPUT", "OUTPUT"]));
        }
        let chain = self.one(&["FORWARD", "FORWARD", "FORWARD", "INPUT", "OUTPUT"]);
        let icmp = if six.is_empty() { "icmp --icmp-type" } else { "icmpv6 --icmpv6-type" };
        let mut words = Vec::new();
        while words.is_empty() {
            if chain != "OUTPUT" && self.chance(25) {
                words.push(format!("-i {}", self.device(six)));
            }
            if chain != "INPUT" && self.chance(25) {
                words.push(format!("! -o {}", self.device(six)));
            }
            if self.chance(30) {
                words.push(format!("-s {}", self.prefix(six)));
            }
            if self.chance(40) {
                words.push(format!("-d {}", self.prefix(six)));
            }
            if self.chance(15) {
                words.push(format!("-p {icmp} {}", self.one(&["echo-request", "echo-reply"])));
            } else if self.chance(20) {
                words.push("-p udp --dport {port}".to_owned());
            }
            if self.chance(10) {
                words
                    .push(format!("-m conntrack --ctstate {}", self.one(&["NEW", "ESTABLISHED", "INVALID"])));
            }
        }
        let then = self.one(&["DROP", "DROP", "REJECT", "ACCEPT", "RETURN"]);
        let at = self.one(&["-I", "-I", "-A"]);
        let table =
            if then == "DROP" || then == "ACCEPT" { self.one(&["", "-t mangle", "-t raw"]) } else { "" };
        let chain = if table.contains("raw") { "PREROUTING" } else { chain };
        let words: Vec<_> =
            words.into_iter().filter(|w| !table.contains("raw") || !w.starts_with("! -o")).collect();
        let words = if words.is_empty() { vec!["-p udp --dport {port}".to_owned()] } else { words };
        format!("{tool} {table} {at} {chain} {} -j {then}", words.join(" "))
    }
}
