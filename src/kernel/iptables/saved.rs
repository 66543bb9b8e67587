//! What `iptables-save` prints, as values: tables, their chains, their rules word by word.
//! Reads leniently: a line that it does not know is a line that is not ours.

use crate::firewall::iptables::words;

/// Everything one `iptables-save` printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    tables: Vec<Table>,
}

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    name: String,
    chains: Vec<String>,
    rules: Vec<Rule>,
}

/// One rule as it was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The chain it stands in.
    pub chain: String,
    /// The text after the chain's name, quotes and all.
    pub spec: String,
    words: Vec<String>,
}

impl Saved {
    /// Reads the text.
    pub fn parse(text: &str) -> Self {
        let mut tables: Vec<Table> = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('*') {
                tables.push(Table { name: name.to_owned(), ..Table::default() });
            }
            let Some(table) = tables.last_mut() else { continue };
            if let Some(chain) = line.strip_prefix(':') {
                table.chains.extend(chain.split_whitespace().next().map(str::to_owned));
            } else {
                table.rules.extend(Rule::parse(line));
            }
        }
        Self { tables }
    }

    /// The table of that name; an empty one if nothing is in it.
    pub fn table(&self, name: &str) -> Table {
        self.tables.iter().find(|t| t.name == name).cloned().unwrap_or_default()
    }
}

impl Table {
    /// True if the chain exists.
    pub fn has_chain(&self, chain: &str) -> bool {
        self.chains.iter().any(|c| c == chain)
    }

    /// The rules of one chain, in order.
    pub fn rules<'a>(&'a self, chain: &'a str) -> impl Iterator<Item = &'a Rule> {
        self.rules.iter().filter(move |r| r.chain == chain)
    }

    /// Every rule that goes to `chain`, wherever it stands.
    pub fn jumps_to<'a>(&'a self, chain: &'a str) -> impl Iterator<Item = &'a Rule> {
        self.rules.iter().filter(move |r| r.target() == Some(chain))
    }

    /// True if nothing gets past this rule: REJECT or DROP without a condition, or an unconditional way into a
    /// chain that ends so (ufw keeps its reject in a chain of its own). The chain `but` counts as harmless,
    /// whatever is in it now: ours is about to be rewritten.
    pub fn refuses_all(&self, rule: &Rule, but: &str) -> bool {
        self.refuses(rule, but, 4)
    }

    fn refuses(&self, rule: &Rule, but: &str, depth: u8) -> bool {
        let Some(target) = rule.target().filter(|_| rule.unconditional()) else { return false };
        match (target, depth.checked_sub(1)) {
            ("REJECT" | "DROP", _) => true,
            (chain, _) if chain == but => false,
            (chain, Some(depth)) => {
                let end = self.rules(chain).find(|r| {
                    self.refuses(r, but, depth)
                        || r.unconditional() && matches!(r.target(), Some("RETURN" | "ACCEPT"))
                });
                end.is_some_and(|r| !matches!(r.target(), Some("RETURN" | "ACCEPT")))
            }
            (_, None) => false,
        }
    }
}

impl Rule {
    /// Reads `-A CHAIN …`, with or without the counters that `-c` puts in front.
    pub fn parse(line: &str) -> Option<Self> {
        let line = match line.strip_prefix('[') {
            Some(counted) => counted.split_once("] ")?.1,
            None => line,
        };
        let line = line.strip_prefix("-A ")?.trim();
        let (chain, spec) = line.split_once(' ').unwrap_or((line, ""));
        Some(Self { chain: chain.to_owned(), spec: spec.to_owned(), words: words(spec) })
    }

    /// True if both say the same, however they are quoted.
    pub fn same(&self, other: &Self) -> bool {
        self.chain == other.chain && self.words == other.words
    }

    /// Where the rule sends a packet.
    pub fn target(&self) -> Option<&str> {
        self.ends().1
    }

    /// True if every packet fits.
    pub fn unconditional(&self) -> bool {
        self.ends().0
    }

    /// Whether there is no condition before the target, and the target.
    fn ends(&self) -> (bool, Option<&str>) {
        let mut free = true;
        let mut words = self.words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "-j" | "--jump" | "-g" | "--goto" => return (free, words.next()),
                "--comment" => drop(words.next()),
                "-m" => free &= words.next() == Some("comment"),
                _ => free = false,
            }
        }
        (free, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_what_is_quoted_together() {
        for (spec, want) in [
            (
                r#"-m comment --comment "flanneld masq" -j X"#,
                vec!["-m", "comment", "--comment", "flanneld masq", "-j", "X"],
            ),
            (r#"--comment "a \"b\" -j c""#, vec!["--comment", r#"a "b" -j c"#]),
            (r#"--comment """#, vec!["--comment", ""]),
            ("  a   b ", vec!["a", "b"]),
            ("", vec![]),
        ] {
            assert_eq!(words(spec), want, "{spec}");
        }
    }

    #[test]
    fn a_comment_is_neither_a_condition_nor_a_target() {
        for (line, free, target) in [
            (r#"-A F -j DROP"#, true, Some("DROP")),
            (
                r#"-A F -m comment --comment "-j LURE" -j REJECT --reject-with icmp-port-unreachable"#,
                true,
                Some("REJECT"),
            ),
            (r#"[1:84] -A F -i eth0 -j DROP"#, false, Some("DROP")),
            (r#"-A F -m conntrack --ctstate INVALID -j DROP"#, false, Some("DROP")),
            (r#"-A F -g CHAIN"#, true, Some("CHAIN")),
            (r#"-A F"#, true, None),
        ] {
            let rule = Rule::parse(line).unwrap();
            assert_eq!((rule.unconditional(), rule.target()), (free, target), "{line}");
        }
    }

    #[test]
    fn a_refusal_is_found_through_chains_and_stops_at_a_return() {
        let saved = Saved::parse(
            "*filter\n:FORWARD DROP [0:0]\n:ufw-reject - [0:0]\n:mild - [0:0]\n:loop - [0:0]\n\
             -A FORWARD -j ufw-reject\n-A FORWARD -j mild\n-A FORWARD -i lo -j ufw-reject\n-A FORWARD -j loop\n\
             -A FORWARD -j ACCEPT\n-A FORWARD -j DROP\n\
             -A ufw-reject -s 1.1.1.1/32 -j RETURN\n-A ufw-reject -j REJECT --reject-with icmp-port-unreachable\n\
             -A mild -i lo -j DROP\n-A mild -j RETURN\n-A mild -j DROP\n-A loop -j loop\nCOMMIT\n",
        );
        let filter = saved.table("filter");
        let got: Vec<bool> = filter.rules("FORWARD").map(|r| filter.refuses_all(r, "FLANNEL-FWD")).collect();
        assert_eq!(got, [true, false, false, false, false, true]);
    }
}
