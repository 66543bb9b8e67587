//! WireGuard devices over their netlink family (drivers/net/wireguard/netlink.c): peers, their allowed networks, end
//! points and handshakes. Keys come along in the kernel's answer; they are compared here and kept nowhere.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use super::facts::family;
use super::socket::Asker;
use super::wire::{Attrs, put_attr, u32_of};
use crate::net::IfName;
use crate::state::{LinkKind, State, WgPeer, Wireguard};

const GET_DEVICE: u8 = 0;
const DEVICE_IFNAME: u16 = 2;
const DEVICE_LISTEN_PORT: u16 = 6;
const DEVICE_FWMARK: u16 = 7;
const DEVICE_PEERS: u16 = 8;
const PEER_PUBLIC_KEY: u16 = 1;
const PEER_ENDPOINT: u16 = 4;
const PEER_HANDSHAKE: u16 = 6;
const PEER_ALLOWED: u16 = 9;
const ALLOWED_ADDR: u16 = 2;
const ALLOWED_LEN: u16 = 3;

/// Every WireGuard device of `state` that may be read: that needs CAP_NET_ADMIN.
pub fn read(state: &State) -> BTreeMap<IfName, Wireguard> {
    let of_kind = |kind: &LinkKind| matches!(kind, LinkKind::Other(name) if name == "wireguard");
    let mut devices =
        state.links.iter().filter(|(_, link)| of_kind(&link.kind)).map(|(dev, _)| *dev).peekable();
    let mut all = BTreeMap::new();
    if devices.peek().is_none() {
        return all;
    }
    let Ok(mut asker) = Asker::generic() else { return all };
    let Some(family) = family(&mut asker, "wireguard") else { return all };
    for dev in devices {
        let mut body = vec![GET_DEVICE, 1, 0, 0];
        put_attr(&mut body, DEVICE_IFNAME, &[dev.as_str().as_bytes(), &[0]].concat());
        let mut reading = Reading::default();
        if asker.dump(family, &body, |message| reading.take(message.payload)).is_ok() {
            all.insert(dev, reading.device);
        }
    }
    all
}

/// A device under way: a peer with many networks goes on in the next message, under the same key.
#[derive(Default)]
struct Reading {
    device: Wireguard,
    last: Vec<u8>,
}

impl Reading {
    /// One message of the dump, its generic header first.
    fn take(&mut self, payload: &[u8]) {
        for (kind, value) in Attrs(payload.get(4..).unwrap_or_default()) {
            match kind {
                DEVICE_LISTEN_PORT => {
                    self.device.port = value.first_chunk().map_or(0, |b| u16::from_ne_bytes(*b))
                }
                DEVICE_FWMARK => self.device.mark = u32_of(value).unwrap_or(0),
                DEVICE_PEERS => Attrs(value).for_each(|(_, peer)| self.peer(peer)),
                _ => {}
            }
        }
    }

    fn peer(&mut self, attrs: &[u8]) {
        let (mut key, mut peer) = (&[][..], WgPeer::default());
        for (kind, value) in Attrs(attrs) {
            match kind {
                PEER_PUBLIC_KEY => key = value,
                PEER_ENDPOINT => peer.endpoint = endpoint(value),
                PEER_HANDSHAKE => {
                    let seconds = value.first_chunk::<8>().map(|b| u64::from_ne_bytes(*b));
                    peer.handshake = seconds.filter(|seconds| *seconds > 0);
                }
                PEER_ALLOWED => peer.allowed.extend(Attrs(value).filter_map(|(_, net)| allowed(net))),
                _ => {}
            }
        }
        match self.device.peers.last_mut() {
            Some(before) if !key.is_empty() && self.last == key => before.allowed.extend(peer.allowed),
            _ => {
                self.last = key.to_vec();
                self.device.peers.push(peer);
            }
        }
    }
}

/// `struct sockaddr_in` or `sockaddr_in6`: family as the host writes it, the rest as the network does.
fn endpoint(value: &[u8]) -> Option<SocketAddr> {
    let (head, rest) = value.split_first_chunk::<4>()?;
    let [f0, f1, p0, p1] = *head;
    let port = u16::from_be_bytes([p0, p1]);
    match i32::from(u16::from_ne_bytes([f0, f1])) {
        nix::libc::AF_INET => Some((Ipv4Addr::from(*rest.first_chunk::<4>()?), port).into()),
        nix::libc::AF_INET6 => Some((Ipv6Addr::from(*rest.get(4..)?.first_chunk::<16>()?), port).into()),
        _ => None,
    }
}

