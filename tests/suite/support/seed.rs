//! Where random tests begin. The same numbers every time, so that what passed once passes again;
//! `FLANCTL_TEST_SEED=N` begins elsewhere, `FLANCTL_TEST_SEED=fresh` by the clock.

use std::time::SystemTime;

use proptest::test_runner::RngSeed;

/// The seed to begin with: `usual` unless the environment says another.
pub(crate) fn seed(usual: u64) -> u64 {
    match std::env::var("FLANCTL_TEST_SEED") {
        Err(_) => usual,
        Ok(word) if word == "fresh" => SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs(),
        Ok(number) => number.parse().expect("FLANCTL_TEST_SEED is a number, or `fresh`"),
    }
}

/// The same for proptest.
pub(crate) fn fixed(usual: u64) -> RngSeed {
    RngSeed::Fixed(seed(usual))
}
