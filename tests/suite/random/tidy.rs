//! What a namespace looks like, and how it is made to look so again, whatever was done to it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::bed::{said, shell};

/// How often a namespace is put right before that counts as impossible: what goes with an address or a link that was
/// put back shows at the second look.
const LOOKS: usize = 20;

/// What is read, a word in front of each line.
const READ: &str = "\
{ ip -o route show table all; ip -6 -o route show table all; } | sed -E 's/ expires [^ ]*//; s/ (linkdown|dead)//g; s/^/route /'
ip -o rule | sed 's/^/rule -4 /'; ip -6 -o rule | sed 's/^/rule -6 /'
ip -o addr show | sed -E 's/^[0-9]+: //; s/ *\\\\.*//; s/^/addr /'
ip -o link | sed -E 's/^[0-9]+: //; s/@[^:]*:/:/; s/NO-CARRIER,|,LOWER_UP//g; s/ state [A-Z]*//; s/^/link /'
bridge -o link | sed -E 's/^[0-9]+: //; s/@[^:]*:/:/; s/<.*>//; s/^/port /'
{ ip neigh show nud permanent; ip -6 neigh show nud permanent; } | sed 's/^/neigh /'
bridge fdb show | grep 'dst ' | sed 's/^/fdb /'
sysctl -a -r '^net\\.ipv[46]\\.(ip_forward|icmp_echo_ignore_all|conf\\..*\\.(forwarding|rp_filter|accept_local|src_valid_mark|disable_ipv6|arp_ignore|arp_filter|route_localnet|send_redirects))$' 2>/dev/null | sed 's/^/sysctl /'";

/// A namespace as it was.
pub(super) struct Tidy {
    netns: String,
    lines: BTreeSet<String>,
    /// iptables' and ip6tables' rules, as they save them.
    firewall: [String; 2],
}

impl Tidy {
    pub(super) fn of(netns: &str) -> Self {
        let firewall = ["iptables-save", "ip6tables-save"].map(|tool| said(&shell(netns, tool)));
        Self { netns: netns.to_owned(), lines: look(netns), firewall }
    }

    /// Puts everything back.
    pub(super) fn restore(&self, filtered: bool) {
        if filtered {
            self.rules();
        }
        for _ in 0..LOOKS {
            let now = look(&self.netns);
            if now == self.lines {
                return self.forget();
            }
            let script = repairs(&self.lines, &now);
            shell(&self.netns, &script);
            // Carrier and the states of bridge ports follow in their own time.
            std::thread::sleep(Duration::from_millis(20));
        }
        let now = look(&self.netns);
        let gone: Vec<_> = self.lines.difference(&now).collect();
        let more: Vec<_> = now.difference(&self.lines).collect();
        panic!("{} is not as it was: {gone:#?} are gone, {more:#?} are new", self.netns);
    }

    /// What the kernel learned meanwhile.
    fn forget(&self) {
        shell(
            &self.netns,
            "ip neigh flush all; ip -6 neigh flush all; \
             ip route flush cache; ip -6 route flush cache; conntrack -F",
        );
    }

    fn rules(&self) {
        let [four, six] = &self.firewall;
        let legacy = "for t in filter nat mangle raw; do $i -t $t -F; $i -t $t -X; done; \
                      for c in INPUT FORWARD OUTPUT; do $i -P $c ACCEPT; done";
        let line = format!(
            "nft flush ruleset\niptables-restore <<'E'\n{four}\nE\nip6tables-restore <<'E'\n{six}\nE\n\
             for i in iptables-legacy ip6tables-legacy; do {legacy}; done 2>/dev/null"
        );
        shell(&self.netns, &line);
    }
}

fn look(netns: &str) -> BTreeSet<String> {
    let text = said(&shell(netns, READ));
    text.lines().map(str::trim).filter(|line| !noise(line)).map(str::to_owned).collect()
}

/// Rows that the kernel makes and unmakes by itself.
fn noise(line: &str) -> bool {
    ["fe80:", "ff00::/8", "multicast ", "Cannot", "table 255 proto kernel"]
        .iter()
        .any(|word| line.contains(word))
        || line.is_empty()
}

