//! Policy rules in the words of iproute2.

use crate::state::Rule;

/// What tells the rule at `place` from others of its priority, as `ip rule del` takes it; nothing where its priority is
/// its own and tells enough.
pub fn rule_selectors(rules: &[Rule], place: usize) -> Option<String> {
    let rule = rules.get(place)?;
    let twin = |other: &&Rule| (other.priority, other.v6) == (rule.priority, rule.v6);
    (rules.iter().filter(twin).count() > 1).then(|| words(rule))
}

fn words(rule: &Rule) -> String {
    let mut words = Vec::new();
    let mut put = |name: &str, value: Option<String>| {
        // A blank inside would make several words of it.
        let value = value.map(|value| value.replace(char::is_whitespace, "?"));
        words.extend(value.map(|value| format!("{name} {value}")));
    };
    let ports = |(low, high)| if low == high { format!("{low}") } else { format!("{low}-{high}") };
    let from = rule.from.map_or_else(|| "all".to_owned(), |net| net.to_string());
    put(if rule.not { "not from" } else { "from" }, Some(from));
    put("to", rule.to.map(|net| net.to_string()));
    put("tos", (rule.tos != 0).then(|| format!("{:#04x}", rule.tos)));
    put("fwmark", rule.fwmark.map(|(mark, mask)| format!("{mark:#x}/{mask:#x}")));
    put("iif", rule.iif.clone());
    put("oif", rule.oif.clone());
    put("ipproto", rule.ipproto.map(|number| number.to_string()));
    put("sport", rule.sport.map(ports));
    put("dport", rule.dport.map(ports));
    put("uidrange", rule.uidrange.map(|(low, high)| format!("{low}-{high}")));
    match rule.action {
        1 => put("lookup", Some(rule.table.to_string())),
        2 => put("goto", rule.goto.map(|to| to.to_string())),
        6 => put("type", Some("blackhole".to_owned())),
        7 => put("type", Some("unreachable".to_owned())),
        8 => put("type", Some("prohibit".to_owned())),
        _ => {}
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::rule_selectors;
    use crate::state::Rule;

    #[test]
    fn a_rule_is_told_from_its_twins_only() {
        let rule = |priority, v6| Rule { priority, v6, action: 1, table: 254, ..Rule::default() };
        let marked = Rule {
            from: "10.244.1.0/24".parse().ok(),
            fwmark: Some((7, 0xff)),
            dport: Some((80, 81)),
            oif: Some("e th0".to_owned()),
            not: true,
            table: 77,
            ..rule(1_536, false)
        };
        let refuses = Rule { action: 8, table: 0, ..rule(1_536, false) };
        let rules = [rule(0, false), rule(1_536, true), rule(1_536, false), marked, refuses];
        let told: Vec<Option<String>> = (0..6).map(|place| rule_selectors(&rules, place)).collect();
        let told: Vec<Option<&str>> = told.iter().map(Option::as_deref).collect();
        let marked = "not from 10.244.1.0/24 fwmark 0x7/0xff oif e?th0 dport 80-81 lookup 77";
        let want =
            [None, None, Some("from all lookup 254"), Some(marked), Some("from all type prohibit"), None];
        assert_eq!(told, want);
    }
}
