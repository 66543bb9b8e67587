//! The walk is held against Linux: random rules of nft, iptables-nft and iptables-legacy in a router, a real packet
//! through them, and its fate against the one foretold from what `kernel::rules` reads.

mod dice;
mod fate;
mod features;
mod iptables;
mod nft;
mod packets;
mod yard;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use flanctl::firewall::{Ct, Ruleset};
use flanctl::kernel::rules;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::support::netns::fresh;
use dice::{Case, percent, pick};
use fate::{Fate, differs, foretell, packet};
use features::Features;
use packets::Shot;
use yard::{From, NOTES, Yard, feed, takes};

/// How many sets of rules are tried.
const SETS: u16 = 500;

/// What is loaded for one packet.
#[derive(Default)]
struct Rules {
    nft: String,
    /// For iptables-nft-restore, and for iptables-legacy-restore.
    saved: [String; 2],
}

impl Rules {
    fn draw(dice: &mut StdRng, case: &Case, star: &str) -> Self {
        let mut rules = Self::default();
        let native = nft::conds(case, "forward", "inet").iter().any(|c| c.name == star) || nft::STATEMENTS.contains(&star);
        let [mut with_nft, mut with_new, mut with_old] = match percent(dice, 20) {
            true => [percent(dice, 70), percent(dice, 60), percent(dice, 60)],
            false if native => [true, false, false],
            false => pick(dice, &[[false, true, false], [false, false, true]]),
        };
        if !(with_nft || with_new || with_old) {
            [with_nft, with_new, with_old] = [true, true, true];
        }
        if with_nft {
            rules.nft = nft::tables(dice, case, star);
        }
        if with_new {
            rules.saved[0] = iptables::tables(dice, case, star, false);
        }
        if with_old {
            rules.saved[1] = iptables::tables(dice, case, star, true);
        }
        rules
    }

    /// Puts them in place of the last ones; false if a tool refuses what was drawn. Nothing else is touched:
    /// connections stay.
    fn load(&self, v6: bool, last_old: &mut Option<bool>) -> bool {
        let mut text = String::new();
        for family in ["ip", "ip6", "inet"] {
            for name in ["t0", "t1", "filter", "nat", "mangle", "raw"] {
                let _ = writeln!(text, "add table {family} {name}\ndelete table {family} {name}");
            }
        }
        for set in ["in4", "in6", "out4", "out6"] {
            let _ = writeln!(text, "flush set inet notes {set}");
        }
        let mut taken = takes("nft", &["-f", "-"], &(text + &self.nft));
        let tool = |v6: bool, variant: &str| format!("{}{variant}-restore", if v6 { "ip6tables" } else { "iptables" });
        if let Some(v6) = last_old.take() {
            feed(&tool(v6, "-legacy"), &[], &iptables::blank());
        }
        if !self.saved[0].is_empty() {
            taken &= takes(&tool(v6, "-nft"), &[], &self.saved[0]);
        }
        if !self.saved[1].is_empty() {
            taken &= takes(&tool(v6, "-legacy"), &[], &self.saved[1]);
            *last_old = Some(v6);
        }
        taken
    }
}

/// The packets that make a connection known to the router, before there are rules.
fn acquaint(yard: &Yard, case: &Case) {
    yard.send(From::Sender, &case.shot);
    let Shot { src, dst, sport, dport, .. } = case.shot;
    let back = Shot { src: dst, dst: src, sport: dport, dport: sport, ..case.shot.clone() };
    yard.send(From::Receiver, &back);
}

/// True if no rule meets what the router itself sends.
fn answers_pass(rules: &Ruleset) -> bool {
    let chains = rules.tables.iter().flat_map(|table| &table.chains);
    let mut own = chains.filter(|chain| {
        let hook = chain.base.as_ref().and_then(|base| base.hook);
        matches!(hook, Some(flanctl::firewall::Hook::Output | flanctl::firewall::Hook::Postrouting))
    });
    own.all(|chain| {
        chain.rules.is_empty()
            && chain.base.as_ref().is_some_and(|base| base.policy == flanctl::firewall::Say::Accept)
    })
}

#[test]
fn five_hundred_random_rule_sets_do_to_a_packet_what_the_walk_says() {
    fresh(|| {
        let begin = Instant::now();
        let yard = Yard::new();
        feed("nft", &["-f", "-"], NOTES);
        let mut dice = StdRng::seed_from_u64(7);
        let (mut wrong, mut unsure, mut old) = (Vec::new(), Vec::new(), None);
        let (mut features, mut slowest, mut refused) = (Features::default(), Duration::ZERO, 0);
        for number in 0..SETS {
            let case = Case::draw(&mut dice, number);
            let star = features.star(&mut dice, number);
            if case.established {
                assert!(Rules::default().load(case.v6(), &mut old));
                acquaint(&yard, &case);
            }
            let mut drawn = Rules::draw(&mut dice, &case, star);
            while !drawn.load(case.v6(), &mut old) {
                refused += 1;
                drawn = Rules::draw(&mut dice, &case, star);
            }
            let reading = Instant::now();
            let mut read = rules::read();
            slowest = slowest.max(reading.elapsed());
            read.tables.retain(|table| table.name != "notes");
            assert!(read.unseen.is_empty(), "{:?}", read.unseen);
            let ct = if case.established { Ct::Established } else { Ct::New };
            let start = packet(&case.shot, case.from, ct);
            let foretold = foretell(&read, &start);
            let seen = yard.watch(case.from, &case.shot);
            if let Some(how) = differs(&foretold.fate, &seen, answers_pass(&read)) {
                wrong.push(format!(
                    "set {number}, {}: foretold {:?}, but {how}\n{case:?}\n{seen:?}\n{}\n{}{}{}",
                    star,
                    foretold.fate,
                    foretold.trail.join("\n"),
                    drawn.nft,
                    drawn.saved[0],
                    drawn.saved[1]
                ));
            }
            if let Fate::Unsure(why) = &foretold.fate {
                unsure.push(format!("set {number}: {why:?}"));
            }
            features.count(&read, &start, &foretold.fate);
        }
        let spent = begin.elapsed();
        println!("{SETS} sets in {spent:?}, slowest reading {slowest:?}, {} unsure, {refused} refused", unsure.len());
        println!("{}", features.told());
        assert!(wrong.is_empty(), "{} of {SETS} differ; the first:\n{}", wrong.len(), wrong[0]);
        assert!(unsure.len() * 20 < usize::from(SETS), "{} unsure:\n{}", unsure.len(), unsure.join("\n"));
        assert_eq!(features.rare(SETS), Vec::<String>::new(), "decide in less than 1 % of the sets");
        assert!(spent < Duration::from_secs(90), "{spent:?}");
    });
}
