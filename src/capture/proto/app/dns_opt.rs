//! The OPT record of EDNS and its options.

use super::dns_name::{self as names, Stop};
use crate::capture::ctx::Cx;
use crate::capture::proto;
use crate::capture::reader::{Step, after, array, be16, be32, u8_at, upto};
use crate::capture::text::Out;

#[rustfmt::skip]
static ALGORITHMS: &[(u8, &str)] = &[
    (0, "DELETE"), (1, "RSAMD5"), (2, "DH"), (3, "DSA"), (4, "ECC"), (5, "RSASHA1"), (6, "DSA-NSEC3-SHA1"),
    (7, "RSASHA1-NSEC3-SHA1"), (8, "RSASHA256"), (10, "RSASHA512"), (12, "ECC-GOST"), (13, "ECDSAP256SHA256"),
    (14, "ECDSAP384SHA384"), (15, "ED25519"), (16, "ED448"), (252, "INDIRECT"), (253, "PRIVATEDNS"),
    (254, "PRIVATEOID"),
];
#[rustfmt::skip]
static DIGESTS: &[(u8, &str)] = &[(1, "SHA-1"), (2, "SHA-256"), (3, "GOST_R_34.11-94"), (4, "SHA-384")];
static NSEC3: &[(u8, &str)] = &[(1, "SHA-1")];

/// What follows `OPT`.
pub(super) fn print(
    cx: &Cx,
    out: &mut Out,
    b: &[u8],
    (mut at, len): (usize, usize),
    (udp_size, ttl): (u16, u32),
) -> Result<(), Stop> {
    out.str(" UDPsize=");
    out.dec(udp_size);
    if ttl & 0x8000 != 0 {
        out.str(" DO");
    }
    let end = at + len;
    if at < end {
        out.str(" [");
    }
    while at < end {
        let code = names::word(b, at)?;
        match OPTIONS.iter().find(|(number, _)| *number == code) {
            Some((_, name)) => out.str(name),
            None => {
                out.str("Opt");
                out.dec(code);
            }
        }
        let len = usize::from(names::word(b, at + 2)?);
        let body = names::some(b, at + 4, len)?;
        if len > 0 {
            out.byte(b' ');
            option(cx, out, code, body, (b, at + 4))?;
        }
        at += 4 + len;
        out.byte(if at < end { b',' } else { b']' });
    }
    Ok(())
}

#[rustfmt::skip]
static OPTIONS: &[(u16, &str)] = &[
    (1, "LLQ"), (2, "UL"), (3, "NSID"), (5, "DAU"), (6, "DHU"), (7, "N3U"), (8, "ECS"), (9, "EXPIRE"), (10, "COOKIE"),
    (11, "KEEPALIVE"), (12, "PADDING"), (13, "CHAIN"), (14, "KEY-TAG"), (16, "CLIENT-TAG"), (17, "SERVER-TAG"),
];

/// What an option says.
fn option(cx: &Cx, out: &mut Out, code: u16, body: &[u8], (b, at): (&[u8], usize)) -> Result<(), Stop> {
    match code {
        5 => listed(cx, out, body, ALGORITHMS),
        6 => listed(cx, out, body, DIGESTS),
        7 => listed(cx, out, body, NSEC3),
        8 => return Ok(subnet(out, body)?),
        9 if body.len() == 4 => {
            out.dec(be32(body, 0)?);
            out.str(" sec");
        }
        10 if matches!(body.len(), 8 | 16..=40) => {
            out.hexes(upto(body, 8));
            if body.len() > 8 {
                out.byte(b' ');
                out.hexes(after(body, 8));
            }
        }
        11 if body.len() == 2 => {
            let tenths = be16(body, 0)?;
            out.dec(tenths / 10);
            out.byte(b'.');
            out.dec(tenths % 10);
            out.str(" sec");
        }
        12 => {
            out.byte(b'(');
            out.dec(body.len() as u64);
            out.byte(b')');
        }
        // A name that is no name ends itself alone; its pointers count from the option's end.
        13 => match names::print(out, b, at + body.len(), at) {
            Err(Stop::Cut) => return Err(Stop::Cut),
            _ => return Ok(()),
        },
        14 if body.len().is_multiple_of(2) => {
            for (n, tag) in body.chunks_exact(2).enumerate() {
                out.str(if n > 0 { " " } else { "" });
                out.dec(be16(tag, 0)?);
            }
        }
        9 | 10 | 11 | 14 => proto::invalid(out),
        _ => out.hexes(body),
    }
    Ok(())
}

fn listed(cx: &Cx, out: &mut Out, body: &[u8], table: &[(u8, &str)]) {
    for (n, byte) in body.iter().enumerate() {
        out.str(if n > 0 { " " } else { "" });
        match table.iter().find(|(number, _)| number == byte) {
            // The older version's table has one letter less, and one algorithm.
            Some((_, "DSA")) if !cx.v50() => out.str("DS"),
            Some((_, name)) if cx.v50() || *name != "ECC" => out.str(name),
            _ => {
                out.str("Alg_");
                out.dec(*byte);
            }
        }
    }
}

/// The client's subnet: family, both prefix lengths, as many octets as the first needs.
fn subnet(out: &mut Out, body: &[u8]) -> Step {
    let bits = match be16(body, 0) {
        Ok(1) => 32,
        Ok(2) => 128,
        _ => 0,
    };
    let (Ok(source), Ok(scope)) = (u8_at(body, 2), u8_at(body, 3)) else {
        proto::invalid(out);
        return Ok(());
    };
    let octets = after(body, 4);
    let wrong = source > bits || scope > bits || usize::from(source).div_ceil(8) != octets.len();
    if bits == 0 || wrong {
        proto::invalid(out);
        return Ok(());
    }
    let mut addr = [0; 16];
    for (to, from) in addr.iter_mut().zip(octets) {
        *to = *from;
    }
    if bits == 32 {
        out.ip4(array(&addr, 0)?)
    } else {
        out.ip6(addr)
    }
    out.byte(b'/');
    out.dec(source);
    out.byte(b'/');
    out.dec(scope);
    Ok(())
}
