//! Bytes that nobody meant, given to everything that reads bytes: `cargo test --test fuzz -- [TARGET…] [--seconds N]`.
//! A few thousand inputs a target, changed at random from the seeds, the same every time; or as many as N seconds last.
//! Built by `.ci/fuzz` it is libFuzzer's, which learns from what each input reaches; the target is in `FLANCTL_FUZZ`.
#![cfg_attr(fuzzing, no_main)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a target says what went wrong by failing"
)]

mod seeds;
mod targets;

#[cfg(not(fuzzing))]
#[path = "../suite/capture/dice.rs"]
mod dice;
#[cfg(not(fuzzing))]
mod drawn;

#[cfg(not(fuzzing))]
fn main() {
    drawn::main();
}

#[cfg(fuzzing)]
static TARGET: std::sync::OnceLock<fn(&[u8])> = std::sync::OnceLock::new();

// The seeds are laid into the folder that libFuzzer is about to read.
#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(
    init: {
        let name = std::env::var("FLANCTL_FUZZ").expect("FLANCTL_FUZZ names a target");
        let found = targets::TARGETS.iter().find(|(known, _)| *known == name);
        let (_, target) = found.unwrap_or_else(|| panic!("no target {name}"));
        TARGET.set(*target).unwrap();
        if let Some(folder) = std::env::var_os("FLANCTL_FUZZ_CORPUS") {
            for (at, seed) in seeds::of(&name).iter().enumerate() {
                std::fs::write(std::path::Path::new(&folder).join(format!("seed{at}")), seed).unwrap();
            }
        }
    },
    |bytes: &[u8]| TARGET.get().unwrap()(bytes)
);
