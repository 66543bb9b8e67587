//! The Internet checksum. Summed in this machine's byte order, which only swaps the bytes of the sum.

/// The folded, inverted sum over `parts` as one run of bytes: 0 if the sum in them is right.
pub fn of(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u64;
    let mut odd = None;
    for part in parts {
        let mut part = *part;
        if let (Some(high), Some((low, rest))) = (odd, part.split_first()) {
            sum += u64::from(u16::from_ne_bytes([high, *low]));
            odd = None;
            part = rest;
        }
        let (words, rest) = part.as_chunks::<4>();
        sum += words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum::<u64>();
        match *rest {
            [a] => odd = Some(a),
            [a, b] => sum += u64::from(u16::from_ne_bytes([a, b])),
            [a, b, c] => {
                sum += u64::from(u16::from_ne_bytes([a, b]));
                odd = Some(c);
            }
            _ => {}
        }
    }
    if let Some(high) = odd {
        sum += u64::from(u16::from_ne_bytes([high, 0]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::from_be_bytes((!(sum as u16)).to_ne_bytes())
}

/// What the stored sum should have been, if the sum over everything came out as `found`.
pub fn should_be(stored: u16, found: u16) -> u16 {
    // The inverse of one's complement addition: stored - (sum without it).
    let mut right = u32::from(stored) + u32::from(found);
    right = (right & 0xffff) + (right >> 16);
    right = (right & 0xffff) + (right >> 16);
    right as u16
}
