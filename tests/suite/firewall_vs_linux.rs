//! The walk is held against Linux: random rules of nft, iptables-nft and iptables-legacy in a router, real packets
//! through them, and the fate of each against the one foretold from what `kernel::rules` reads. Every set is drawn from
//! its own seed, which a failure names: `FLANCTL_TEST_SEED` with that number begins with that set.

mod aims;
mod dice;
mod fate;
mod features;
mod iptables;
mod nft;
mod odd;
mod packets;
mod yard;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use flanctl::firewall::{Hook, Packet, Ruleset, Say};
use flanctl::kernel::rules;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::support::netns::fresh;
use crate::support::seed::seed;
use aims::Aim;
use dice::{Case, percent};
use fate::{Fate, differs, foretell, packet};
use features::{Features, star};
use packets::{ICMP, ICMP6};
use yard::{NOTES, Yard, feed, takes};

/// How many sets of rules are tried, and how many packets meet each.
const SETS: u16 = 500;
const PACKETS: usize = 3;

/// Routers that work at the same time.
const YARDS: usize = 2;

/// What is loaded at once.
#[derive(Default)]
struct Rules {
    nft: String,
    /// For iptables-nft-restore, and for iptables-legacy-restore.
    saved: [String; 2],
}

impl Rules {
    fn draw(dice: &mut StdRng, aims: &[Aim]) -> Self {
        let mut rules = Self::default();
        // In half of the sets others stand about, made for one of the packets.
        let about = percent(dice, 50).then(|| &aims[0]);
        let mut variants: [Vec<(usize, &Aim)>; 2] = Default::default();
        for (place, aim) in aims.iter().enumerate() {
            let table = aims::table(dice, aim, place);
            if table.is_empty() {
                variants[usize::from(percent(dice, 50))].push((place, aim));
            }
            rules.nft += &table;
        }
        if let Some(aim) = about.filter(|_| !rules.nft.is_empty() || percent(dice, 30)) {
            rules.nft += &nft::tables(dice, &aim.case, aim.star);
        }
        if about.is_some() && percent(dice, 20) {
            variants[usize::from(percent(dice, 50))].push((0, &aims[0]));
        }
        rules.saved[0] = iptables::tables(dice, &variants[0], about, false);
        rules.saved[1] = iptables::tables(dice, &variants[1], about, true);
        rules
    }

    /// Puts them in place of the last ones; false if a tool refuses what was drawn. Nothing else is touched:
    /// connections stay.
    fn load(&self, v6: bool, last_old: &mut Option<bool>) -> bool {
        let mut text = String::new();
        for family in ["ip", "ip6", "inet"] {
            for name in ["t0", "t1", "s0", "s1", "s2", "filter", "nat", "mangle", "raw"] {
                let _ = writeln!(text, "add table {family} {name}\ndelete table {family} {name}");
            }
        }
        for set in ["in4", "in6", "out4", "out6"] {
            let _ = writeln!(text, "flush set inet notes {set}");
        }
        let mut taken = takes("nft", &["-f", "-"], &(text + &self.nft));
        let tool = |v6: bool, variant: &str| {
            format!("{}{variant}-restore", if v6 { "ip6tables" } else { "iptables" })
        };
        if let Some(v6) = last_old.take() {
            feed(&tool(v6, "-legacy"), &["-w"], &iptables::blank());
        }
        if !self.saved[0].is_empty() {
            taken &= takes(&tool(v6, "-nft"), &[], &self.saved[0]);
        }
        if !self.saved[1].is_empty() {
            taken &= takes(&tool(v6, "-legacy"), &["-w"], &self.saved[1]);
            *last_old = Some(v6);
        }
        taken
    }
}

/// True if no rule meets what the router itself sends.
fn answers_pass(rules: &Ruleset) -> bool {
    let chains = rules.tables.iter().flat_map(|table| &table.chains);
    let mut own = chains.filter(|chain| {
        let hook = chain.base.as_ref().and_then(|base| base.hook);
        matches!(hook, Some(Hook::Output | Hook::Postrouting))
    });
    own.all(|chain| {
        chain.rules.is_empty() && chain.base.as_ref().is_some_and(|base| base.policy == Say::Accept)
    })
}

/// What came of some sets.
#[derive(Default)]
struct Tally {
    features: Features,
    wrong: Vec<String>,
    unsure: Vec<String>,
    refused: u32,
    slowest: Duration,
}

/// A router, and how far it got.
struct Trial {
    yard: Yard,
    /// The family of the old tables that are loaded.
    old: Option<bool>,
    tally: Tally,
}

