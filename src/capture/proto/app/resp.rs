//! RESP, the protocol of Redis.

use super::dns_name::visible;
use super::resp_old::{self, Rest};
use crate::capture::ctx::Cx;
use crate::capture::proto::{DEEPEST, cut};
use crate::capture::reader::{Cut, Step, after, upto};
use crate::capture::text::Out;

/// Why a message was not read to its end.
enum Stop {
    /// It goes on in another packet.
    Short,
    /// A number is none; what follows it begins here.
    Invalid(usize),
}

/// Messages, one after the other.
pub(super) fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "resp";
    out.str(": RESP");
    let b = upto(b, len as usize);
    if !cx.v50() {
        let mut rest = Rest { b, len: len as usize };
        while rest.len > 0 {
            rest = match resp_old::one(out, rest, 0) {
                Ok(rest) => rest,
                Err(resp_old::Stop::Cut) => return Err(Cut),
                Err(resp_old::Stop::Short) => {
                    cut(cx, out);
                    return Ok(());
                }
            };
        }
        return Ok(());
    }
    let mut at = 0;
    while at < b.len() {
        match one(out, after(b, at), 0) {
            Ok(used) => at += used.max(1),
            Err(Stop::Invalid(used)) => {
                out.str(" invalid");
                at += used.max(1);
            }
            Err(Stop::Short) => {
                cut(cx, out);
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One message; says how long it is.
fn one(out: &mut Out, b: &[u8], depth: u8) -> Result<usize, Stop> {
    match b.first() {
        Some(b'+' | b'-' | b':') => {
            let (text, end) = line(b)?;
            quoted(out, after(text, 1));
            Ok(end)
        }
        Some(b'$') => match number(b)? {
            (-1, end) => word(out, " null", end),
            (0, end) => word(out, " empty", crlf(b, end)?),
            (size, end) => {
                let text = b.get(end..).and_then(|rest| rest.get(..size.unsigned_abs() as usize));
                quoted(out, text.ok_or(Stop::Short)?);
                crlf(b, end + size.unsigned_abs() as usize)
            }
        },
        Some(b'*') => match number(b)? {
            (-1, end) => word(out, " null", end),
            (0, end) => word(out, " empty", end),
            (count, mut at) => {
                for _ in 0..count {
                    if depth >= DEEPEST {
                        return Err(Stop::Short);
                    }
                    at += match one(out, after(b, at), depth + 1) {
                        Err(Stop::Invalid(used)) => return Err(Stop::Invalid(at + used)),
                        done => done?,
                    };
                }
                Ok(at)
            }
        },
        Some(_) => inline(out, b),
        None => Err(Stop::Short),
    }
}

fn word(out: &mut Out, text: &str, end: usize) -> Result<usize, Stop> {
    out.str(text);
    Ok(end)
}

fn quoted(out: &mut Out, text: &[u8]) {
    out.str(" \"");
    visible(out, text);
    out.byte(b'"');
}

/// A line without its end, and where the next begins.
fn line(b: &[u8]) -> Result<(&[u8], usize), Stop> {
    let end = b.windows(2).position(|pair| pair == b"\r\n").ok_or(Stop::Short)?;
    Ok((upto(b, end), end + 2))
}

fn crlf(b: &[u8], at: usize) -> Result<usize, Stop> {
    match (b.get(at), b.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Ok(at + 2),
        (Some(_), Some(_)) => Err(Stop::Invalid(at)),
        _ => Err(Stop::Short),
    }
}

/// The number behind the first byte.
fn number(b: &[u8]) -> Result<(i32, usize), Stop> {
    let negative = b.get(1) == Some(&b'-');
    let mut at = if negative { 2 } else { 1 };
    let mut value: i32 = 0;
    loop {
        match b.get(at) {
            Some(digit) if digit.is_ascii_digit() => {
                let more = value.checked_mul(10).and_then(|v| v.checked_add(i32::from(digit - b'0')));
                value = more.ok_or(Stop::Invalid(at + 1))?;
            }
            Some(b'\r') => break,
            Some(_) => return Err(Stop::Invalid(at + 1)),
            None => return Err(Stop::Short),
        }
        at += 1;
    }
    let end = crlf(b, at)?;
    match (negative, value) {
        (false, _) => Ok((value, end)),
        (true, 1) => Ok((-1, end)),
        (true, _) => Err(Stop::Invalid(end)),
    }
}

/// A command without a type; empty lines behind it belong to it.
fn inline(out: &mut Out, b: &[u8]) -> Result<usize, Stop> {
    let newline = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let end = b.iter().position(newline).filter(|end| *end > 0).ok_or(Stop::Short)?;
    quoted(out, upto(b, end));
    Ok(end + after(b, end).iter().take_while(|byte| newline(byte)).count())
}
