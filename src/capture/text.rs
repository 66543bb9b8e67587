//! The text of packets: a buffer that only grows at its end, and numbers and addresses written into it by table.
//! Nothing is allocated while it has room, and it keeps its room when it is cleared.
#![expect(clippy::indexing_slicing, reason = "tables with an entry for every value of their index")]

use super::window::{self, Window};

/// Digits of 0..1000 without leading zeroes, and how many they are.
pub(super) static SHORT: [[u8; 4]; 1000] = {
    let mut table = [[0; 4]; 1000];
    let mut n = 0;
    while n < 1000 {
        let [c, d, u] = [n / 100, n / 10 % 10, n % 10];
        let [c8, d8, u8_] = [b'0' + c as u8, b'0' + d as u8, b'0' + u as u8];
        table[n] = match (c, d) {
            (0, 0) => [u8_, 0, 0, 1],
            (0, _) => [d8, u8_, 0, 2],
            _ => [c8, d8, u8_, 3],
        };
        n += 1;
    }
    table
};

/// Digits of 0..1000 with leading zeroes, and a byte that makes four of them.
pub(super) static PADDED: [[u8; 4]; 1000] = {
    let mut table = [[0; 4]; 1000];
    let mut n = 0;
    while n < 1000 {
        table[n] = [b'0' + (n / 100) as u8, b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8, 0];
        n += 1;
    }
    table
};

/// An octet of a dotted address, its dot behind it, and the length without the dot.
pub(super) static OCTET: [([u8; 4], u32); 256] = {
    let mut table = [([0; 4], 0); 256];
    let mut n = 0;
    while n < 256 {
        let [a, b, c, len] = SHORT[n];
        table[n] = match len {
            1 => ([a, b'.', 0, 0], 1),
            2 => ([a, b, b'.', 0], 2),
            _ => ([a, b, c, b'.'], 3),
        };
        n += 1;
    }
    table
};

/// Two hexadecimal digits a byte.
pub(super) static HEX: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut table = [[0; 2]; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = [digits[n >> 4], digits[n & 15]];
        n += 1;
    }
    table
};

/// Room that a packet's first line needs at least; asked for once a packet.
const ROOM: usize = 4096;

/// Text that grows at its end. Bytes beyond `at` are scratch.
#[derive(Debug, Default)]
pub struct Out {
    buf: Vec<u8>,
    at: usize,
}

impl Out {
    /// An empty text with room for `room` bytes.
    pub fn with_room(room: usize) -> Self {
        Self { buf: vec![0; room], at: 0 }
    }

    /// Everything written since it was cleared.
    pub fn bytes(&self) -> &[u8] {
        self.buf.get(..self.at).unwrap_or_default()
    }

    /// How much was written since it was cleared.
    pub fn len(&self) -> usize {
        self.at
    }

    /// True if nothing was written since it was cleared.
    pub fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// Forgets the text, keeps the room.
    pub fn clear(&mut self) {
        self.at = 0;
    }