/// What to run so that `now` becomes `before`.
fn repairs(before: &BTreeSet<String>, now: &BTreeSet<String>) -> String {
    let mut all = Vec::new();
    let gone: Vec<&str> = before.difference(now).map(String::as_str).collect();
    let more: Vec<&str> = now.difference(before).map(String::as_str).collect();
    // Links first, then addresses: routes and neighbours hang on them.
    let of = |lines: &[&str], word: &str| -> Vec<String> {
        lines
            .iter()
            .filter_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
            .map(str::to_owned)
            .collect()
    };
    all.extend(
        of(&gone, "sysctl").into_iter().map(|line| format!("sysctl -qw '{}'", line.replace(" = ", "="))),
    );
    all.extend(of(&gone, "link").iter().filter_map(|line| link(line)));
    let ports = of(&gone, "port");
    let ports = ports.iter().filter_map(|line| line.split(':').next());
    all.extend(ports.map(|dev| format!("bridge link set dev {dev} state 3")));
    for (line, verb) in of(&more, "addr")
        .into_iter()
        .map(|l| (l, "del"))
        .chain(of(&gone, "addr").into_iter().map(|l| (l, "replace")))
    {
        all.extend(addr(&line, verb));
    }
    for (verb, lines) in [("del", &more), ("add", &gone)] {
        all.extend(of(lines, "rule").iter().map(|line| rule(line, verb)));
    }
    all.extend(of(&more, "route").iter().map(|line| route(line, "del")));
    let mut routes = of(&gone, "route");
    // Gateways must be on a link that has its route already.
    routes.sort_by_key(|line| line.contains(" via ") || line.contains("nexthop"));
    all.extend(routes.iter().map(|line| route(line, "add")));
    for (lines, verb) in [(&more, "del"), (&gone, "replace")] {
        all.extend(of(lines, "neigh").iter().map(|line| neigh(line, verb)));
        all.extend(of(lines, "fdb").iter().map(|line| format!("bridge fdb {verb} {line}")));
    }
    all.join("\n")
}

fn six(line: &str) -> &'static str {
    if line.split(' ').any(|word| word.contains("::")) { "-6" } else { "-4" }
}

/// `eth0: <BROADCAST,UP> mtu 1500 … master cni0 … \    link/ether 02:… brd …`
fn link(line: &str) -> Option<String> {
    let (dev, rest) = line.split_once(": ")?;
    let (flags, rest) = rest.split_once("> ")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let after = |key: &str| words.iter().position(|w| *w == key).and_then(|at| words.get(at + 1));
    let up = if flags.split(['<', ',']).any(|flag| flag == "UP") { "up" } else { "down" };
    let master = after("master").map_or_else(|| "nomaster".to_owned(), |m| format!("master {m}"));
    let mac = after("link/ether").map(|mac| format!("address {mac}")).unwrap_or_default();
    let mtu = after("mtu")?;
    Some(format!("ip link set {dev} mtu {mtu} {mac}; ip link set {dev} {master}; ip link set {dev} {up}"))
}

/// `eth0    inet 192.168.50.11/24 brd 192.168.50.255 scope global eth0`
fn addr(line: &str, verb: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (dev, net) = (words.first()?, words.get(2)?);
    let brd = words.iter().position(|w| *w == "brd").and_then(|at| words.get(at + 1));
    let brd = brd.filter(|_| verb == "replace").map(|b| format!("brd {b}")).unwrap_or_default();
    let more = if net.contains(':') && verb == "replace" { "nodad" } else { "" };
    Some(format!("ip addr {verb} {net} {brd} dev {dev} {more}"))
}

/// `-4 100:	from all to 10.244.2.0/24 lookup 100`
fn rule(line: &str, verb: &str) -> String {
    let (family, rest) = line.split_once(' ').unwrap_or(("-4", line));
    let (pref, words) = rest.split_once(':').unwrap_or((rest, ""));
    let words = words.trim().replace("[detached]", "");
    format!("ip {family} rule {verb} pref {pref} {words}")
}

/// As `ip -o route` prints it; what it adds for people is no word that it takes.
fn route(line: &str, verb: &str) -> String {
    let line = line.replace('\\', " ").replace(" pref medium", "");
    let family = six(&line);
    let line = match line.strip_prefix("default") {
        Some(rest) if family == "-4" && !rest.contains(':') => format!("0.0.0.0/0{rest}"),
        _ => line,
    };
    format!("ip {family} route {verb} {line}")
}

/// `10.244.2.0 dev flannel.1 lladdr 0a:… PERMANENT`
fn neigh(line: &str, verb: &str) -> String {
    let line = line.replace("router ", "").replace("PERMANENT", "nud permanent");
    if verb == "del" {
        let words: Vec<&str> = line.split_whitespace().take(3).collect();
        return format!("ip neigh del {}", words.join(" "));
    }
    format!("ip neigh {verb} {line}")
}
