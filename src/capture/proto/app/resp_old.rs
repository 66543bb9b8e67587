//! RESP as tcpdump 4.99.3 reads it: what is no number is told and passed over, and a text's end is looked for.

use super::dns_name::visible;
use crate::capture::proto::{DEEPEST, printable};
use crate::capture::reader::{Cut, after, upto};
use crate::capture::text::Out;

/// Why the messages are not read on.
pub(super) enum Stop {
    /// The message goes on in another packet.
    Short,
    /// The captured bytes ended.
    Cut,
}

/// What is left of the payload: as many bytes on the wire, as few captured.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    /// Captured.
    pub(super) b: &'a [u8],
    /// On the wire.
    pub(super) len: usize,
}

impl Rest<'_> {
    fn skip(self, n: usize) -> Self {
        Self { b: after(self.b, n), len: self.len.saturating_sub(n) }
    }

    /// The first byte.
    fn byte(self) -> Result<u8, Stop> {
        if self.len == 0 { Err(Stop::Short) } else { self.b.first().copied().ok_or(Stop::Cut) }
    }

    /// How far the end of the line is.
    fn line(self) -> Result<usize, Stop> {
        let within = upto(self.b, self.len);
        within.windows(2).position(|pair| pair == b"\r\n").ok_or(Stop::Short)
    }
}

impl From<Cut> for Stop {
    fn from(_: Cut) -> Self {
        Self::Cut
    }
}

/// One message; what follows it.
pub(super) fn one<'a>(out: &mut Out, rest: Rest<'a>, depth: u8) -> Result<Rest<'a>, Stop> {
    match rest.byte()? {
        b'+' | b'-' | b':' => {
            let rest = rest.skip(1);
            let end = rest.line()?;
            quoted(out, upto(rest.b, end));
            Ok(rest.skip(end + 2))
        }
        b'$' => match number(rest.skip(1))? {
            (Ok(size), mut rest) => {
                let size = size as usize;
                if size == 0 {
                    out.str(" empty");
                } else {
                    let text = rest.b.get(..size).filter(|_| rest.len >= size).ok_or(Stop::Short)?;
                    quoted(out, text);
                    rest = rest.skip(size);
                }
                let end = rest.line()?;
                Ok(rest.skip(end + 2))
            }
            (Err(word), rest) => told(out, word, rest),
        },
        b'*' => match number(rest.skip(1))? {
            (Ok(0), rest) => told(out, " empty", rest),
            (Ok(count), mut rest) => {
                for _ in 0..count {
                    if depth >= DEEPEST {
                        return Err(Stop::Short);
                    }
                    rest = one(out, rest, depth + 1)?;
                }
                Ok(rest)
            }
            (Err(word), rest) => told(out, word, rest),
        },
        _ => inline(out, rest),
    }
}

fn told<'a>(out: &mut Out, word: &str, rest: Rest<'a>) -> Result<Rest<'a>, Stop> {
    out.str(word);
    Ok(rest)
}

fn quoted(out: &mut Out, text: &[u8]) {
    out.str(" \"");
    visible(out, text);
    printable(out, b'"');
}

/// A number and the end of its line, or what is said instead; and what follows.
fn number(mut rest: Rest<'_>) -> Result<(Result<u32, &'static str>, Rest<'_>), Stop> {
    let negative = rest.byte()? == b'-';
    if negative {
        rest = rest.skip(1);
    }
    let (mut value, mut large, mut any) = (0_u32, false, false);
    loop {
        let byte = rest.byte()?;
        if !byte.is_ascii_digit() {
            break;
        }
        let more = value.checked_mul(10).and_then(|v| v.checked_add(u32::from(byte - b'0')));
        match more.filter(|v| *v <= i32::MAX as u32) {
            Some(more) => value = more,
            None => large = true,
        }
        any = true;
        rest = rest.skip(1);
    }
    for end in *b"\r\n" {
        let byte = rest.byte()?;
        rest = rest.skip(1);
        if byte != end || !any {
            return Ok((Err(" invalid"), rest));
        }
    }
    let value = match (negative, large, value) {
        (true, false, 1) => Err(" null"),
        (true, _, _) => Err(" length negative and not -1"),
        (false, true, _) => Err(" length too large"),
        (false, false, value) => Ok(value),
    };
    Ok((value, rest))
}

/// A command without a type, with the line ends around it.
fn inline<'a>(out: &mut Out, rest: Rest<'a>) -> Result<Rest<'a>, Stop> {
    let rest = newlines(rest);
    let within = upto(rest.b, rest.len);
    let Some(end) = within.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
        return Err(if rest.b.len() < rest.len { Stop::Cut } else { Stop::Short });
    };
    quoted(out, upto(rest.b, end));
    Ok(newlines(rest.skip(end)))
}

/// Behind line ends.
fn newlines(mut rest: Rest<'_>) -> Rest<'_> {
    while rest.len > 0 && matches!(rest.b.first(), Some(b'\r' | b'\n')) {
        rest = rest.skip(1);
    }
    rest
}