impl Trial {
    /// The set of this seed; no other set that meets this router has its `number`.
    fn set(&mut self, seed: u64, number: u16) {
        let mut dice = StdRng::seed_from_u64(seed);
        let stars: Vec<&'static str> = (0..PACKETS as u64).map(|place| star(seed, place)).collect();
        // Only IPv4 has fragments in its header.
        let v6 = percent(&mut dice, 30) && !stars.contains(&"fragment");
        let aims = aims(&mut dice, &stars, number, v6);
        if aims.iter().any(|aim| aim.case.established) {
            assert!(Rules::default().load(v6, &mut self.old));
            aims.iter().filter(|aim| aim.case.established).for_each(|aim| self.yard.acquaint(&aim.case));
        }
        let mut drawn = Rules::draw(&mut dice, &aims);
        while !drawn.load(v6, &mut self.old) {
            self.tally.refused += 1;
            drawn = Rules::draw(&mut dice, &aims);
        }
        let reading = Instant::now();
        let mut read = rules::read();
        self.tally.slowest = self.tally.slowest.max(reading.elapsed());
        read.tables.retain(|table| table.name != "notes");
        assert!(read.unseen.is_empty(), "{:?}", read.unseen);
        let cases: Vec<_> = aims.iter().map(|aim| aim.case.clone()).collect();
        let fates: Vec<(Packet, Fate)> = cases
            .iter()
            .map(packet)
            .map(|start| {
                let fate = foretell(&read, &start).fate;
                (start, fate)
            })
            .collect();
        for (((start, fate), seen), aim) in fates.iter().zip(self.yard.watch(&cases)).zip(&aims) {
            if let Some(how) = differs(fate, &seen, answers_pass(&read)) {
                let trail = foretell(&read, start).trail.join("\n");
                self.tally.wrong.push(format!(
                    "FLANCTL_TEST_SEED={seed}, {}: foretold {fate:?}, but {how}\n{:?}\n{seen:?}\n{trail}\n{}{}{}",
                    aim.star, aim.case, drawn.nft, drawn.saved[0], drawn.saved[1]
                ));
            }
            if let Fate::Unsure(why) = fate {
                self.tally.unsure.push(format!("FLANCTL_TEST_SEED={seed}: {why:?}"));
            }
        }
        self.tally.features.count(&read, &fates);
    }
}

/// Packets of one set, none of which can be taken for another, each with the feature that is to decide its fate.
fn aims(dice: &mut StdRng, stars: &[&'static str], number: u16, v6: bool) -> Vec<Aim> {
    let mut aims: Vec<Aim> = Vec::new();
    for (place, star) in stars.iter().copied().enumerate() {
        let number = number * PACKETS as u16 + place as u16;
        let echo = |case: &Case| matches!(case.shot.proto, ICMP | ICMP6);
        let taken = aims.iter().any(|aim| echo(&aim.case));
        // Echo requests have no ports by which two could be told apart.
        let star = if taken && star.starts_with("icmp") { "drop" } else { star };
        let mut case = aims::case(dice, star, number, place, v6);
        while taken && echo(&case) {
            case = aims::case(dice, star, number, place, v6);
        }
        aims.push(Aim { case, star });
    }
    aims
}

/// Every `YARDS`th set, from `first` on.
fn share(first: usize, seed: u64) -> Tally {
    let yard = Yard::new(first);
    feed("nft", &["-f", "-"], NOTES);
    let mut trial = Trial { yard, old: None, tally: Tally::default() };
    for number in (0..SETS).skip(first).step_by(YARDS) {
        trial.set(seed + u64::from(number), number);
    }
    trial.tally
}

#[test]
fn five_hundred_random_rule_sets_do_to_a_packet_what_the_walk_says() {
    let begin = Instant::now();
    let seed = seed(1);
    let yards: Vec<_> =
        (0..YARDS).map(|first| std::thread::spawn(move || fresh(move || share(first, seed)))).collect();
    let tallies: Vec<Tally> = yards.into_iter().map(|yard| yard.join().unwrap()).collect();
    let mut all = Tally::default();
    for tally in tallies {
        all.features.add(&tally.features);
        all.wrong.extend(tally.wrong);
        all.unsure.extend(tally.unsure);
        all.refused += tally.refused;
        all.slowest = all.slowest.max(tally.slowest);
    }
    let asked = usize::from(SETS) * PACKETS;
    println!(
        "{SETS} sets and {asked} packets in {:?}, slowest reading {:?}, {} unsure, {} refused",
        begin.elapsed(),
        all.slowest,
        all.unsure.len(),
        all.refused
    );
    println!("{}", all.features.told());
    let few: Vec<&str> = all.wrong.iter().take(3).map(String::as_str).collect();
    assert!(few.is_empty(), "{} of {asked} differ\n{}", all.wrong.len(), few.join("\n\n"));
    assert!(all.unsure.len() * 20 < asked, "{} unsure:\n{}", all.unsure.len(), all.unsure.join("\n"));
    assert_eq!(all.features.rare(SETS), Vec::<String>::new(), "decide in less than 1 % of the sets");
}
