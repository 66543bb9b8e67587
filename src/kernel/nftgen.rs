//! nf_tables' generation number: every committed change of any rule of this network namespace raises it.
//! One small question to the kernel tells that nothing moved, which a listing by `nft` or `iptables-save` would cost
//! a process to find out.

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};

const NFNL_SUBSYS_NFTABLES: u16 = 10;
const NFT_MSG_NEWGEN: u16 = 15;
const NFT_MSG_GETGEN: u16 = 16;
const NFTA_GEN_ID: u16 = 1;
const NLM_F_REQUEST: u16 = 1;
/// struct nlmsghdr and struct nfgenmsg.
const HEADER: usize = 16;
const GENMSG: usize = 4;

/// The present generation in the calling thread's network namespace; nothing if the kernel does not tell.
pub fn generation() -> Option<u32> {
    let socket = Socket::new(NETLINK_NETFILTER).ok()?;
    // The kernel answers while it takes the question: the answer waits when `send` returns.
    socket.set_non_blocking(true).ok()?;
    socket.connect(&SocketAddr::new(0, 0)).ok()?;
    socket.send(&question(), 0).ok()?;
    answer(&socket.recv_from_full().ok()?.0)
}

/// NFT_MSG_GETGEN: a netlink header and an empty nfgenmsg (include/uapi/linux/netfilter/nfnetlink.h).
fn question() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + GENMSG);
    bytes.extend(u32::to_ne_bytes((HEADER + GENMSG) as u32));
    bytes.extend(u16::to_ne_bytes(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN));
    bytes.extend(u16::to_ne_bytes(NLM_F_REQUEST));
    bytes.extend([0; 8]); // sequence and port: the kernel fills in what matters
    bytes.extend([0; GENMSG]); // family unspecified, version 0, resource 0
    bytes
}

/// The number in NFT_MSG_NEWGEN: the attribute NFTA_GEN_ID, big-endian as all of nf_tables' numbers.
fn answer(bytes: &[u8]) -> Option<u32> {
    let (head, rest) = bytes.split_at_checked(HEADER)?;
    let ([_, _, _, _, a, b, ..], Some((_, mut attributes))) = (head, rest.split_at_checked(GENMSG)) else {
        return None;
    };
    if u16::from_ne_bytes([*a, *b]) != NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN {
        return None;
    }
    while let Some(([a, b, c, d], rest)) = attributes.split_first_chunk() {
        let (len, kind) = (usize::from(u16::from_ne_bytes([*a, *b])), u16::from_ne_bytes([*c, *d]));
        let value = rest.get(..len.checked_sub(4)?)?;
        if kind == NFTA_GEN_ID {
            return value.first_chunk().map(|id| u32::from_be_bytes(*id));
        }
        attributes = rest.get(value.len().next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newgen(kind: u16, attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 4];
        bytes.extend(u16::to_ne_bytes(NFNL_SUBSYS_NFTABLES << 8 | kind));
        bytes.extend([0; 14]);
        bytes.extend(attributes);
        bytes
    }

    #[test]
    fn the_number_is_found_wherever_it_stands_and_garbage_is_none() {
        let (id, pid) = ([8, 0, 1, 0, 0, 0, 1, 2], [7, 0, 3, 0, b'n', b'f', b't', 0]);
        for (bytes, want) in [
            (newgen(NFT_MSG_NEWGEN, &id), Some(258)),
            (newgen(NFT_MSG_NEWGEN, &[pid, id].concat()), Some(258)),
            (newgen(NFT_MSG_NEWGEN, &pid), None),
            (newgen(NFT_MSG_GETGEN, &id), None),
            (newgen(NFT_MSG_NEWGEN, &[0, 0, 1, 0]), None),
            (newgen(NFT_MSG_NEWGEN, &[9, 0, 1, 0, 0]), None),
            (newgen(NFT_MSG_NEWGEN, &id[..6]), None),
            (vec![0; 7], None),
            (vec![], None),
        ] {
            assert_eq!(answer(&bytes), want, "{bytes:?}");
        }
    }
}
