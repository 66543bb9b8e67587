//! Reading numbers out of captured bytes, and the two rules of a short packet.
//!
//! The captured bytes ended: [`Cut`], which unwinds to the frame printer; it writes ` [|proto]` and goes no further.
//! The packet itself says something impossible: the protocol writes ` (invalid)` where it stands and returns.

/// The captured bytes ended before what was to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

/// A value, or the end of the captured bytes.
pub type Step<T = ()> = Result<T, Cut>;

/// `N` bytes at `at`.
#[inline(always)]
pub fn array<const N: usize>(b: &[u8], at: usize) -> Step<[u8; N]> {
    match b.get(at..).and_then(|rest| rest.first_chunk::<N>()) {
        Some(found) => Ok(*found),
        None => Err(Cut),
    }
}

/// One byte.
#[inline(always)]
pub fn u8_at(b: &[u8], at: usize) -> Step<u8> {
    b.get(at).copied().ok_or(Cut)
}

/// Two bytes, big end first.
#[inline(always)]
pub fn be16(b: &[u8], at: usize) -> Step<u16> {
    array(b, at).map(u16::from_be_bytes)
}

/// Three bytes, big end first.
#[inline(always)]
pub fn be24(b: &[u8], at: usize) -> Step<u32> {
    array::<3>(b, at).map(|[x, y, z]| u32::from_be_bytes([0, x, y, z]))
}

/// Four bytes, big end first.
#[inline(always)]
pub fn be32(b: &[u8], at: usize) -> Step<u32> {
    array(b, at).map(u32::from_be_bytes)
}

/// Six bytes, big end first.
#[inline(always)]
pub fn be48(b: &[u8], at: usize) -> Step<u64> {
    array::<6>(b, at).map(|[a, c, d, e, f, g]| u64::from_be_bytes([0, 0, a, c, d, e, f, g]))
}

/// Eight bytes, big end first.
#[inline(always)]
pub fn be64(b: &[u8], at: usize) -> Step<u64> {
    array(b, at).map(u64::from_be_bytes)
}

/// Two bytes, little end first.
#[inline(always)]
pub fn le16(b: &[u8], at: usize) -> Step<u16> {
    array(b, at).map(u16::from_le_bytes)
}

/// Four bytes, little end first.
#[inline(always)]
pub fn le32(b: &[u8], at: usize) -> Step<u32> {
    array(b, at).map(u32::from_le_bytes)
}

/// `n` bytes at `at`, all of them captured.
#[inline(always)]
pub fn take(b: &[u8], at: usize, n: usize) -> Step<&[u8]> {
    b.get(at..).and_then(|rest| rest.get(..n)).ok_or(Cut)
}

/// Holds if the first `n` bytes were captured.
#[inline(always)]
pub fn need(b: &[u8], n: usize) -> Step {
    if b.len() >= n { Ok(()) } else { Err(Cut) }
}

/// What follows the first `n` bytes; nothing if there are fewer.
#[inline(always)]
pub fn after(b: &[u8], n: usize) -> &[u8] {
    b.get(n..).unwrap_or_default()
}

/// The first `n` bytes, or all if there are fewer.
#[inline(always)]
pub fn upto(b: &[u8], n: usize) -> &[u8] {
    b.get(..n).unwrap_or(b)
}