    /// Takes back everything behind the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.at = self.at.min(len);
    }

    /// Makes room for a packet's text, so that growing is rare within it.
    #[inline]
    pub fn reserve_packet(&mut self) {
        if self.buf.len() - self.at < ROOM {
            self.grow(ROOM);
        }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) {
        let len = (self.at + more).max(self.buf.len() * 2).max(2 * ROOM);
        self.buf.resize(len, 0);
    }

    /// Writes a block of which the first `used` bytes count; a fixed length is a few moves, no call.
    #[inline(always)]
    fn block<const N: usize>(&mut self, block: [u8; N], used: usize) {
        if self.buf.len() - self.at < N {
            self.grow(N);
        }
        if let Some(slot) = self.buf.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut::<N>()) {
            *slot = block;
            self.at += used;
        }
    }

    /// A stretch of at most [`window::HOLDS`] bytes, written without asking for room at each piece.
    #[inline(always)]
    pub fn window(&mut self, fill: impl FnOnce(&mut Window<'_>)) {
        if self.buf.len() - self.at < window::ROOM {
            self.grow(window::ROOM);
        }
        if let Some(room) = self.buf.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut()) {
            let mut window = Window::over(room);
            fill(&mut window);
            self.at += window.len();
        }
    }

    /// Text as it is.
    #[inline(always)]
    pub fn str(&mut self, text: &str) {
        self.raw(text.as_bytes());
    }

    /// Bytes as they are.
    #[inline(always)]
    pub fn raw(&mut self, bytes: &[u8]) {
        if self.buf.len() - self.at < bytes.len() {
            self.grow(bytes.len());
        }
        if let Some(slot) = self.buf.get_mut(self.at..self.at + bytes.len()) {
            slot.copy_from_slice(bytes);
            self.at += bytes.len();
        }
    }

    /// Eight bytes.
    #[inline(always)]
    pub fn eight(&mut self, bytes: [u8; 8]) {
        self.block(bytes, 8);
    }

    /// One byte.
    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        self.block([byte], 1);
    }

    /// A decimal number.
    #[inline(always)]
    pub fn dec(&mut self, n: impl Into<u64>) {
        self.dec64(n.into());
    }

    #[inline(always)]
    fn dec64(&mut self, n: u64) {
        if n < 1000 {
            self.lead(n);
        } else if n < 1_000_000 {
            self.lead(n / 1000);
            self.tail(n % 1000);
        } else {
            self.long(n);
        }
    }

    #[inline(always)]
    fn lead(&mut self, n: u64) {
        let entry = SHORT.get(n as usize).copied().unwrap_or_default();
        self.block(entry, usize::from(entry[3]));
    }

    #[inline(always)]
    fn tail(&mut self, n: u64) {
        self.block(PADDED.get(n as usize).copied().unwrap_or_default(), 3);
    }

    #[inline(never)]
    fn long(&mut self, n: u64) {
        if n >= 1_000_000_000 {
            self.dec64(n / 1_000_000_000);
            self.tail(n / 1_000_000 % 1000);
        } else {
            self.lead(n / 1_000_000);
        }
        self.tail(n / 1000 % 1000);
        self.tail(n % 1000);
    }

    /// A decimal number with a sign if it is below zero.
    pub fn int(&mut self, n: impl Into<i64>) {
        let n = n.into();
        if n < 0 {
            self.byte(b'-');
        }
        self.dec64(n.unsigned_abs());
    }

    /// A decimal number, filled with `fill` on the left to at least `width`.
    pub fn dec_wide(&mut self, n: impl Into<u64>, width: usize, fill: u8) {
        let n = n.into();
        let digits = n.checked_ilog10().map_or(1, |most| most as usize + 1);
        for _ in digits..width {
            self.byte(fill);
        }
        self.dec64(n);
    }

    /// Two digits, zero first.
    #[inline(always)]
    pub fn dec2(&mut self, n: u32) {
        let [_, d, u, _] = PADDED.get(n as usize).copied().unwrap_or_default();
        self.block([d, u], 2);
    }

    /// Six digits, zeroes first; more if the number has more.
    #[inline(always)]
    pub fn dec6(&mut self, n: u32) {
        if n < 1_000_000 {
            self.tail(u64::from(n / 1000));
            self.tail(u64::from(n % 1000));
        } else {
            self.dec(n);
        }
    }

    /// Nine digits, zeroes first; more if the number has more.
    pub fn dec9(&mut self, n: u32) {
        self.dec_wide(n, 9, b'0');
    }

    /// A hexadecimal number without leading zeroes.
    #[inline(always)]
    pub fn hex(&mut self, n: impl Into<u64>) {
        let n = n.into();
        if n < 16 {
            let [_, low] = HEX.get(n as usize).copied().unwrap_or_default();
            self.byte(low);
        } else {
            self.hex_long(n, 1);
        }
    }

    /// A hexadecimal number with at least `width` digits.
    #[inline(never)]
    pub fn hex_long(&mut self, n: u64, width: usize) {
        let digits = (n.checked_ilog2().unwrap_or(0) as usize / 4 + 1).max(width);
        for place in (0..digits).rev() {
            let nibble = if place < 16 { n >> (4 * place) & 15 } else { 0 };
            let [_, low] = HEX.get(nibble as usize).copied().unwrap_or_default();
            self.byte(low);
        }
    }

    /// A byte as two hexadecimal digits.
    #[inline(always)]
    pub fn hex2(&mut self, n: u8) {
        self.block(HEX[usize::from(n)], 2);
    }

    /// Two bytes as four hexadecimal digits.
    #[inline(always)]
    pub fn hex4(&mut self, n: u16) {
        let [a, b] = n.to_be_bytes();
        self.hex2(a);
        self.hex2(b);
    }

    /// Four bytes as eight hexadecimal digits.
    #[inline(always)]
    pub fn hex8(&mut self, n: u32) {
        for byte in n.to_be_bytes() {
            self.hex2(byte);
        }
    }

    /// Bytes as hexadecimal digits, nothing between.
    pub fn hexes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hex2(*byte);
        }
    }

    /// An IPv4 address.
    #[inline(always)]
    pub fn ip4(&mut self, addr: [u8; 4]) {
        for octet in addr {
            let (text, len) = OCTET[usize::from(octet)];
            self.block(text, len as usize + 1);
        }
        self.at -= 1;
    }

    /// An IPv6 address as RFC 5952 writes it.
    pub fn ip6(&mut self, addr: [u8; 16]) {
        let group = |n: usize| u16::from_be_bytes([addr[2 * n], addr[2 * n + 1]]);
        let (start, len) = zero_run(addr);
        if start == 0 && (len == 6 || (len == 5 && group(5) == 0xffff)) {
            self.str(if len == 6 { "::" } else { "::ffff:" });
            return self.ip4([addr[12], addr[13], addr[14], addr[15]]);
        }
        let mut n = 0;
        while n < 8 {
            if n == start && len > 1 {
                self.str("::");
                n += len;
                continue;
            }
            if n > 0 && n != start + len {
                self.byte(b':');
            }
            self.hex(group(n));
            n += 1;
        }
    }

    /// A MAC address, or any address of that shape: pairs of digits with colons between.
    #[inline(always)]
    pub fn mac(&mut self, addr: [u8; 6]) {
        let mut text = [b':'; 18];
        for (slot, byte) in text.chunks_exact_mut(3).zip(addr) {
            slot[0] = HEX[usize::from(byte)][0];
            slot[1] = HEX[usize::from(byte)][1];
        }
        self.block(text, 17);
    }
}

/// The longest run of zero groups (the first of equals): where, and how long; a lone zero is no run.
fn zero_run(addr: [u8; 16]) -> (usize, usize) {
    let (mut best, mut best_len, mut start, mut len) = (8, 0, 0, 0);
    for (n, pair) in addr.chunks_exact(2).enumerate() {
        if pair == [0, 0] {
            if len == 0 {
                start = n;
            }
            len += 1;
            if len > best_len {
                (best, best_len) = (start, len);
            }
        } else {
            len = 0;
        }
    }
    if best_len < 2 { (8, 0) } else { (best, best_len) }
}
