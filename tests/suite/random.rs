//! Random packets and random faults in labs: what `flanctl trace` foretells is what a real ping meets.
//!
//! `FLANCTL_DICE=SEED` takes another seed than the fixed one, `FLANCTL_ROUNDS=N` another number of questions.

mod ask;
mod bed;
mod broken;
mod dice;
mod healthy;
mod tidy;
