//! A short stretch of text, put together without asking for room at each piece: whoever writes it knows how long it can
//! get. Where the next byte goes stays in a register meanwhile, which is what makes it fast.
#![expect(clippy::indexing_slicing, reason = "tables with an entry for every value of their index")]

use super::text::{HEX, OCTET, PADDED, SHORT};

/// What a window may hold. What is written past it is lost or lands at its beginning: a mistake, but a safe one.
pub const HOLDS: usize = 256;
/// The longest piece that is written into it at once.
const PIECE: usize = 64;
/// The room that a window takes of a text.
pub(super) const ROOM: usize = HOLDS + PIECE;

/// A stretch of text being written.
#[derive(Debug)]
pub struct Window<'a> {
    text: &'a mut [u8; ROOM],
    at: usize,
}

impl<'a> Window<'a> {
    /// Writes from the beginning of `text`.
    #[inline(always)]
    pub(super) fn over(text: &'a mut [u8; ROOM]) -> Self {
        Self { text, at: 0 }
    }

    /// How much is written.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.at.min(HOLDS)
    }

    /// Writes a piece of which the first `used` bytes count.
    #[inline(always)]
    pub fn piece<const N: usize>(&mut self, piece: [u8; N], used: usize) {
        const { assert!(N <= PIECE) }
        debug_assert!(self.at + used <= HOLDS, "a window that is too short");
        // The compiler sees that this is always within.
        let at = self.at % HOLDS;
        if let Some(slot) = self.text.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<N>()) {
            *slot = piece;
        }
        self.at = at + used;
    }

    /// Text as it is.
    #[inline(always)]
    pub fn text<const N: usize>(&mut self, text: &[u8; N]) {
        self.piece(*text, N);
    }

    /// A name that is no literal; what is longer than a piece may be is cut.
    #[inline(always)]
    pub fn name(&mut self, name: &str) {
        let name = name.as_bytes();
        let name = name.get(..PIECE).unwrap_or(name);
        let at = self.at % HOLDS;
        if let Some(slot) = self.text.get_mut(at..at + name.len()) {
            slot.copy_from_slice(name);
        }
        self.at = at + name.len();
    }

    /// One byte.
    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        self.piece([byte], 1);
    }

    /// A decimal number.
    #[inline(always)]
    pub fn dec(&mut self, n: u32) {
        if n < 1000 {
            self.short(n);
        } else if n < 1_000_000 {
            self.short(n / 1000);
            self.piece(PADDED[(n % 1000) as usize], 3);
        } else if n < 100_000_000 {
            let (digits, used) = digits(n);
            self.piece(digits, used);
        } else {
            self.short(n / 100_000_000);
            self.piece((eight(n % 100_000_000) | ZEROES).to_le_bytes(), 8);
        }
    }

    /// A number below a thousand.
    #[inline(always)]
    fn short(&mut self, n: u32) {
        let entry = SHORT[n as usize];
        self.piece(entry, usize::from(entry[3]));
    }

    /// A number below a million with its leading zeroes.
    #[inline(always)]
    pub fn dec6(&mut self, n: u32) {
        self.piece(PADDED[(n / 1000 % 1000) as usize], 3);
        self.piece(PADDED[(n % 1000) as usize], 3);
    }

    /// A byte as hexadecimal digits without a leading zero.
    #[inline(always)]
    pub fn hex(&mut self, n: u8) {
        let [high, low] = HEX[usize::from(n)];
        if n < 16 { self.byte(low) } else { self.text(&[high, low]) }
    }

    /// A byte as two hexadecimal digits.
    #[inline(always)]
    pub fn hex2(&mut self, n: u8) {
        self.piece(HEX[usize::from(n)], 2);
    }

    /// A MAC address.
    #[inline(always)]
    pub fn mac(&mut self, addr: [u8; 6]) {
        let mut text = [b':'; 18];
        for (slot, byte) in text.chunks_exact_mut(3).zip(addr) {
            slot[..2].copy_from_slice(&HEX[usize::from(byte)]);
        }
        self.piece(text, 17);
    }

    /// An IPv4 address.
    #[inline(always)]
    pub fn ip4(&mut self, addr: [u8; 4]) {
        let [a, b, c, d] = addr.map(|octet| OCTET[usize::from(octet)]);
        for (text, len) in [a, b, c] {
            self.piece(text, len as usize + 1);
        }
        self.piece(d.0, d.1 as usize);
    }
}

const ZEROES: u64 = 0x3030_3030_3030_3030;

/// The digits of a number below a hundred million, and how many they are.
#[inline(always)]
fn digits(n: u32) -> ([u8; 8], usize) {
    let all = eight(n);
    // The last digit stays, even if it is a zero.
    let leading = (all | 1 << 56).trailing_zeros() / 8;
    (((all | ZEROES) >> (8 * leading)).to_le_bytes(), 8 - leading as usize)
}

/// Eight digits as values, the highest in the lowest byte: halved into lanes three times, all lanes at once. Division by
/// 100 and by 10 is by multiplication, exact for what a lane can hold.
#[inline(always)]
fn eight(n: u32) -> u64 {
    let lanes = u64::from(n / 10_000) | u64::from(n % 10_000) << 32;
    let high = ((lanes * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let lanes = high | (lanes - 100 * high) << 16;
    let high = ((lanes * 103) >> 10) & 0x000f_000f_000f_000f;
    high | (lanes - 10 * high) << 8
}

#[cfg(test)]
mod tests {
    use super::super::text::Out;

    fn written(fill: impl FnOnce(&mut super::Window<'_>)) -> String {
        let mut out = Out::default();
        out.window(fill);
        String::from_utf8(out.bytes().to_vec()).unwrap()
    }

    #[test]
    fn numbers_are_written_as_everywhere() {
        let edges = (0..10).flat_map(|power| [10u32.pow(power) - 1, 10u32.pow(power), 10u32.pow(power) + 1]);
        let some = (0..200_000u32).map(|n| n.wrapping_mul(0x9e37_79b9) >> (n % 32));
        for n in edges.chain(some).chain([u32::MAX, u32::MAX - 1]) {
            assert_eq!(written(|w| w.dec(n)), n.to_string());
        }
        for n in (0..1_000_000).step_by(997) {
            assert_eq!(written(|w| w.dec6(n)), format!("{n:06}"));
        }
    }

    #[test]
    fn addresses_are_written_as_everywhere() {
        for n in 0..=255u8 {
            let addr = [n, 255 - n, n / 2, n.wrapping_mul(3)];
            assert_eq!(written(|w| w.ip4(addr)), std::net::Ipv4Addr::from(addr).to_string());
        }
    }

    #[test]
    fn a_full_window_is_whole() {
        let text = written(|w| (0..4).for_each(|n| w.text(&[b'a' + n; 64])));
        assert_eq!(text, ["a", "b", "c", "d"].map(|letter| letter.repeat(64)).concat());
    }
}
