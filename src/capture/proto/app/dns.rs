//! DNS: questions and answers, a line each message.

use super::dns_name::{self as names, Stop};
use super::dns_record;
use crate::capture::ctx::Cx;
use crate::capture::proto;
use crate::capture::reader::{Cut, Step, be16, need, u8_at};
use crate::capture::text::Out;

pub(super) const OPT: u16 = 41;

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

/// What the older version has in other words.
static OLD_CODES: [(usize, &str); 7] = [
    (15, " NoChange"),
    (17, "Resp17"),
    (18, " Resp18"),
    (19, " Resp19"),
    (20, " Resp20"),
    (21, "Resp21"),
    (22, " Resp22"),
];

/// How a message is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// UDP.
    Udp,
    /// TCP: its length stands before it.
    Tcp,
    /// Multicast, where the upper bit of a class says something else.
    Multicast,
}

/// A message.
pub fn print(cx: &mut Cx, out: &mut Out, b: &[u8], len: u32, over: Over) -> Step {
    cx.proto = "domain";
    let (mut b, mut len) = (b, len);
    if over == Over::Tcp {
        if !prefixed(out, b, len)? {
            return Ok(());
        }
        (b, len) = (b.get(2..).ok_or(Cut)?, len - 2);
    }
    if len < 12 {
        out.str("domain [length ");
        out.dec(len);
        out.str(" < 12]");
        proto::invalid(out);
        return Ok(());
    }
    match message(cx, out, b, over == Over::Multicast) {
        Ok(()) => {
            out.str(" (");
            out.dec(len);
            out.byte(b')');
            Ok(())
        }
        Err(Stop::Here) => {
            proto::cut(cx, out);
            Ok(())
        }
        Err(Stop::Cut) => Err(Cut),
    }
}

/// True if the length before the message is that of the message.
fn prefixed(out: &mut Out, b: &[u8], len: u32) -> Step<bool> {
    if len < 2 {
        out.str(" [DNS over TCP: length ");
        out.dec(len);
        out.str(" < 2]");
        proto::invalid(out);
        return Ok(false);
    }
    let told = be16(b, 0)?;
    if u32::from(told) == len - 2 {
        out.byte(b' ');
        return Ok(true);
    }
    out.str(" [prefix length(");
    out.dec(told);
    out.str(") != length(");
    out.dec(len - 2);
    out.str(")]");
    proto::invalid(out);
    Ok(false)
}

fn message(cx: &mut Cx, out: &mut Out, b: &[u8], multicast: bool) -> Result<(), Stop> {
    need(b, 12).map_err(|_| Stop::Here)?;
    let flags = be16(b, 2)?;
    out.dec(be16(b, 0)?);
    out.str(OPCODES.get(usize::from(flags >> 11 & 15)).copied().unwrap_or_default());
    let counts = [be16(b, 4)?, be16(b, 6)?, be16(b, 8)?, be16(b, 10)?];
    let message = Message { b, counts, multicast };
    if flags & 0x8000 != 0 { message.reply(cx, out, flags) } else { message.query(cx, out, flags) }
}

/// The response code's name; some lack the blank before it, as the older version has them.
fn code_name(cx: &Cx, out: &mut Out, code: usize) {
    let old = if cx.v50() { None } else { OLD_CODES.iter().find(|(number, _)| *number == code) };
    if let Some((_, name)) = old {
        return out.str(name);
    }
    match CODES.get(code) {
        Some(name) => out.str(name),
        None => {
            out.str(" Resp");
            out.dec(code as u64);
        }
    }
}

/// What is said of a message while its sections are read.
pub(super) struct Message<'a> {
    /// Its bytes.
    pub(super) b: &'a [u8],
    counts: [u16; 4],
    /// Multicast DNS.
    pub(super) multicast: bool,
}

