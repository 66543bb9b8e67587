//! The time before a line. The zone is asked once a quarter of an hour: offsets change on no finer grid.

use super::ctx::{Opts, Time};
use super::packet::Stamp;
use super::text::Out;

/// Seconds east of UTC at a time.
pub type Zone = Box<dyn Fn(i64) -> i32 + Send>;

/// What the time of a line depends on.
pub struct Clock {
    zone: Zone,
    quarter: Option<i64>,
    offset: i64,
    second: Option<i64>,
    written: [u8; 8],
    first: Option<Stamp>,
    previous: Stamp,
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clock").field("offset", &self.offset).finish_non_exhaustive()
    }
}

const DAY: i64 = 86_400;
const QUARTER: i64 = 900;

impl Clock {
    /// A clock on a wall in `zone`.
    pub fn new(zone: Zone) -> Self {
        Self {
            zone,
            quarter: None,
            offset: 0,
            second: None,
            written: *b"00:00:00",
            first: None,
            previous: Stamp::default(),
        }
    }

    /// Writes what `o.time` asks for, and the space behind it.
    #[inline]
    pub fn print(&mut self, o: &Opts, out: &mut Out, ts: Stamp) {
        match o.time {
            Time::Day if !o.nano && ts.frac < 1_000_000 => {
                let day = self.of_day(ts.secs);
                return out.window(|w| {
                    w.piece(day, 8);
                    w.byte(b'.');
                    w.dec6(ts.frac);
                    w.byte(b' ');
                });
            }
            Time::Day => out.eight(self.of_day(ts.secs)),
            Time::None => return,
            Time::Unix => out.int(ts.secs),
            Time::Date => {
                self.date(out, ts.secs);
                out.eight(self.of_day(ts.secs));
            }
            Time::SincePrevious | Time::SinceFirst => return self.since(o, out, ts),
        }
        fraction(o, out, ts.frac);
        if o.compat != super::ctx::Compat::V499 && ts.frac >= most(o) {
            out.str(if o.nano { " (invalid ns)" } else { " (invalid us)" });
        }
        out.byte(b' ');
    }

    fn local(&mut self, secs: i64) -> i64 {
        let quarter = secs.div_euclid(QUARTER);
        if self.quarter != Some(quarter) {
            self.quarter = Some(quarter);
            self.offset = i64::from((self.zone)(secs));
        }
        secs.saturating_add(self.offset)
    }

    /// `13:45:06`.
    #[inline]
    fn of_day(&mut self, secs: i64) -> [u8; 8] {
        if self.second != Some(secs) {
            self.second = Some(secs);
            let of_day = self.local(secs).rem_euclid(DAY);
            let two = |n: i64| [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
            let ([a, b], [c, d], [e, f]) = (two(of_day / 3600), two(of_day / 60 % 60), two(of_day % 60));
            self.written = [a, b, b':', c, d, b':', e, f];
        }
        self.written
    }

    fn date(&mut self, out: &mut Out, secs: i64) {
        let (year, month, day) = civil(self.local(secs).div_euclid(DAY));
        out.dec_wide(year.unsigned_abs(), 4, b'0');
        out.byte(b'-');
        out.dec2(month);
        out.byte(b'-');
        out.dec2(day);
        out.byte(b' ');
    }

    /// Time since the line before, or since the first.
    fn since(&mut self, o: &Opts, out: &mut Out, ts: Stamp) {
        let first = *self.first.get_or_insert(ts);
        let base = match (o.time, self.first) {
            (Time::SincePrevious, _) if self.previous != Stamp::default() => self.previous,
            _ => first,
        };
        self.previous = ts;
        let scale = i128::from(most(o));
        let whole = |t: Stamp| i128::from(t.secs) * scale + i128::from(t.frac);
        let delta = whole(ts) - whole(base);
        out.byte(if delta < 0 { b'-' } else { b' ' });
        let (secs, frac) =
            (delta.unsigned_abs() / scale.unsigned_abs(), delta.unsigned_abs() % scale.unsigned_abs());
        let (secs, frac) = (secs as u64, frac as u32);
        out.dec_wide(secs / 3600, 2, b'0');
        out.byte(b':');
        out.dec2((secs / 60 % 60) as u32);
        out.byte(b':');
        out.dec2((secs % 60) as u32);
        fraction(o, out, frac);
        out.byte(b' ');
    }
}

fn most(o: &Opts) -> u32 {
    if o.nano { 1_000_000_000 } else { 1_000_000 }
}

#[inline]
fn fraction(o: &Opts, out: &mut Out, frac: u32) {
    out.byte(b'.');
    if o.nano { out.dec9(frac) } else { out.dec6(frac) }
}

/// Year, month and day of the day `days` after 1970-01-01: the proleptic Gregorian calendar in eras of 400 years.
pub fn civil(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * march + 2) / 5 + 1) as u32;
    let month = if march < 10 { march + 3 } else { march - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
