//! NTP: the kind of message; with -v the clocks it compares.

use super::dns_name::visible;
use crate::capture::ctx::Cx;
use crate::capture::proto::{self, invalid, l3};
use crate::capture::reader::{Cut, Step, array, be16, be32, need, take, u8_at};
use crate::capture::text::Out;
use crate::capture::time::civil;

/// Seconds from 1900 to 1970.
const EPOCH: i64 = 2_208_988_800;

static MODES: [&str; 8] = [
    "unspecified",
    "symmetric active",
    "symmetric passive",
    "Client",
    "Server",
    "Broadcast",
    "Control Message",
    "Reserved",
];

/// A time since 1900 and its fraction of 2^32.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Time(u32, u32);

/// A message.
pub(super) fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "ntp";
    if len < 1 && cx.v50() {
        out.str("NTP, length ");
        out.dec(len);
        invalid(out);
        return Ok(());
    }
    let status = u8_at(b, 0)?;
    let (version, mode) = (status >> 3 & 7, status & 7);
    out.str("NTPv");
    out.dec(version);
    out.str(", ");
    out.str(MODES.get(usize::from(mode)).copied().unwrap_or_default());
    out.str(", length ");
    out.dec(len);
    if cx.o.v == 0 {
        return Ok(());
    }
    out.str("\n\tLeap indicator: ");
    out.str(match status >> 6 {
        0 => "",
        1 => "+1s",
        2 => "-1s",
        _ => "clock unsynchronized",
    });
    out.str(" (");
    out.dec(status & 0xc0);
    out.byte(b')');
    match mode {
        6 => control(cx, out, b, len),
        7 => Ok(()),
        _ => clocks(cx, out, b, len, version),
    }
}

fn clocks(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, version: u8) -> Step {
    if len < 48 {
        invalid(out);
        return short_of(cx, out, b, len);
    }
    let stratum = u8_at(b, 1)?;
    out.str(", Stratum ");
    out.dec(stratum);
    out.str(match stratum {
        0 => " (unspecified)",
        1 => " (primary reference)",
        2..=15 => " (secondary reference)",
        _ => " (reserved)",
    });
    let poll = u8_at(b, 2)?;
    out.str(", poll ");
    if cx.v50() {
        out.dec(poll)
    } else {
        out.int(poll.cast_signed())
    }
    if cx.v50() || (-31..32).contains(&poll.cast_signed()) {
        power(out, poll.cast_signed());
    }
    let precision = u8_at(b, 3)?.cast_signed();
    out.str(", precision ");
    out.int(precision);
    let times = times(cx, out, b, stratum, version);
    match proto::caught(cx, out, times)? {
        Some(true) => behind(cx, out, b, len),
        _ => Ok(()),
    }
}

/// What the clocks say; false if that is all there is.
fn times(cx: &mut Cx, out: &mut Out, b: &[u8], stratum: u8, version: u8) -> Step<bool> {
    let delay = be32(b, 4)?;
    out.str("\n\tRoot Delay: ");
    short(out, delay);
    let dispersion = be32(b, 8)?;
    out.str(", Root dispersion: ");
    short(out, dispersion);
    let reference = array::<4>(b, 12)?;
    out.str(", Reference-ID: ");
    match (stratum, version) {
        (0, _) => out.str("(unspec)"),
        (1, _) => visible(out, &reference),
        (62 | 63, _) if !cx.v50() => {
            l3::ip4(cx, out, reference);
            out.str(if stratum == 62 { " INFO_QUERY" } else { " INFO_REPLY" });
            return Ok(false);
        }
        _ if version == 4 || !cx.v50() => {
            out.str("0x");
            out.hexes(&reference);
        }
        _ => l3::ip4(cx, out, reference),
    }
    let time = |at| Ok::<_, Cut>(Time(be32(b, at)?, be32(b, at + 4)?));
    for (at, name) in [
        (16, "Reference Timestamp:  "),
        (24, "Originator Timestamp: "),
        (32, "Receive Timestamp:    "),
        (40, "Transmit Timestamp:   "),
    ] {
        let time = time(at)?;
        out.str("\n\t  ");
        out.str(name);
        stamp(out, time);
    }
    let origin = time(24)?;
    out.str("\n\t    Originator - Receive Timestamp:  ");
    between(out, origin, time(32)?);
    out.str("\n\t    Originator - Transmit Timestamp: ");
    between(out, origin, time(40)?);
    Ok(true)
}

/// What cannot be is told to be cut, too, if the capture ends before it does.
fn short_of(cx: &Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    let whole = need(b, len as usize);
    if cx.v50() { Ok(()) } else { proto::caught(cx, out, whole).map(drop) }
}