impl Message<'_> {
    fn reply(&self, cx: &mut Cx, out: &mut Out, flags: u16) -> Result<(), Stop> {
        let [questions, answers, authorities, more] = self.counts;
        code_name(cx, out, usize::from(flags & 15) | self.upper_code().unwrap_or(0) << 4);
        for (bit, set, unset) in [(0x400, "*", ""), (0x80, "", "-"), (0x200, "|", ""), (0x20, "$", "")] {
            out.str(if flags & bit != 0 { set } else { unset });
        }
        if questions != 1 {
            bracket(out, questions, "q");
        }
        let mut at = 12;
        for n in 0..questions {
            out.str(if n > 0 { "," } else { "" });
            if cx.o.v > 1 {
                out.str(" q:");
                at = self.question(cx, out, at)?;
            } else {
                at = names::skip(self.b, at)? + 4;
            }
        }
        out.byte(b' ');
        out.dec(answers);
        out.byte(b'/');
        out.dec(authorities);
        out.byte(b'/');
        out.dec(more);
        at = self.section(cx, out, (at, answers), None)?;
        if cx.o.v > 1 {
            at = self.section(cx, out, (at, authorities), Some(" ns:"))?;
            self.section(cx, out, (at, more), Some(" ar:"))?;
        }
        Ok(())
    }

    fn query(&self, cx: &mut Cx, out: &mut Out, flags: u16) -> Result<(), Stop> {
        let [questions, answers, authorities, more] = self.counts;
        out.str(if flags & 0x100 != 0 { "+" } else { "" });
        out.str(if flags & 0x10 != 0 { "%" } else { "" });
        if flags & 0x6cf != 0 {
            out.str(" [b2&3=0x");
            out.hex(flags);
            out.byte(b']');
        }
        let inverse = flags >> 11 & 15 == 1;
        if inverse && questions > 0 {
            bracket(out, questions, "q");
        }
        if (inverse && answers != 1) || (!inverse && answers > 0) {
            bracket(out, answers, "a");
        }
        if !inverse && questions != 1 {
            bracket(out, questions, "q");
        }
        for (count, name) in [(authorities, "n"), (more, "au")] {
            if count > 0 {
                bracket(out, count, name);
            }
        }
        let mut at = 12;
        for n in 0..questions {
            if n > 0 && at >= self.b.len() {
                return Err(Stop::Here);
            }
            at = self.question(cx, out, at)?;
        }
        if cx.o.v > 1 {
            at = self.section(cx, out, (at, answers), None)?;
            at = self.section(cx, out, (at, authorities), Some(" ns:"))?;
            self.section(cx, out, (at, more), Some(" ar:"))?;
        }
        Ok(())
    }

    fn question(&self, cx: &Cx, out: &mut Out, at: usize) -> Result<usize, Stop> {
        let end = names::skip(self.b, at)?;
        names::some(self.b, end, 4)?;
        let (of, class) = (be16(self.b, end)?, be16(self.b, end + 2)?);
        out.byte(b' ');
        kind(cx, out, of);
        let upper = if self.multicast { class & 0x8000 } else { 0 };
        class_name(cx, out, class & !upper);
        if self.multicast {
            out.str(if upper != 0 { " (QU)" } else { " (QM)" });
        }
        out.str("? ");
        Ok(names::print(out, self.b, 0, at)? + 4)
    }

    /// As many records as are told; without a title the first is looked for even where the message ends.
    fn section(
        &self,
        cx: &mut Cx,
        out: &mut Out,
        (mut at, count): (usize, u16),
        title: Option<&str>,
    ) -> Result<usize, Stop> {
        for n in 0..count {
            if at >= self.b.len() && (n > 0 || title.is_some()) {
                return Err(Stop::Here);
            }
            out.str(if n > 0 { "," } else { title.unwrap_or_default() });
            at = dns_record::print(cx, out, self, at)?;
        }
        Ok(at)
    }

    /// The upper bits of the response code, from the OPT record if there is one.
    fn upper_code(&self) -> Option<usize> {
        let (b, [questions, answers, authorities, more]) = (self.b, self.counts);
        let mut at = 12;
        for _ in 0..questions {
            at = names::skip(b, at).ok()? + 4;
        }
        for n in 0..u32::from(answers) + u32::from(authorities) + u32::from(more) {
            at = names::skip(b, at).ok()?;
            if n >= u32::from(answers) + u32::from(authorities) && be16(b, at).ok()? == OPT {
                return u8_at(b, at + 4).ok().map(usize::from);
            }
            at += 10 + usize::from(be16(b, at + 8).ok()?);
        }
        None
    }
}

fn bracket(out: &mut Out, n: u16, what: &str) {
    out.str(" [");
    out.dec(n);
    out.str(what);
    out.byte(b']');
}

/// The name of a record's type. The older version has no name for the younger types.
pub(super) fn kind(cx: &Cx, out: &mut Out, kind: u16) {
    let younger = !cx.v50() && matches!(kind, 49..=98 | 104..=248 | 257..);
    match TYPES.iter().find(|(number, _)| *number == kind && !younger) {
        Some((_, name)) => out.str(name),
        None => {
            out.str("Type");
            out.dec(kind);
        }
    }
}

/// The class, unless it is the Internet's.
pub(super) fn class_name(cx: &Cx, out: &mut Out, class: u16) {
    match class {
        1 => {}
        2 if cx.v50() => out.str(" CSNET"),
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
