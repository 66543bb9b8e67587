//! The OPT record of EDNS and its options.

use super::dns_name::{self as names, Msg};
use crate::capture::reader::{Step, array, be16, be32, take, u8_at};
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
pub(super) fn print(out: &mut Out, part: Msg<'_>, udp_size: u16, ttl: u32) -> Step {
    out.str(" UDPsize=");
    out.dec(udp_size);
    if ttl & 0x8000 != 0 {
        out.str(" DO");
    }
    let end = part.at + part.len;
    let mut at = part.at;
    if at < end {
        out.str(" [");
    }
    while at < end {
        let (code, len) = (be16(part.whole, at)?, usize::from(be16(part.whole, at + 2)?));
        option(out, part.whole, code, at + 4, len)?;
        at += 4 + len;
        out.byte(if at < end { b',' } else { b']' });
    }
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "one match, an arm a kind")]
fn option(out: &mut Out, b: &[u8], code: u16, at: usize, len: usize) -> Step {
    let known = [
        (3, "NSID"),
        (5, "DAU"),
        (6, "DHU"),
        (7, "N3U"),
        (8, "ECS"),
        (9, "EXPIRE"),
        (10, "COOKIE"),
        (11, "KEEPALIVE"),
        (12, "PADDING"),
        (13, "CHAIN"),
        (14, "KEY-TAG"),
        (1, "LLQ"),
        (2, "UL"),
        (16, "CLIENT-TAG"),
        (17, "SERVER-TAG"),
    ];
    match known.iter().find(|(number, _)| *number == code) {
        Some((_, name)) => out.str(name),
        None => {
            out.str("Opt");
            out.dec(code);
        }
    }
    if len == 0 {
        return Ok(());
    }
    out.byte(b' ');
    let body = take(b, at, len)?;
    match code {
        5 => listed(out, body, ALGORITHMS, "alg"),
        6 => listed(out, body, DIGESTS, "Dig"),
        7 => listed(out, body, NSEC3, "Hash"),
        8 => subnet(out, body)?,
        9 => {
            out.dec(be32(body, 0)?);
            out.str(" sec");
        }
        10 => {
            out.hexes(body.get(..8).unwrap_or(body));
            if let Some(server) = body.get(8..).filter(|server| !server.is_empty()) {
                out.byte(b' ');
                out.hexes(server);
            }
        }
        11 => {
            let tenths = be16(body, 0)?;
            out.dec(tenths / 10);
            out.byte(b'.');
            out.dec(tenths % 10);
            out.str(" sec");
        }
        12 => {
            out.byte(b'(');
            out.dec(len as u64);
            out.byte(b')');
        }
        13 => names::print(out, b, at)?,
        14 => {
            for (n, tag) in body.chunks_exact(2).enumerate() {
                out.str(if n > 0 { " " } else { "" });
                out.dec(be16(tag, 0)?);
            }
        }
        _ => out.hexes(body),
    }
    Ok(())
}

fn listed(out: &mut Out, body: &[u8], table: &[(u8, &str)], unknown: &str) {
    for (n, byte) in body.iter().enumerate() {
        out.str(if n > 0 { " " } else { "" });
        match table.iter().find(|(number, _)| number == byte) {
            Some((_, name)) => out.str(name),
            None => {
                out.str(unknown);
                out.dec(*byte);
            }
        }
    }
}

/// The client's subnet: family, both prefix lengths, as many octets as the first needs.
fn subnet(out: &mut Out, body: &[u8]) -> Step {
    let (family, source, scope) = (be16(body, 0)?, u8_at(body, 2)?, u8_at(body, 3)?);
    let mut addr = [0; 16];
    for (to, from) in addr.iter_mut().zip(body.get(4..).unwrap_or_default()) {
        *to = *from;
    }
    match family {
        1 => out.ip4(array(&addr, 0)?),
        2 => out.ip6(addr),
        _ => return Ok(()),
    }
    out.byte(b'/');
    out.dec(source);
    out.byte(b'/');
    out.dec(scope);
    Ok(())
}
