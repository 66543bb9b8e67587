//! NTP: the kind of message; with -v the clocks it compares.

use super::dns_name::visible;
use crate::capture::ctx::Cx;
use crate::capture::proto::{invalid, l3};
use crate::capture::reader::{Cut, Step, array, be16, be32, take, u8_at};
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
    if len < 1 {
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
        6 => control(out, b, len),
        7 => Ok(()),
        _ => clocks(cx, out, b, len, version),
    }
}

fn clocks(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, version: u8) -> Step {
    if len < 48 {
        invalid(out);
        return Ok(());
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
    out.dec(poll);
    power(out, poll.cast_signed());
    out.str(", precision ");
    out.int(u8_at(b, 3)?.cast_signed());
    out.str("\n\tRoot Delay: ");
    short(out, be32(b, 4)?);
    out.str(", Root dispersion: ");
    short(out, be32(b, 8)?);
    out.str(", Reference-ID: ");
    let reference = array::<4>(b, 12)?;
    match (stratum, version) {
        (0, _) => out.str("(unspec)"),
        (1, _) => visible(out, &reference),
        (_, 4) => {
            out.str("0x");
            out.hexes(&reference);
        }
        _ => l3::ip4(cx, out, reference),
    }
    let time = |at| Ok::<_, Cut>(Time(be32(b, at)?, be32(b, at + 4)?));
    out.str("\n\t  Reference Timestamp:  ");
    stamp(out, time(16)?);
    let origin = time(24)?;
    out.str("\n\t  Originator Timestamp: ");
    stamp(out, origin);
    out.str("\n\t  Receive Timestamp:    ");
    stamp(out, time(32)?);
    out.str("\n\t  Transmit Timestamp:   ");
    stamp(out, time(40)?);
    out.str("\n\t    Originator - Receive Timestamp:  ");
    between(out, origin, time(32)?);
    out.str("\n\t    Originator - Transmit Timestamp: ");
    between(out, origin, time(40)?);
    behind(out, b, len)
}

/// Key and digest, or what else stands behind the clocks.
fn behind(out: &mut Out, b: &[u8], len: u32) -> Step {
    if matches!(len, 52 | 64 | 68 | 72) {
        out.str("\n\tKey id: ");
        out.dec(be32(b, 48)?);
    }
    if matches!(len, 68 | 72) {
        out.str("\n\tAuthentication: ");
        out.hexes(take(b, 52, len as usize - 52)?);
    } else if len > 52 {
        out.str("\n\t(");
        out.dec(len - 52);
        out.str(" more bytes after the header)");
    }
    Ok(())
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

fn control(out: &mut Out, b: &[u8], len: u32) -> Step {
    if len < 12 {
        invalid(out);
        return Ok(());
    }
    let bits = u8_at(b, 1)?;
    out.str(if bits & 0x80 != 0 { ", Response" } else { ", Request" });
    out.str(if bits & 0x40 != 0 { ", Error" } else { ", OK" });
    out.str(if bits & 0x20 != 0 { ", More" } else { ", Last" });
    out.str(", OpCode=");
    out.dec(bits & 0x1f);
    out.str("\n\tSequence=");
    for (at, name) in [(2, ""), (4, ", Status="), (6, ", Assoc.="), (8, ", Offset="), (10, ", Count=")] {
        out.str(name);
        let value = be16(b, at)?;
        if at == 4 { out.hex(value) } else { out.dec(value) }
    }
    let count = u32::from(be16(b, 10)?);
    if 12 + count > len {
        invalid(out);
        return Ok(());
    }
    if count > 0 {
        out.str("\n\tTO-BE-DONE: data not interpreted");
    }
    Ok(())
}
