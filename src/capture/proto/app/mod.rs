//! What runs over UDP and TCP, by port.

use super::l3::L3;
use crate::capture::ctx::Cx;
use crate::capture::reader::Step;
use crate::capture::text::Out;

/// A UDP payload. False if its ports mean nothing, and nothing is written.
pub fn udp(
    _cx: &mut Cx,
    _out: &mut Out,
    _ports: (u16, u16),
    _b: &[u8],
    _len: u32,
    _l3: &L3<'_>,
) -> Step<bool> {
    Ok(false)
}

/// True if a UDP port means something here.
pub fn udp_known(_port: u16) -> bool {
    false
}

/// A TCP payload, behind its length. False if its ports mean nothing, and nothing is written.
pub fn tcp(
    _cx: &mut Cx,
    _out: &mut Out,
    _ports: (u16, u16),
    _b: &[u8],
    _len: u32,
    _l3: &L3<'_>,
) -> Step<bool> {
    Ok(false)
}
