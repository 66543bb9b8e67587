//! What makes two packets of one flow: protocol, both ends, and the tunnel they came through, in either direction.

use std::net::IpAddr;

use crate::capture::inner::Kind;

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// Its address.
    pub addr: IpAddr,
    /// Its port; of an ICMP echo the identifier, at both ends; 0 where the protocol has none.
    pub port: u16,
}

/// The tunnel around a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// Which tunnel.
    pub kind: Kind,
    /// Which network of it.
    pub vni: Option<u32>,
    /// The destination port of its packets.
    pub port: u16,
    /// The tunnel's ends, each before the flow's end of the same place.
    pub ends: [IpAddr; 2],
}

impl Tunnel {
    /// The same tunnel, as packets of the other direction show it.
    pub fn turned(self) -> Self {
        let [one, other] = self.ends;
        Self { ends: [other, one], ..self }
    }
}

/// Protocol and ends alone.
pub type Ends = (u8, [End; 2]);

/// A flow's name: the same for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The IP protocol.
    pub proto: u8,
    /// The end that sorts first, and the other.
    pub ends: [End; 2],
    /// The tunnel around, if there is one.
    pub tunnel: Option<Tunnel>,
}

impl Key {
    /// The key of a packet, and whether it goes back: from the end that sorts second to the first.
    pub fn new(proto: u8, from: End, to: End, tunnel: Option<Tunnel>) -> (Self, bool) {
        if from <= to {
            (Self { proto, ends: [from, to], tunnel }, false)
        } else {
            (Self { proto, ends: [to, from], tunnel: tunnel.map(Tunnel::turned) }, true)
        }
    }

    /// Protocol and ends alone.
    pub fn within(&self) -> Ends {
        (self.proto, self.ends)
    }

    /// The ends and the tunnel as a packet has them that goes this way.
    pub fn turned(&self, back: bool) -> ([End; 2], Option<Tunnel>) {
        let [one, other] = self.ends;
        if back { ([other, one], self.tunnel.map(Tunnel::turned)) } else { ([one, other], self.tunnel) }
    }
}

/// The one of this direction, and its opposite.
pub fn facing<T>(both: &mut [T; 2], back: bool) -> (&mut T, &mut T) {
    let [one, other] = both;
    if back { (other, one) } else { (one, other) }
}
