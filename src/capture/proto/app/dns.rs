//! DNS: questions and answers, a line each message.

use super::dns_name::{self as names, Msg};
use super::dns_opt;
use crate::capture::ctx::Cx;
use crate::capture::proto;
use crate::capture::reader::{Cut, Step, be16, be32, need, take, u8_at};
use crate::capture::text::Out;

const OPT: u16 = 41;

#[rustfmt::skip]
static TYPES: &[(u16, &str)] = &[
    (1, "A"), (2, "NS"), (3, "MD"), (4, "MF"), (5, "CNAME"), (6, "SOA"), (7, "MB"), (8, "MG"), (9, "MR"),
    (10, "NULL"), (11, "WKS"), (12, "PTR"), (13, "HINFO"), (14, "MINFO"), (15, "MX"), (16, "TXT"), (17, "RP"),
    (18, "AFSDB"), (19, "X25"), (20, "ISDN"), (21, "RT"), (22, "NSAP"), (23, "NSAP_PTR"), (24, "SIG"),
    (25, "KEY"), (26, "PX"), (27, "GPOS"), (28, "AAAA"), (29, "LOC"), (30, "NXT"), (31, "EID"), (32, "NIMLOC"),
    (33, "SRV"), (34, "ATMA"), (35, "NAPTR"), (36, "KX"), (37, "CERT"), (38, "A6"), (39, "DNAME"), (40, "SINK"),
    (OPT, "OPT"), (42, "APL"), (43, "DS"), (44, "SSHFP"), (45, "IPSECKEY"), (46, "RRSIG"), (47, "NSEC"),
    (48, "DNSKEY"), (49, "DHCID"), (50, "NSEC3"), (51, "NSEC3PARAM"), (52, "TLSA"), (53, "SMIMEA"),
    (55, "HIP"), (56, "NINFO"), (57, "RKEY"), (58, "TALINK"), (59, "CDS"), (60, "CDNSKEY"), (61, "OPENPGPKEY"),
    (62, "CSYNC"), (63, "ZONEMD"), (64, "SVCB"), (65, "HTTPS"), (99, "SPF"), (100, "UINFO"), (101, "UID"),
    (102, "GID"), (103, "UNSPEC"), (104, "NID"), (105, "L32"), (106, "L64"), (107, "LP"), (108, "EUI48"),
    (109, "EUI64"), (249, "TKEY"), (250, "TSIG"), (251, "IXFR"), (252, "AXFR"), (253, "MAILB"), (254, "MAILA"),
    (255, "ANY"), (256, "URI"), (257, "CAA"), (258, "AVC"), (259, "DOA"), (260, "AMTRELAY"), (32768, "TA"),
    (32769, "DLV"),
];

static OPCODES: [&str; 16] = [
    "",
    " inv_q",
    " stat",
    " op3",
    " notify",
    " update",
    " op6",
    " op7",
    " op8",
    " updateA",
    " updateD",
    " updateDA",
    " updateM",
    " updateMA",
    " zoneInit",
    " zoneRef",
];

static CODES: [&str; 24] = [
    "",
    " FormErr",
    " ServFail",
    " NXDomain",
    " NotImp",
    " Refused",
    " YXDomain",
    " YXRRSet",
    " NXRRSet",
    " NotAuth",
    " NotZone",
    " Resp11",
    " Resp12",
    " Resp13",
    " Resp14",
    " Resp15",
    " BadVers",
    " BadKey",
    " BadTime",
    " BadMode",
    " BadName",
    " BadAlg",
    " BadTrunc",
    " BadCookie",
];

/// A message; over TCP its length stands before it.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, tcp: bool) -> Step {
    cx.proto = "domain";
    let (b, len) = if tcp { (b.get(2..).ok_or(Cut)?, len.saturating_sub(2)) } else { (b, len) };
    if len < 12 {
        out.str("domain [length ");
        out.dec(len);
        out.str(" < 12]");
        proto::invalid(out);
        return Ok(());
    }
    need(b, 12)?;
    let flags = be16(b, 2)?;
    out.dec(be16(b, 0)?);
    let done = if flags & 0x8000 != 0 { reply(cx, out, b, flags) } else { query(cx, out, b, flags) };
    match done {
        Ok(()) => {
            out.str(" (");
            out.dec(len);
            out.byte(b')');
        }
        Err(Cut) => proto::cut(cx, out),
    }
    Ok(())
}

