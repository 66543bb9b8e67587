//! What the kernel and the firewall count while packets are followed. The files are opened in the node's namespace and
//! read again and again; the rules are asked for by a thread that stays there, after a loss and not too often.
#![expect(clippy::disallowed_methods, reason = "how long a reading takes is measured")]

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use caps::Capability;

use crate::capture::pairing::Point;
use crate::capture::pairing::moves::{Moves, tells};
use crate::capture::pairing::record::{Fate, Record};

use crate::firewall::{Awake, Owner, Rule, Ruleset, Say, Step, Table};
use crate::kernel::facts::Counters;
use crate::kernel::rules;
use crate::tap::shed;

/// How often the kernel's counters are read.
const EVERY: Duration = Duration::from_millis(50);

/// How often the rules are, at most.
const RULES_EVERY: Duration = Duration::from_millis(200);

/// Rules that take longer to list are left alone: packets wait meanwhile.
const RULES_WITHIN: Duration = Duration::from_millis(300);

/// Counters and what they did.
#[derive(Debug)]
pub struct Counts {
    files: Counters,
    rules: Option<Rules>,
    moves: Moves,
    read: Option<Instant>,
}

impl Counts {
    /// Opens them in the namespace that the calling thread stands in; what they say now is the beginning.
    pub fn open(at: i64, points: &[Point]) -> Self {
        let mut counts =
            Self { files: Counters::open(), rules: Rules::watch(), moves: Moves::default(), read: None };
        counts.sample(at, points);
        match counts.rules.as_mut().and_then(Rules::read) {
            Some(begin) => counts.moves.rules(at, begin),
            None => counts.rules = None,
        }
        if let Some(rules) = &mut counts.rules {
            // The first loss may be told at once.
            rules.read = None;
        }
        counts
    }

    /// Reads the kernel's counters if it is time to.
    pub fn sample(&mut self, at: i64, points: &[Point]) {
        if self.read.is_some_and(|read| read.elapsed() < EVERY) {
            return;
        }
        self.read = Some(Instant::now());
        let mut now = self.files.read();
        now.retain(|name, _| tells(name, points));
        self.moves.sample(at, now);
    }

    /// Says which counters moved when a packet was lost.
    pub fn explain(&mut self, record: &mut Record, points: &[Point], now: i64) {
        let last = record.last();
        let (Fate::Lost(gap), six) = (&mut record.fate, record.six) else { return };
        let (Some(from), Some(to)) = (points.get(gap.from), points.get(gap.to)) else { return };
        if let Some(rules) = self.rules.as_mut().filter(|rules| rules.due()) {
            match rules.read() {
                Some(rows) => self.moves.rules(now, rows),
                None => self.rules = None,
            }
        }
        gap.moved = self.moves.between((from, to), six, last, now);
    }
}

/// The thread that reads the rules.
#[derive(Debug)]
struct Rules {
    ask: Sender<()>,
    answer: Receiver<BTreeMap<String, u64>>,
    read: Option<Instant>,
}

impl Rules {
    /// Starts it. It keeps what reading rules needs, whatever its process gives up.
    fn watch() -> Option<Self> {
        let (ask, asked) = channel();
        let (tell, answer) = channel();
        let watch = move || {
            if shed::keep(&[Capability::CAP_NET_ADMIN]).is_err() {
                return;
            }
            while let Ok(()) = asked.recv() {
                if tell.send(dropping(&rules::read())).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("rules".to_owned()).spawn(watch).ok()?;
        Some(Self { ask, answer, read: None })
    }

    fn due(&self) -> bool {
        self.read.is_none_or(|read| read.elapsed() >= RULES_EVERY)
    }

    /// What the rules counted; nothing if they take too long or there are none.
    fn read(&mut self) -> Option<BTreeMap<String, u64>> {
        self.read = Some(Instant::now());
        self.ask.send(()).ok()?;
        self.answer.recv_timeout(RULES_WITHIN).ok()
    }
}

/// Rules and policies that end a packet, and how many they ended.
fn dropping(rules: &Ruleset) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for table in rules.tables.iter().filter(|table| table.awake != Awake::No) {
        for chain in &table.chains {
            let place = format!("rule:{}/{}", place(table), chain.name);
            let base = chain.base.as_ref().filter(|base| base.policy == Say::Drop);
            if let Some(counter) = base.and_then(|base| base.counter) {
                all.insert(format!("{place}: policy drop"), counter.packets);
            }
            let ends = chain.rules.iter().filter(|rule| rule.steps.iter().any(ends));
            for (rule, counter) in ends.filter_map(|rule| Some((rule, rule.counter?))) {
                // Two rules may read the same.
                *all.entry(format!("{place}: {}", text(rule))).or_default() += counter.packets;
            }
        }
    }
    all
}

fn ends(step: &Step) -> bool {
    matches!(step, Step::Say(Say::Drop | Say::Reject(_) | Say::Queue))
}

/// `nft inet firewalld`, `iptables filter`: as findings name it.
fn place(table: &Table) -> String {
    let six = if table.family == "ip6" { "ip6tables" } else { "iptables" };
    match table.owner {
        Owner::Nft => format!("nft {} {}", table.family, table.name),
        Owner::IptablesNft => format!("{six} {}", table.name),
        Owner::IptablesLegacy => format!("{six}-legacy {}", table.name),
    }
}

/// The rule without what it counted: that changes.
fn text(rule: &Rule) -> String {
    let mut words = Vec::new();
    let mut left = rule.text.split_whitespace();
    while let Some(word) = left.next() {
        words.push(word);
        let mut ahead = left.clone();
        if word == "counter" && ahead.next() == Some("packets") {
            // packets N bytes N
            left.by_ref().take(4).for_each(drop);
        }
    }
    words.join(" ")
}