/// Key and digest, or what else stands behind the clocks.
fn behind(cx: &Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    if !cx.v50() && !matches!(len, 52 | 68 | 72) {
        if len > 48 {
            more(out, len - 48);
        }
        return Ok(());
    }
    if matches!(len, 52 | 64 | 68 | 72) {
        let key = be32(b, 48)?;
        out.str("\n\tKey id: ");
        out.dec(key);
    }
    if matches!(len, 68 | 72) {
        let digest = take(b, 52, len as usize - 52);
        if let Some(digest) = proto::caught(cx, out, digest)? {
            out.str("\n\tAuthentication: ");
            out.hexes(digest);
        }
    } else if len > 52 {
        more(out, len - 52);
    }
    Ok(())
}

fn more(out: &mut Out, len: u32) {
    out.str("\n\t(");
    out.dec(len);
    out.str(" more bytes after the header)");
}

/// ` (8s)`, or ` (1/2s)`.
fn power(out: &mut Out, exponent: i8) {
    out.str(" (");
    if exponent < 0 {
        out.str("1/");
    }
    out.dec(1u64.checked_shl(u32::from(exponent.unsigned_abs())).unwrap_or(0));
    out.str("s)");
}

/// Seconds of sixteen bits, and their fraction.
fn short(out: &mut Out, value: u32) {
    let [a, b, c, d] = value.to_be_bytes();
    out.dec(u16::from_be_bytes([a, b]));
    out.byte(b'.');
    let millionths = f64::from(u16::from_be_bytes([c, d])) / 65_536.0 * 1_000_000.0;
    out.dec_wide(millionths as u32, 6, b'0');
}

fn billionths(fraction: u32) -> u32 {
    (f64::from(fraction) / 4_294_967_296.0 * 1_000_000_000.0) as u32
}

fn stamp(out: &mut Out, Time(secs, fraction): Time) {
    out.dec(secs);
    out.byte(b'.');
    out.dec_wide(billionths(fraction), 9, b'0');
    if secs != 0 {
        let unix = i64::from(secs) - EPOCH;
        let (year, month, day) = civil(unix.div_euclid(86_400));
        let of_day = unix.rem_euclid(86_400) as u32;
        out.str(" (");
        out.dec_wide(year.unsigned_abs(), 4, b'0');
        out.byte(b'-');
        out.dec2(month);
        out.byte(b'-');
        out.dec2(day);
        out.byte(b'T');
        out.dec2(of_day / 3600);
        out.byte(b':');
        out.dec2(of_day / 60 % 60);
        out.byte(b':');
        out.dec2(of_day % 60);
        out.str("Z)");
    }
}

/// How much later the second is.
fn between(out: &mut Out, first: Time, second: Time) {
    if first == Time(0, 0) {
        return stamp(out, second);
    }
    let whole = |t: Time| i128::from(t.0) << 32 | i128::from(t.1);
    let apart = whole(second) - whole(first);
    out.byte(if apart > 0 { b'+' } else { b'-' });
    let size = apart.unsigned_abs();
    out.dec((size >> 32) as u64);
    out.byte(b'.');
    out.dec_wide(billionths(size as u32), 9, b'0');
}

fn control(cx: &Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    if len < 12 {
        invalid(out);
        return short_of(cx, out, b, len);
    }
    let bits = u8_at(b, 1)?;
    out.str(if bits & 0x80 != 0 { ", Response" } else { ", Request" });
    out.str(if bits & 0x40 != 0 { ", Error" } else { ", OK" });
    out.str(if bits & 0x20 != 0 { ", More" } else { ", Last" });
    out.str(", OpCode=");
    out.dec(bits & 0x1f);
    out.byte(b'\n');
    for (at, name) in
        [(2, "\tSequence="), (4, ", Status="), (6, ", Assoc.="), (8, ", Offset="), (10, ", Count=")]
    {
        let value = be16(b, at)?;
        out.str(name);
        // The older version's format has a prefix, which 0 goes without.
        out.str(if at == 4 && value != 0 && !cx.v50() { "0x" } else { "" });
        if at == 4 { out.hex(value) } else { out.dec(value) }
    }
    let count = u32::from(be16(b, 10)?);
    if 12 + count > len {
        invalid(out);
        return short_of(cx, out, b, len);
    }
    if count > 0 {
        let whole = need(b, 12 + count as usize);
        if !cx.v50() && proto::caught(cx, out, whole)?.is_none() {
            return Ok(());
        }
        out.str("\n\tTO-BE-DONE: data not interpreted");
    }
    Ok(())
}