fn counts(b: &[u8]) -> Step<[u16; 4]> {
    Ok([be16(b, 4)?, be16(b, 6)?, be16(b, 8)?, be16(b, 10)?])
}

fn reply(cx: &mut Cx, out: &mut Out, b: &[u8], flags: u16) -> Step {
    let [questions, answers, authorities, more] = counts(b)?;
    out.str(OPCODES.get(usize::from(flags >> 11 & 15)).copied().unwrap_or_default());
    let code = usize::from(flags & 15) | (upper_code(b).unwrap_or(0) << 4);
    match CODES.get(code) {
        Some(name) => out.str(name),
        None => {
            out.str(" Resp");
            out.dec(code as u64);
        }
    }
    for (bit, set, unset) in [(0x400, "*", ""), (0x80, "", "-"), (0x200, "|", ""), (0x20, "$", "")] {
        out.str(if flags & bit != 0 { set } else { unset });
    }
    if questions != 1 {
        bracket(out, questions, "q");
    }
    let mut at = 12;
    for n in 0..questions {
        if cx.o.v > 1 {
            out.str(if n > 0 { ", q:" } else { " q:" });
            at = question(out, b, at)?;
        } else {
            if n > 0 {
                out.byte(b',');
            }
            at = names::skip(b, at)? + 4;
        }
    }
    out.byte(b' ');
    out.dec(answers);
    out.byte(b'/');
    out.dec(authorities);
    out.byte(b'/');
    out.dec(more);
    at = section(cx, out, b, at, answers, "")?;
    if cx.o.v > 1 {
        at = section(cx, out, b, at, authorities, " ns:")?;
        section(cx, out, b, at, more, " ar:")?;
    }
    Ok(())
}

fn query(cx: &mut Cx, out: &mut Out, b: &[u8], flags: u16) -> Step {
    let [questions, answers, authorities, more] = counts(b)?;
    out.str(OPCODES.get(usize::from(flags >> 11 & 15)).copied().unwrap_or_default());
    out.str(if flags & 0x100 != 0 { "+" } else { "" });
    out.str(if flags & 0x10 != 0 { "%" } else { "" });
    if flags & 0x6cf != 0 {
        out.str(" [b2&3=0x");
        out.hex(flags);
        out.byte(b']');
    }
    let inverse = flags >> 11 & 15 == 1;
    if (inverse && answers != 1) || (!inverse && answers > 0) {
        bracket(out, answers, "a");
    }
    if (inverse && questions > 0) || (!inverse && questions != 1) {
        bracket(out, questions, "q");
    }
    if authorities > 0 {
        bracket(out, authorities, "n");
    }
    if more > 0 {
        bracket(out, more, "au");
    }
    let mut at = 12;
    for _ in 0..questions {
        at = question(out, b, at)?;
    }
    if cx.o.v > 1 {
        at = section(cx, out, b, at, answers, " an:")?;
        at = section(cx, out, b, at, authorities, " ns:")?;
        section(cx, out, b, at, more, " ar:")?;
    }
    Ok(())
}

fn bracket(out: &mut Out, n: u16, what: &str) {
    out.str(" [");
    out.dec(n);
    out.str(what);
    out.byte(b']');
}

fn kind(out: &mut Out, kind: u16) {
    match TYPES.iter().find(|(number, _)| *number == kind) {
        Some((_, name)) => out.str(name),
        None => {
            out.str("Type");
            out.dec(kind);
        }
    }
}

fn class(out: &mut Out, class: u16) {
    match class {
        2 => out.str(" CSNET"),
        3 => out.str(" CHAOS"),
        4 => out.str(" HS"),
        255 => out.str(" ANY"),
        _ => {
            out.str(" (Class ");
            out.dec(class);
            out.byte(b')');
        }
    }
}

fn question(out: &mut Out, b: &[u8], at: usize) -> Step<usize> {
    let end = names::skip(b, at)?;
    let (of, within) = (be16(b, end)?, be16(b, end + 2)?);
    out.byte(b' ');
    kind(out, of);
    if within != 1 {
        class(out, within);
    }
    out.str("? ");
    names::print(out, b, at)?;
    Ok(end + 4)
}

