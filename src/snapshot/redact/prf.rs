//! A keyed hash: without the key nobody tells what a replacement stood for. SipHash-2-4 (Aumasson, Bernstein).

/// The key of a redaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key(u64, u64);

/// A key is as good as the original: it is shown on purpose only.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// From 16 random bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        let both = u128::from_le_bytes(bytes);
        Self(both as u64, (both >> 64) as u64)
    }

    /// As 32 hexadecimal digits.
    pub fn text(self) -> String {
        format!("{:016x}{:016x}", self.0, self.1)
    }

    /// From what [`Key::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (a, b) = text.split_at_checked(16).filter(|_| text.len() == 32)?;
        Some(Self(u64::from_str_radix(a, 16).ok()?, u64::from_str_radix(b, 16).ok()?))
    }

    /// The hash of `data`; `what` keeps hashes of different things apart.
    pub(super) fn hash(self, what: u8, data: &[u8]) -> u64 {
        sip(self, [what].iter().chain(data).copied())
    }
}

fn sip(key: Key, data: impl Iterator<Item = u8>) -> u64 {
    let mut v = [
        key.0 ^ 0x736f_6d65_7073_6575,
        key.1 ^ 0x646f_7261_6e64_6f6d,
        key.0 ^ 0x6c79_6765_6e65_7261,
        key.1 ^ 0x7465_6462_7974_6573,
    ];
    let (mut word, mut count) = (0u64, 0u64);
    for byte in data {
        word |= u64::from(byte) << (8 * (count % 8));
        count += 1;
        if count.is_multiple_of(8) {
            v = take(v, word);
            word = 0;
        }
    }
    let [a, b, c, d] = take(v, word | (count << 56));
    let [a, b, c, d] = round(round(round(round([a, b, c ^ 0xff, d]))));
    a ^ b ^ c ^ d
}

fn take([a, b, c, d]: [u64; 4], word: u64) -> [u64; 4] {
    let [a, b, c, d] = round(round([a, b, c, d ^ word]));
    [a ^ word, b, c, d]
}

fn round([mut a, mut b, mut c, mut d]: [u64; 4]) -> [u64; 4] {
    a = a.wrapping_add(b);
    c = c.wrapping_add(d);
    b = b.rotate_left(13) ^ a;
    d = d.rotate_left(16) ^ c;
    a = a.rotate_left(32);
    c = c.wrapping_add(b);
    a = a.wrapping_add(d);
    b = b.rotate_left(17) ^ c;
    d = d.rotate_left(21) ^ a;
    [a, b, c.rotate_left(32), d]
}

#[cfg(test)]
mod tests {
    use super::{Key, sip};

    #[test]
    fn it_is_siphash_as_its_authors_print_it() {
        let key = Key::new(std::array::from_fn(|n| n as u8));
        assert_eq!(sip(key, 0..15), 0xa129_ca61_49be_45e5);
        assert_eq!(sip(key, 0..0), 0x726f_db47_dd0e_0e31);
    }

    #[test]
    fn a_key_is_read_back_as_it_was_written() {
        let key = Key::new([0x5a; 16]);
        assert_eq!(Key::parse(&key.text()), Some(key));
        assert_eq!(Key::parse("5a"), None);
        assert!(!format!("{key:?}").contains("5a"));
    }
}