fn allowed(attrs: &[u8]) -> Option<IpNet> {
    let (mut ip, mut len) = (None, None);
    for (kind, value) in Attrs(attrs) {
        match kind {
            ALLOWED_ADDR => ip = super::wire::ip_of(value),
            ALLOWED_LEN => len = value.first().copied(),
            _ => {}
        }
    }
    let ip: IpAddr = ip?;
    IpNet::new(ip, len?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nest(kind: u16, parts: &[(u16, Vec<u8>)]) -> (u16, Vec<u8>) {
        let mut buf = Vec::new();
        for (kind, value) in parts {
            put_attr(&mut buf, *kind, value);
        }
        (kind | 0x8000, buf)
    }

    fn net(ip: &[u8], len: u8) -> (u16, Vec<u8>) {
        nest(0, &[(1, vec![2, 0]), (ALLOWED_ADDR, ip.to_vec()), (ALLOWED_LEN, vec![len])])
    }

    fn message(parts: &[(u16, Vec<u8>)]) -> Vec<u8> {
        [vec![GET_DEVICE, 1, 0, 0], nest(0, parts).1].concat()
    }

    /// What the kernel answers, in two messages: the second peer goes on in the second one.
    #[test]
    fn peers_are_read_and_no_key_is_kept() {
        let secret = vec![7u8; 32];
        let v4 = [&[2, 0, 0xca, 0x6c, 192, 168, 50, 12][..], &[0; 8]].concat();
        let v6 = [&[10, 0, 0xca, 0x6d, 0, 0, 0, 0][..], &Ipv6Addr::LOCALHOST.octets(), &[0; 4]].concat();
        let seen = [1_700_000_000u64.to_ne_bytes(), [0; 8]].concat();
        let first = nest(
            0,
            &[
                (PEER_PUBLIC_KEY, vec![1; 32]),
                (2, secret.clone()),
                (PEER_ENDPOINT, v4),
                (PEER_HANDSHAKE, seen),
                nest(PEER_ALLOWED, &[net(&[10, 244, 2, 0], 24)]),
            ],
        );
        let second = nest(
            0,
            &[
                (PEER_PUBLIC_KEY, vec![2; 32]),
                (PEER_ENDPOINT, v6),
                (PEER_HANDSHAKE, vec![0; 16]),
                nest(PEER_ALLOWED, &[net(&[10, 244, 0, 0], 16)]),
            ],
        );
        let rest =
            nest(0, &[(PEER_PUBLIC_KEY, vec![2; 32]), nest(PEER_ALLOWED, &[net(&[10, 244, 3, 0], 24)])]);
        let mut reading = Reading::default();
        reading.take(&message(&[
            (DEVICE_LISTEN_PORT, 51820u16.to_ne_bytes().to_vec()),
            (3, secret),
            nest(DEVICE_PEERS, &[first, second]),
        ]));
        reading.take(&message(&[nest(DEVICE_PEERS, &[rest])]));
        let device = reading.device;
        assert_eq!((device.port, device.mark, device.peers.len()), (51820, 0, 2));
        let (net, peer) = device.peer([10, 244, 2, 9].into()).unwrap();
        assert_eq!((net.prefix_len(), peer.handshake), (24, Some(1_700_000_000)));
        assert_eq!(peer.endpoint.unwrap().to_string(), "192.168.50.12:51820");
        let (net, peer) = device.peer([10, 244, 3, 9].into()).unwrap();
        assert_eq!((net.prefix_len(), peer.handshake), (24, None));
        assert_eq!(peer.endpoint.unwrap().to_string(), "[::1]:51821");
        assert_eq!(device.peer([10, 245, 0, 1].into()), None);
        let text = serde_json::to_string(&device).unwrap();
        assert!(!text.to_lowercase().contains("key") && !text.contains("7,7,7"), "{text}");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(0u8.., 0..300)) {
            Reading::default().take(&bytes);
            let _ = endpoint(&bytes);
        }
    }
}
