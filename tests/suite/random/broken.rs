//! Random faults in labs: `trace` says delivered where the ping is answered, and nowhere else.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use tempfile::TempDir;

use super::ask::{Fate, Foretold, Question, shoot, stages};
use super::bed::{Bed, owners, said, shell};
use super::dice::{Dice, Fault, wished};
use super::tidy::Tidy;

/// Questions a fault.
const QUESTIONS: usize = 6;

/// One lab, what it looked like, and what is asked about it.
struct Bench {
    bed: Bed,
    tidy: Vec<(String, Tidy)>,
    owners: BTreeMap<IpAddr, String>,
    shots: TempDir,
}

impl Bench {
    fn up(name: &'static str, shape: &[&str]) -> Self {
        let bed = Bed::up(name, shape);
        let members = ["pod1", "pod2", "node1", "node2"].map(str::to_owned);
        let owners = owners(&bed, &members);
        let tidy = members.iter().map(|m| (m.clone(), Tidy::of(&bed.netns(m)))).collect();
        Self { bed, tidy, owners, shots: TempDir::new().unwrap() }
    }

    /// A text of node1's view.
    fn fill(&self, text: &str) -> Option<String> {
        self.bed.sites[0].fill(text).ok().map(|all| all.join(" "))
    }

    fn question(&self, dice: &mut Dice) -> Option<Question> {
        let six = if dice.chance(70) { "" } else { "6" };
        let (from, src) = if dice.chance(70) { ("pod1", Some("{pod}")) } else { ("node1", None) };
        let to = dice.one(&[
            "{other.pod}",
            "{other.pod}",
            "{other.pod}",
            "{other.base}",
            "{other.gw}",
            "{gw}",
            "{pod}",
        ]);
        if from == "pod1" && to == "{pod}" {
            return None;
        }
        let parse = |text: &str| self.fill(&text.replace('}', &format!("{six}}}")))?.parse::<IpAddr>().ok();
        let dst = parse(to)?;
        let size = if dice.chance(80) { 84 } else { [1000, 1350, 1400][dice.below(3)] };
        let size = if six.is_empty() { size } else { size.max(104) };
        let home = self.owners.get(&dst).cloned().unwrap_or_default();
        let src = match src {
            Some(text) => Some(parse(text)?),
            None => None,
        };
        Some(Question { from: from.to_owned(), src, dst, home, size, asked: "node1".to_owned() })
    }

    /// Breaks, asks, compares, mends: what was foretold wrongly.
    fn round(&self, dice: &mut Dice, number: usize) -> Score {
        let mut lines = Vec::new();
        let mut filters = false;
        for _ in 0..=usize::from(dice.chance(25)) {
            let far = dice.chance(35);
            let Fault { line, filters: f, at } = dice.fault();
            let site = &self.bed.sites[usize::from(far)];
            let Ok(line) = site.fill(&line) else { continue };
            let line = line.join("; ");
            let done = shell(site.netns(at), &line);
            filters |= f;
            lines.push(format!("{}: {line}   [{}]", site.netns(at), said(&done).trim()));
        }
        let mut all: Vec<Question> = Vec::new();
        while all.len() < QUESTIONS {
            all.extend(self.question(dice));
        }
        let fates = each(&all, |question| question.ping(&self.bed, 2));
        let shots = ["node1", "node2"].map(|node| (node, self.shots.path().join(format!("{node}.json"))));
        each(&shots, |(node, file)| shoot(&self.bed, node, file));
        let shots: BTreeMap<String, PathBuf> = shots.map(|(node, file)| (node.to_owned(), file)).into();
        let foretold = each(&all, |question| question.trace(&self.bed, &shots));
        let head = format!("#{number} {}", lines.join("\n     "));
        let wrong = all.iter().zip(&fates).zip(&foretold).filter(|((_, fate), told)| !agrees(told, fate));
        let wrong =
            wrong.map(|((question, fate), told)| self.complaint(&head, question, fate, told)).collect();
        let died = fates.iter().filter(|fate| !fate.answered).count();
        each(&self.tidy, |(member, tidy)| tidy.restore(filters && member.starts_with("node")));
        Score { asked: all.len(), died, wrong }
    }

    fn complaint(&self, head: &str, question: &Question, fate: &Fate, told: &Foretold) -> String {
        let Question { from, dst, size, .. } = question;
        let Fate { arrived, answered, told: ping } = fate;
        let words = question.words(&self.bed).join(" ");
        let (verdict, codes) = (&told.verdict, &told.codes);
        format!(
            "{head}\n  {from} to {dst} ({size} bytes): trace {words} says {verdict} {codes:?}\n{}\n  \
             arrived {arrived}, answered {answered}: {}\n",
            stages(&told.text),
            ping.trim()
        )
    }
}

/// What came of one fault.
struct Score {
    /// How many questions.
    asked: usize,
    /// How many pings died.
    died: usize,
    /// What was foretold wrongly.
    wrong: Vec<String>,
}

/// All at once.
fn each<A: Sync, B: Send>(all: &[A], of: impl Fn(&A) -> B + Sync) -> Vec<B> {
    std::thread::scope(|scope| {
        let begun: Vec<_> = all.iter().map(|one| scope.spawn(|| of(one))).collect();
        begun.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// It is delivered, for sure, or it is not.
fn agrees(foretold: &Foretold, fate: &Fate) -> bool {
    match foretold.verdict.as_str() {
        "delivered" => fate.answered,
        "dropped" | "rejected" | "looped" | "misdelivered" => !fate.answered,
        _ => false,
    }
}

fn run(name: &'static str, shape: &[&str], share: u64, rounds: usize) {
    let (seed, rounds) = wished(rounds);
    let bench = Bench::up(name, shape);
    let mut all = Score { asked: 0, died: 0, wrong: Vec::new() };
    let mut number = 0;
    while all.asked < rounds {
        // Each fault has a seed of its own, so that one can be thrown again.
        let mut dice = Dice::of(seed.wrapping_mul(1_000_003).wrapping_add(share * 100_000 + number as u64));
        let Score { asked, died, wrong } = bench.round(&mut dice, number);
        (all.asked, all.died) = (all.asked + asked, all.died + died);
        all.wrong.extend(wrong);
        number += 1;
    }
    let Score { asked, died, wrong } = all;
    assert!(wrong.is_empty(), "seed {seed}: {} of {asked} are wrong\n{}", wrong.len(), wrong.join("\n"));
    // Neither a lab that nothing breaks nor one where nothing works tells much.
    assert!(died * 8 > asked && died < asked, "{died} of {asked} pings died");
}

#[test]
fn what_trace_foretells_in_a_broken_lab_is_what_a_ping_meets() {
    run("t-random-4", &["--nodes", "2"], 0, 100);
}

#[test]
fn what_trace_foretells_in_a_broken_lab_of_two_families_is_what_a_ping_meets() {
    run("t-random-6", &["--nodes", "2", "--ipv6"], 1, 100);
}