fn section(cx: &Cx, out: &mut Out, b: &[u8], mut at: usize, count: u16, title: &str) -> Step<usize> {
    for n in 0..count {
        out.str(if n == 0 { title } else { "," });
        if cx.v50() && at >= b.len() {
            return Err(Cut);
        }
        at = record(cx, out, b, at)?;
    }
    Ok(at)
}

#[expect(clippy::too_many_lines, reason = "one match, an arm a kind")]
fn record(cx: &Cx, out: &mut Out, b: &[u8], at: usize) -> Step<usize> {
    if cx.o.v > 0 {
        out.byte(b' ');
        names::print(out, b, at)?;
    }
    // The older version passes over a record that is not all there.
    let end = match names::skip(b, at) {
        Ok(end) if cx.v50() || b.len() >= end + 10 => end,
        Err(cut) if cx.v50() => return Err(cut),
        _ => return Ok(b.len()),
    };
    let (of, within) = (be16(b, end)?, be16(b, end + 2)?);
    if within != 1 && of != OPT {
        class(out, within & 0x7fff);
    }
    let (ttl, len) = (be32(b, end + 4)?, usize::from(be16(b, end + 8)?));
    if cx.o.v > 2 && of != OPT {
        out.str(" [");
        seconds(out, ttl);
        out.byte(b']');
    }
    out.byte(b' ');
    kind(out, of);
    let start = end + 10;
    let body = take(b, start, len)?;
    match of {
        1 if len == 4 => {
            out.byte(b' ');
            out.ip4(crate::capture::reader::array(body, 0)?);
        }
        28 => {
            out.byte(b' ');
            out.ip6(crate::capture::reader::array(body, 0)?);
        }
        2 | 5 | 12 | 39 => name(out, b, start)?,
        6 if cx.o.v > 0 => {
            name(out, b, start)?;
            let second = names::skip(b, start)?;
            name(out, b, second)?;
            let numbers = names::skip(b, second)?;
            for n in 0..5 {
                out.byte(b' ');
                out.dec(be32(b, numbers + 4 * n)?);
            }
        }
        15 => {
            name(out, b, start + 2)?;
            out.byte(b' ');
            out.dec(be16(body, 0)?);
        }
        16 | 99 => text(out, body)?,
        33 => {
            name(out, b, start + 6)?;
            out.byte(b':');
            out.dec(be16(body, 4)?);
            out.byte(b' ');
            out.dec(be16(body, 0)?);
            out.byte(b' ');
            out.dec(be16(body, 2)?);
        }
        256 => {
            for at in [0, 2] {
                out.byte(b' ');
                out.dec(be16(body, at)?);
            }
            out.byte(b' ');
            names::visible(out, body.get(4..).unwrap_or_default());
        }
        OPT => dns_opt::print(out, Msg { whole: b, at: start, len }, within, ttl)?,
        _ => {}
    }
    Ok(start + len)
}

fn name(out: &mut Out, b: &[u8], at: usize) -> Step {
    out.byte(b' ');
    names::print(out, b, at)
}

fn text(out: &mut Out, body: &[u8]) -> Step {
    let mut at = 0;
    while at < body.len() {
        let len = usize::from(u8_at(body, at)?);
        out.str(" \"");
        names::visible(out, take(body, at + 1, len)?);
        out.byte(b'"');
        at += 1 + len;
    }
    Ok(())
}

/// `1w2d3h4m5s`, without the parts that are zero.
fn seconds(out: &mut Out, ttl: u32) {
    if ttl == 0 {
        return out.str("0s");
    }
    let mut rest = ttl;
    for (unit, letter) in [(604_800, b'w'), (86_400, b'd'), (3600, b'h'), (60, b'm'), (1, b's')] {
        if rest >= unit {
            out.dec(rest / unit);
            out.byte(letter);
            rest %= unit;
        }
    }
}

/// The upper bits of the response code, from the OPT record if there is one.
fn upper_code(b: &[u8]) -> Step<usize> {
    let [questions, answers, authorities, more] = counts(b)?;
    let mut at = 12;
    for _ in 0..questions {
        at = names::skip(b, at)? + 4;
    }
    for _ in 0..u32::from(answers) + u32::from(authorities) + u32::from(more) {
        at = names::skip(b, at)?;
        if be16(b, at)? == OPT {
            return Ok(usize::from(u8_at(b, at + 4)?));
        }
        at += 10 + usize::from(be16(b, at + 8)?);
    }
    Ok(0)
}
