//! What runs over UDP and TCP, by port.

mod dns;
mod dns_name;
mod dns_opt;

use super::l3::L3;
use crate::capture::ctx::{Cx, Force};
use crate::capture::reader::Step;
use crate::capture::text::Out;

const DOMAIN: u16 = 53;

/// A UDP payload. False if its ports mean nothing, and nothing is written.
pub fn udp(
    cx: &mut Cx,
    out: &mut Out,
    (sport, dport): (u16, u16),
    b: &[u8],
    len: u32,
    _l3: &L3<'_>,
) -> Step<bool> {
    if cx.o.force == Some(Force::Domain) || sport == DOMAIN || dport == DOMAIN {
        return dns::print(cx, out, b, len, false).map(|()| true);
    }
    Ok(false)
}

/// A TCP payload, behind its length. False if its ports mean nothing, and nothing is written.
pub fn tcp(
    cx: &mut Cx,
    out: &mut Out,
    (sport, dport): (u16, u16),
    b: &[u8],
    len: u32,
    _l3: &L3<'_>,
) -> Step<bool> {
    if cx.o.force == Some(Force::Domain) || sport == DOMAIN || dport == DOMAIN {
        // Less than the prefix is no message.
        if len > 2 {
            out.byte(b' ');
            dns::print(cx, out, b, len, true)?;
        }
        return Ok(len > 2);
    }
    Ok(false)
}

/// True if a UDP port means something here.
pub fn udp_known(port: u16) -> bool {
    port == DOMAIN
}
