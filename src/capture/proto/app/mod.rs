//! What runs over UDP and TCP, by port.

mod dhcp;
mod dhcp_own;
mod dhcp_tags;
mod dns;
mod dns_name;
mod dns_opt;
mod dns_record;
mod lines;
mod ntp;
mod resp;
mod resp_old;

pub(in crate::capture::proto) use dns_name::visible;

/// A name of labels whose pointers count from `base`; says where what follows begins.
pub(in crate::capture::proto) fn name(out: &mut Out, b: &[u8], base: usize, at: usize) -> Step<usize> {
    dns_name::print(out, b, base, at).map_err(|_| Cut)
}

use self::dns::Over;
use crate::capture::ctx::{Cx, Force};
use crate::capture::reader::{Cut, Step};
use crate::capture::text::Out;

const DOMAIN: u16 = 53;
const MDNS: u16 = 5353;

/// A UDP payload. False if its ports mean nothing, and nothing is written.
pub fn udp(cx: &mut Cx, out: &mut Out, (sport, dport): (u16, u16), b: &[u8], len: u32) -> Step<bool> {
    let any = |port: u16| sport == port || dport == port;
    if cx.o.force == Some(Force::Domain) || any(DOMAIN) {
        dns::print(cx, out, b, len, Over::Udp)?;
    } else if any(MDNS) {
        dns::print(cx, out, b, len, Over::Multicast)?;
    } else if any(67) || any(68) {
        dhcp::print(cx, out, b, len)?;
    } else if any(123) {
        ntp::print(cx, out, b, len)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// A TCP payload, behind its length. False if its ports mean nothing, and nothing is written.
pub fn tcp(cx: &mut Cx, out: &mut Out, (sport, dport): (u16, u16), b: &[u8], len: u32) -> Step<bool> {
    if cx.o.force == Some(Force::Resp) {
        resp::print(cx, out, b, len)?;
        return Ok(true);
    }
    let any = |port: u16| sport == port || dport == port;
    if cx.o.force == Some(Force::Domain) || any(DOMAIN) {
        dns::print(cx, out, b, len, Over::Tcp)?;
        return Ok(true);
    }
    let kind = [sport, dport].into_iter().find_map(|port| match port {
        21 => Some(&lines::FTP),
        25 => Some(&lines::SMTP),
        43 => Some(&lines::WHOIS),
        80 | 8080 => Some(&lines::HTTP),
        554 | 8554 => Some(&lines::RTSP),
        _ => None,
    });
    if let Some(kind) = kind {
        lines::print(cx, out, b, len, kind)?;
    } else if any(22) {
        lines::ssh(cx, out, b, len)?;
    } else if any(6379) {
        resp::print(cx, out, b, len)?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// True if a UDP port means something here.
pub fn udp_known(port: u16) -> bool {
    matches!(port, DOMAIN | MDNS | 67 | 68 | 123)
}
