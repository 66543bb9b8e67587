//! Inputs drawn at random: a seed, or the halves of two, with a few bytes changed, put in or taken out.

use std::time::{Duration, Instant};

use crate::dice::Dice;
use crate::{seeds, targets};

/// Inputs of a target where no time is given.
const INPUTS: u64 = 4000;

/// Runs the targets that the arguments name, or all. What a test runner is told besides is passed over.
pub fn main() {
    let (mut names, mut seconds) = (Vec::new(), None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => seconds = Some(args.next().unwrap().parse().expect("a number of seconds")),
            flag if flag.starts_with('-') => {}
            name => names.push(name.to_owned()),
        }
    }
    let number = std::env::var("FLANCTL_TEST_SEED").ok().and_then(|word| word.parse().ok());
    for (name, target) in targets::TARGETS {
        if names.is_empty() || names.iter().any(|wanted| name == wanted) {
            let inputs = run(name, target, number.unwrap_or(8472), seconds.map(Duration::from_secs));
            println!("fuzz target {name}: {inputs} inputs, nothing found");
        }
    }
}

/// How many inputs there were.
fn run(name: &str, target: fn(&[u8]), number: u64, time: Option<Duration>) -> u64 {
    let seeds = seeds::of(name);
    for seed in &seeds {
        given(name, target, seed);
    }
    let (mut dice, start, mut inputs) = (Dice(number), Instant::now(), 0);
    while time.map_or(inputs < INPUTS, |time| start.elapsed() < time) {
        given(name, target, &drawn(&mut dice, &seeds));
        inputs += 1;
    }
    inputs
}

/// Shows the input if the target does not return.
struct Shown<'a>(&'a str, &'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let digits: String = self.1.iter().map(|byte| format!("{byte:02x}")).collect();
            eprintln!("fuzz target {}, given {digits}", self.0);
        }
    }
}

fn given(name: &str, target: fn(&[u8]), bytes: &[u8]) {
    let _shown = Shown(name, bytes);
    target(bytes);
}

fn drawn(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let any = |dice: &mut Dice| seeds[dice.roll(seeds.len() as u64) as usize].clone();
    let mut input = any(dice);
    if dice.roll(4) == 0 {
        let (other, at) = (any(dice), dice.roll(input.len() as u64 + 1) as usize);
        input.truncate(at);
        input.extend(other.iter().skip(at));
    }
    for _ in 0..=dice.roll(6) {
        let at = dice.roll(input.len() as u64 + 1) as usize;
        let end = (at + 1 + dice.roll(8) as usize).min(input.len());
        match dice.roll(8) {
            0 if at < end => drop(input.drain(at..end)),
            1 => {
                let more = dice.bytes(8);
                input.splice(at..at, more);
            }
            2 => input.truncate(at),
            3 if at < end => {
                let again = input[at..end].to_vec();
                input.splice(at..at, again);
            }
            4 | 5 if at < end => input[at] = dice.of(&[0, 1, 4, 0x7f, 0x80, 0xff]),
            6 if at < end => input[at] ^= 1 << dice.roll(8),
            _ if at < end => input[at] = dice.byte(),
            _ => {}
        }
    }
    input
}
