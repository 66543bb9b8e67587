//! The values of options: numbers, sizes and words, refused in tcpdump's own words.

use super::flags::{Direction, Wrong};
use crate::capture::ctx::{Compat, Force};
use crate::cli::Color;

pub(super) fn wrong<T>(text: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Value(text.into()))
}

pub(super) fn number(text: &str, what: &str) -> Result<u64, Wrong> {
    text.trim_start().parse().map_err(|_| Wrong::Value(format!("invalid {what} {text}")))
}

pub(super) fn positive(text: &str, what: &str) -> Result<u64, Wrong> {
    let n = number(text, what)?;
    if n == 0 { wrong(format!("invalid {what} {text}")) } else { Ok(n) }
}

/// Millions of bytes, or with a letter units of 1,024.
pub(super) fn size(text: &str, compat: Compat) -> Result<u64, Wrong> {
    let parted = text.char_indices().last().map(|(at, letter)| (text.get(..at).unwrap_or_default(), letter));
    let (digits, unit) = match parted {
        Some((digits, 'k' | 'K')) if compat != Compat::V499 => (digits, 1 << 10),
        Some((digits, 'm' | 'M')) if compat != Compat::V499 => (digits, 1 << 20),
        Some((digits, 'g' | 'G')) if compat != Compat::V499 => (digits, 1 << 30),
        _ => (text, 1_000_000),
    };
    let many = positive(digits, "file size").ok().and_then(|n| n.checked_mul(unit));
    many.ok_or_else(|| Wrong::Value(format!("invalid file size {text}")))
}

/// Milliseconds; the counters are read too seldom for less than the least.
pub(super) fn timeout(text: &str) -> Result<i64, Wrong> {
    match number(text, "timeout").map(i64::try_from) {
        Ok(Ok(millis @ 100..=600_000)) => Ok(millis),
        _ => wrong(format!("invalid timeout {text}: milliseconds, 100 to 600000")),
    }
}

pub(super) fn compat(text: &str) -> Result<Compat, Wrong> {
    match text.strip_prefix("tcpdump-").unwrap_or(text) {
        "5.0" | "5" => Ok(Compat::V50),
        "4.99" | "4.99.3" => Ok(Compat::V499),
        _ => wrong(format!("unknown tcpdump {text:?}: 5.0 or 4.99")),
    }
}

pub(super) fn direction(text: &str) -> Result<Direction, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        "inout" => Ok(Direction::Both),
        _ => wrong(format!("unknown capture direction `{text}'")),
    }
}

pub(super) fn color(text: &str) -> Result<Color, Wrong> {
    match text {
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        "never" => Ok(Color::Never),
        _ => wrong(format!("unknown color {text:?}: auto, always or never")),
    }
}

pub(super) fn force(text: &str) -> Result<Force, Wrong> {
    let known = match text.to_ascii_lowercase().as_str() {
        "aodv" => Force::Aodv,
        "carp" => Force::Carp,
        "cnfp" => Force::Cnfp,
        "domain" => Force::Domain,
        "lmp" => Force::Lmp,
        "pgm" => Force::Pgm,
        "pgm_zmtp1" => Force::PgmZmtp1,
        "ptp" => Force::Ptp,
        "quic" => Force::Quic,
        "radius" => Force::Radius,
        "resp" => Force::Resp,
        "rpc" => Force::Rpc,
        "rtcp" => Force::Rtcp,
        "rtp" => Force::Rtp,
        "snmp" => Force::Snmp,
        "someip" => Force::Someip,
        "tftp" => Force::Tftp,
        "vat" => Force::Vat,
        "vxlan" => Force::Vxlan,
        "wb" => Force::Wb,
        "zmtp1" => Force::Zmtp1,
        _ => return wrong(format!("unknown packet type `{text}'")),
    };
    Ok(known)
}
