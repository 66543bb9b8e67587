//! Who a MAC address belongs to, as far as tcpdump knows.

use crate::capture::text::Out;

/// The names that stand behind addresses without -n.
pub fn name(oui: u32) -> Option<&'static str> {
    Some(match oui {
        0x00_0000 => "Ethernet",
        0x00_000c => "Cisco",
        _ => return None,
    })
}

/// An address with its maker: `02:00:00:00:00:01 (oui Unknown)`.
#[cold]
pub fn mac(out: &mut Out, addr: [u8; 6]) {
    if addr == [0xff; 6] {
        return out.str("Broadcast");
    }
    out.mac(addr);
    let [a, b, c, ..] = addr;
    out.str(" (oui ");
    out.str(name(u32::from_be_bytes([0, a, b, c])).unwrap_or("Unknown"));
    out.byte(b')');
}
