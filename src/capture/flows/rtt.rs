//! Round trips: how many, and the shortest, mean and longest.

/// Round trips in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rtt {
    /// How many.
    pub samples: u64,
    least: i64,
    most: i64,
    sum: i64,
}

impl Rtt {
    /// Adds one; a clock that went back measured nothing.
    pub fn add(&mut self, took: i64) {
        if took < 0 {
            return;
        }
        self.least = if self.samples == 0 { took } else { self.least.min(took) };
        self.most = self.most.max(took);
        self.sum = self.sum.saturating_add(took);
        self.samples += 1;
    }

    /// The shortest.
    pub fn min(&self) -> Option<i64> {
        (self.samples > 0).then_some(self.least)
    }

    /// The mean.
    pub fn mean(&self) -> Option<i64> {
        self.sum.checked_div(i64::try_from(self.samples).unwrap_or(i64::MAX))
    }

    /// The longest.
    pub fn max(&self) -> Option<i64> {
        (self.samples > 0).then_some(self.most)
    }
}
