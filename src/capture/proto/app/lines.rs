//! Protocols of text lines: the first line behind the protocol's name, with -v all up to what is no text.

use crate::capture::ctx::Cx;
use crate::capture::proto;
use crate::capture::reader::{Cut, Step, need, u8_at, upto};
use crate::capture::text::Out;

/// A protocol of lines.
#[derive(Debug)]
pub(super) struct Kind {
    /// What ` [|proto]` names.
    proto: &'static str,
    /// What stands before the line.
    title: &'static str,
    /// The requests that are known; empty if any line is one.
    requests: &'static [&'static str],
}

#[rustfmt::skip]
pub(super) static HTTP: Kind = Kind {
    proto: "http",
    title: "HTTP",
    requests: &[
        "GET", "PUT", "COPY", "HEAD", "LOCK", "MOVE", "POLL", "POST", "BCOPY", "BMOVE", "MKCOL", "TRACE", "LABEL",
        "MERGE", "DELETE", "SEARCH", "UNLOCK", "REPORT", "UPDATE", "NOTIFY", "BDELETE", "CONNECT", "OPTIONS",
        "CHECKIN", "PROPFIND", "CHECKOUT", "CCM_POST", "SUBSCRIBE", "PROPPATCH", "BPROPFIND", "BPROPPATCH",
        "UNCHECKOUT", "MKACTIVITY", "MKWORKSPACE", "UNSUBSCRIBE", "RPC_CONNECT", "VERSION-CONTROL",
        "BASELINE-CONTROL",
    ],
};

#[rustfmt::skip]
pub(super) static RTSP: Kind = Kind {
    proto: "rtsp",
    title: "RTSP",
    requests: &[
        "ANNOUNCE", "DESCRIBE", "GET_PARAMETER", "OPTIONS", "PAUSE", "PLAY", "PLAY_NOTIFY", "RECORD", "REDIRECT",
        "SETUP", "SET_PARAMETER", "TEARDOWN",
    ],
};

pub(super) static FTP: Kind = Kind { proto: "ftp", title: "FTP", requests: &[] };
pub(super) static SMTP: Kind = Kind { proto: "smtp", title: "SMTP", requests: &[] };
pub(super) static WHOIS: Kind = Kind { proto: "whois", title: "WHOIS", requests: &[] };

/// How a line ended.
enum End {
    /// With a newline; what follows begins here.
    At(usize),
    /// It is no text, or its end is still to come.
    None,
    /// The bytes ended within it.
    Short,
}

/// A payload of lines.
pub(super) fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, kind: &Kind) -> Step {
    cx.proto = kind.proto;
    let b = upto(b, len as usize);
    out.str(": ");
    out.str(kind.title);
    let cut = b.len() < len as usize;
    if !(kind.requests.is_empty() || begins(b, kind.requests, cut, cx.v50())) {
        return Ok(());
    }
    let verbose = cx.o.v > 0;
    if verbose {
        out.str(", length: ");
        out.dec(len);
    }
    let before = if verbose { "\n\t" } else { ": " };
    let mut at = 0;
    while at < len as usize {
        match line(out, b, at, len as usize, before) {
            End::At(next) if verbose => at = next,
            End::At(_) | End::None => return Ok(()),
            End::Short => {
                if !cx.v50() && b.len() < len as usize {
                    return Err(Cut);
                }
                // The packet's end is none of the capture's to the newer version.
                if !cx.v50() || b.len() < len as usize {
                    proto::cut(cx, out);
                }
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Writes a line that is text to its end.
fn line(out: &mut Out, b: &[u8], from: usize, len: usize, before: &str) -> End {
    let mut at = from;
    let end = loop {
        match b.get(at) {
            None => break End::Short,
            Some(b'\n') => break End::At(at + 1),
            Some(b'\r') if b.get(at + 1) == Some(&b'\n') => break End::At(at + 2),
            Some(b'\r') if at + 1 < len && b.len() == at + 1 => break End::Short,
            Some(byte) if byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t') => at += 1,
            Some(_) => return End::None,
        }
    };
    if at < len && matches!(end, End::Short) {
        return end;
    }
    out.str(before);
    out.raw(b.get(from..at).unwrap_or_default());
    end
}

/// True if the first word is a request, or the second a code of three digits.
fn begins(b: &[u8], requests: &[&str], cut: bool, new: bool) -> bool {
    let Some((first, rest)) = word(b, cut, new) else { return false };
    if requests.iter().any(|request| request.as_bytes().eq_ignore_ascii_case(first)) {
        return true;
    }
    matches!(word(rest, cut, new), Some(([a, b, c], _)) if [a, b, c].iter().all(|d| d.is_ascii_digit()))
}

/// The word at the beginning, and what follows the space behind it; one that the capture's end cuts may be another.
fn word(b: &[u8], cut: bool, new: bool) -> Option<(&[u8], &[u8])> {
    let space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    let end = b.iter().position(|byte| space(byte) || !byte.is_ascii()).unwrap_or(b.len());
    if end == 0 || end > 126 || (cut && end == b.len()) || b.get(end).is_some_and(|byte| !byte.is_ascii()) {
        return None;
    }
    let (word, rest) = b.split_at_checked(end)?;
    let blank = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    if !new && (word.iter().any(u8::is_ascii_control) || !blank(rest.first())) {
        return None;
    }
    let skipped = rest.iter().take_while(|byte| space(byte) && !matches!(byte, b'\r' | b'\n')).count();
    Some((word, rest.get(skipped..)?))
}

/// SSH says who it is in one line before it turns to what nobody else reads.
pub(super) fn ssh(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32) -> Step {
    cx.proto = "ssh";
    let (len, own) = (len as usize, b"SSH-");
    if !b.starts_with(upto(own, b.len())) {
        return Ok(());
    }
    if !cx.v50() {
        need(b, own.len())?;
    }
    let mut at = 0;
    while at < len {
        match u8_at(b, at)? {
            b'\n' => break,
            b'\r' if at + 1 < len && u8_at(b, at + 1)? == b'\n' => break,
            byte if byte.is_ascii_graphic() || byte == b' ' => at += 1,
            _ => return Ok(()),
        }
    }
    if at > 3 && at < len {
        out.str(": SSH: ");
        out.raw(upto(b, at));
    }
    Ok(())
}
