//! How many bytes a flow had in each of the latest spans of time.
//!
//! Live, a span is a second and the window moves. Of a file the window is the file's whole time: when a packet lies
//! beyond its end, every span becomes twice as long, and two are one. A flow's own spans follow when it is next
//! looked at.

/// Spans of a window.
pub const SPANS: usize = 24;

const SECOND: i64 = 1_000_000_000;

/// The shortest span of a file: 2^20 ns, about a millisecond.
const SHORTEST: u8 = 20;

/// What spans there are.
#[derive(Clone, Copy, Debug)]
pub enum Beat {
    /// Seconds, of which the latest count.
    Live,
    /// 2^`shift` nanoseconds from `origin` on.
    File {
        /// The first packet's time.
        origin: Option<i64>,
        /// How long a span is.
        shift: u8,
    },
}

impl Beat {
    /// A file's, before its first packet.
    pub const FILE: Self = Self::File { origin: None, shift: SHORTEST };

    /// The span of this time, and how long spans are by now.
    fn span(&mut self, now: i64) -> (i64, u8) {
        match self {
            Self::Live => (now.div_euclid(SECOND), 0),
            Self::File { origin, shift } => {
                let since = now.saturating_sub(*origin.get_or_insert(now)).max(0);
                while since >> *shift >= SPANS as i64 {
                    *shift += 1;
                }
                (since >> *shift, *shift)
            }
        }
    }

    /// Nanoseconds of a span.
    pub fn length(&self) -> i64 {
        match self {
            Self::Live => SECOND,
            Self::File { shift, .. } => 1 << shift,
        }
    }
}

/// Bytes by spans.
#[derive(Clone, Debug, Default)]
pub struct Spark {
    bytes: [u64; SPANS],
    /// The span of the last place; of a file, the place itself.
    last: i64,
    shift: u8,
}

impl Spark {
    /// Adds what came at `now`.
    pub fn add(&mut self, beat: &mut Beat, now: i64, bytes: u64) {
        let (span, shift) = beat.span(now);
        let place = match beat {
            Beat::Live => {
                self.slide(span);
                SPANS as i64 - 1 - (self.last - span)
            }
            Beat::File { .. } => {
                self.fold(shift);
                self.last = self.last.max(span);
                span
            }
        };
        let place = usize::try_from(place).ok().and_then(|place| self.bytes.get_mut(place));
        if let Some(slot) = place {
            *slot += bytes;
        }
    }

    /// The window moves on to `span`.
    fn slide(&mut self, span: i64) {
        let by = usize::try_from(span.saturating_sub(self.last)).unwrap_or(0).min(SPANS);
        self.bytes.rotate_left(by);
        self.bytes.iter_mut().rev().take(by).for_each(|bytes| *bytes = 0);
        self.last = self.last.max(span);
    }

    /// Spans become as long as `shift` says.
    fn fold(&mut self, shift: u8) {
        while self.shift.max(SHORTEST) < shift {
            let mut folded = [0; SPANS];
            for (slot, pair) in folded.iter_mut().zip(self.bytes.chunks(2)) {
                *slot = pair.iter().sum();
            }
            self.bytes = folded;
            self.shift = self.shift.max(SHORTEST) + 1;
            self.last /= 2;
        }
    }

    /// The spans up to `now`, the latest last.
    pub fn shown(&self, beat: &Beat, now: i64) -> Vec<u64> {
        let (mut spark, mut beat) = (self.clone(), *beat);
        let (span, shift) = beat.span(now);
        match beat {
            Beat::Live => {
                spark.slide(span);
                spark.bytes.to_vec()
            }
            Beat::File { .. } => {
                spark.fold(shift);
                let used = usize::try_from(span).unwrap_or(0) + 1;
                spark.bytes.iter().take(used).copied().collect()
            }
        }
    }
}

/// A line of bars, the highest span the fullest; a span with nothing is blank.
pub fn bars(spans: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = spans.iter().copied().max().unwrap_or(0).max(1);
    let bar = |bytes: &u64| match bytes {
        0 => ' ',
        _ => BARS
            .get((bytes.saturating_mul(8).div_ceil(most) as usize).saturating_sub(1))
            .copied()
            .unwrap_or('█'),
    };
    spans.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::{Beat, SECOND, SPANS, Spark, bars};

    #[test]
    fn a_running_window_forgets_what_is_older_than_it() {
        let (mut spark, mut beat) = (Spark::default(), Beat::Live);
        for (second, bytes) in [(100, 5), (101, 7), (103, 1), (101, 2)] {
            spark.add(&mut beat, second * SECOND, bytes);
        }
        let shown = |now: i64| spark.shown(&beat, now * SECOND);
        assert_eq!(shown(103)[SPANS - 4..], [5, 9, 0, 1]);
        assert_eq!(shown(105)[SPANS - 4..], [0, 1, 0, 0]);
        assert_eq!(shown(103 + SPANS as i64), [0; SPANS]);
    }

    #[test]
    fn a_files_window_is_all_of_its_time_and_loses_no_byte() {
        let (mut early, mut late, mut beat) = (Spark::default(), Spark::default(), Beat::FILE);
        for at in 0..10 {
            early.add(&mut beat, 7 * SECOND + at * 1_000_000, 10);
        }
        late.add(&mut beat, 7 * SECOND + 3600 * SECOND, 3);
        assert!(beat.length() * SPANS as i64 > 3600 * SECOND && beat.length() * 12 <= 3600 * SECOND);
        let shown = [&early, &late].map(|spark| spark.shown(&beat, 3607 * SECOND));
        assert!(shown[0].len() <= SPANS && shown[0].len() > 12);
        assert_eq!((shown[0].iter().sum::<u64>(), shown[0][0]), (100, 100));
        assert_eq!((shown[1].iter().sum::<u64>(), shown[1].last()), (3, Some(&3)));
    }

    #[test]
    fn bars_are_as_high_as_their_share() {
        assert_eq!(bars(&[0, 1, 50, 100]), " ▁▄█");
        assert_eq!(bars(&[0, 0]), "  ");
    }
}
