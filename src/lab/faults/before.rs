//! What a node and its pod look like, as lines that can be compared: how heal knows that it is done. Counters, indices
//! and what the kernel learns by itself are left out.

use super::site::shell;

/// One line a fact; each command's lines bear a word in front. Tools that are not there tell nothing, before and after.
const READ: &[(&str, &str)] = &[
    ("rule", "ip -o rule; ip -6 -o rule"),
    (
        "route",
        "{ ip -o route show table all; ip -6 -o route show table all; } | sed -E 's/ expires [^ ]*//; s/ linkdown//g'",
    ),
    (
        "link",
        "ip -o link | sed -E 's/^[0-9]+: //; s/@[^:]*:/:/; s/ link-netns(id)? [^ ]*//; s/ state [A-Z]*//'",
    ),
    ("port", "bridge -o link | sed -E 's/^[0-9]+: //; s/@[^:]*:/:/'"),
    ("vxlan", "ip -o -d link show type vxlan | grep -o 'vxlan id .* ageing'"),
    (
        "addr",
        "ip -o addr show scope global | sed -E 's/^[0-9]+: //; s/valid_lft.*//'; ip -o addr show dev lo",
    ),
    ("neigh", "ip neigh show nud permanent; ip -6 neigh show nud permanent"),
    ("fdb", "bridge fdb show | grep 'dst '"),
    ("sysctl", "sysctl -a -r '^net\\.ipv[46]\\.(ip_forward$|conf\\..*\\.(forwarding|rp_filter)$)'"),
    ("nft", "nft list ruleset | sed -E 's/counter packets [0-9]+ bytes [0-9]+/counter/'"),
    ("iptables", "iptables-save | grep -E '^-A|^:[A-Z]+ DROP'"),
    ("legacy", "iptables-legacy-save | grep -E '^-A|^:[A-Z]+ DROP' | sed 's/\\[.*//'"),
];

/// Every fact of these namespaces.
pub(super) fn look(members: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for netns in members {
        for (word, line) in READ {
            let Ok(output) = shell(netns, line) else { continue };
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            // Indices and MACs of link-local addresses come and go with the device; the rest is as it was made.
            let kept = text.lines().map(str::trim).filter(|l| !l.is_empty() && !noise(l));
            all.extend(kept.map(|l| format!("{netns} {word} {l}")));
        }
    }
    all.sort();
    all
}

fn noise(line: &str) -> bool {
    line.contains("fe80:") || line.contains("ff00::/8") || line.contains("multicast ")
}

/// What is there now and was not, and the other way round: `+ …`, `- …`.
pub(super) fn differences(before: &[String], now: &[String]) -> Vec<String> {
    let lacks = |of: &[String], from: &[String], sign: char| -> Vec<String> {
        of.iter().filter(|l| !from.contains(l)).map(|l| format!("{sign} {l}")).collect()
    };
    [lacks(before, now, '-'), lacks(now, before, '+')].concat()
}
