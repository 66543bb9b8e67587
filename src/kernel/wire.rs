//! Netlink framing: headers, attributes, acknowledgements (`include/uapi/linux/netlink.h`).
//! Bytes in, borrowed views out; a short or lying message is a value, never a panic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Refusal;

/// An error or acknowledgement.
pub(crate) const NLMSG_ERROR: u16 = 2;
/// End of a dump.
pub(crate) const NLMSG_DONE: u16 = 3;

/// It is a request.
pub(crate) const NLM_F_REQUEST: u16 = 0x01;
/// Answer even if all went well.
pub(crate) const NLM_F_ACK: u16 = 0x04;
/// The table changed while it was dumped.
pub(crate) const NLM_F_DUMP_INTR: u16 = 0x10;
/// The whole table.
pub(crate) const NLM_F_DUMP: u16 = 0x300;
/// Replace what stands there.
pub(crate) const NLM_F_REPLACE: u16 = 0x100;
/// Fail if it stands there.
pub(crate) const NLM_F_EXCL: u16 = 0x200;
/// Make it if it is not there.
pub(crate) const NLM_F_CREATE: u16 = 0x400;
/// Add to the end of the list.
pub(crate) const NLM_F_APPEND: u16 = 0x800;

const NLM_F_CAPPED: u16 = 0x100;
const NLM_F_ACK_TLVS: u16 = 0x200;
const NLMSGERR_ATTR_MSG: u16 = 1;

const HEADER: usize = 16;

/// One message of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// `nlmsg_type`.
    pub(crate) kind: u16,
    /// `nlmsg_flags`.
    pub(crate) flags: u16,
    /// `nlmsg_seq`.
    pub(crate) seq: u32,
    /// What follows the header.
    pub(crate) payload: &'a [u8],
}

/// The messages of one datagram; ends at the first one that does not fit.
#[derive(Clone, Debug)]
pub(crate) struct Messages<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;
    fn next(&mut self) -> Option<Message<'a>> {
        let (header, _) = self.0.split_first_chunk::<HEADER>()?;
        let [l0, l1, l2, l3, t0, t1, f0, f1, s0, s1, s2, s3, ..] = *header;
        let len = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        let payload = self.0.get(HEADER..len)?;
        self.0 = self.0.get(align(len)..).unwrap_or_default();
        Some(Message {
            kind: u16::from_ne_bytes([t0, t1]),
            flags: u16::from_ne_bytes([f0, f1]),
            seq: u32::from_ne_bytes([s0, s1, s2, s3]),
            payload,
        })
    }
}

/// The attributes of a message: type (flag bits removed) and value; ends at the first one that does not fit.
#[derive(Clone, Debug)]
pub(crate) struct Attrs<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Attrs<'a> {
    type Item = (u16, &'a [u8]);
    fn next(&mut self) -> Option<Self::Item> {
        let ([l0, l1, t0, t1], _) = self.0.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_ne_bytes([*l0, *l1]));
        let value = self.0.get(4..len)?;
        self.0 = self.0.get(align(len)..).unwrap_or_default();
        Some((u16::from_ne_bytes([*t0, *t1]) & 0x3fff, value))
    }
}

/// A native 32-bit value.
pub(crate) fn u32_of(value: &[u8]) -> Option<u32> {
    Some(u32::from_ne_bytes(*value.first_chunk::<4>()?))
}

/// An address by its length: 4 or 16 bytes.
pub(crate) fn ip_of(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => Some(Ipv4Addr::from(*value.first_chunk::<4>()?).into()),
        16 => Some(Ipv6Addr::from(*value.first_chunk::<16>()?).into()),
        _ => None,
    }
}

/// What an `NLMSG_ERROR` says: nothing wrong, or the refusal with the kernel's own words.
/// `None` if it is too short to say anything.
pub(crate) fn verdict(message: Message<'_>) -> Option<Result<(), Refusal>> {
    let (code, rest) = message.payload.split_first_chunk::<4>()?;
    let code = i32::from_ne_bytes(*code);
    if code == 0 {
        return Some(Ok(()));
    }
    let mut said = String::new();
    if message.flags & NLM_F_ACK_TLVS != 0 {
        // The request follows: header only if capped, whole otherwise; then the TLVs.
        let request = rest.first_chunk::<4>().map_or(0, |l| u32::from_ne_bytes(*l) as usize);
        let skip = if message.flags & NLM_F_CAPPED != 0 { HEADER } else { align(request) };
        let words = Attrs(rest.get(skip..).unwrap_or_default()).find(|(kind, _)| *kind == NLMSGERR_ATTR_MSG);
        if let Some((_, text)) = words {
            let text = text.split(|b| *b == 0).next().unwrap_or_default();
            said = String::from_utf8_lossy(text).into_owned();
        }
    }
    Some(Err(Refusal { errno: code.saturating_neg(), said }))
}

/// Appends one message; `fill` writes what follows the header. The length is set afterwards.
pub(crate) fn put_message(
    buf: &mut Vec<u8>,
    kind: u16,
    flags: u16,
    seq: u32,
    fill: impl FnOnce(&mut Vec<u8>),
) {
    let start = buf.len();
    buf.extend_from_slice(&[0; 4]);
    buf.extend_from_slice(&kind.to_ne_bytes());
    buf.extend_from_slice(&flags.to_ne_bytes());
    buf.extend_from_slice(&seq.to_ne_bytes());
    buf.extend_from_slice(&[0; 4]);
    fill(buf);
    let len = (buf.len() - start) as u32;
    if let Some(room) = buf.get_mut(start..start + 4) {
        room.copy_from_slice(&len.to_ne_bytes());
    }
    buf.resize(start + align(len as usize), 0);
}

/// Appends one attribute.
pub(crate) fn put_attr(buf: &mut Vec<u8>, kind: u16, value: &[u8]) {
    buf.extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
    buf.extend_from_slice(&kind.to_ne_bytes());
    buf.extend_from_slice(value);
    buf.resize(align(buf.len()), 0);
}

/// Appends an address attribute.
pub(crate) fn put_ip(buf: &mut Vec<u8>, kind: u16, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => put_attr(buf, kind, &ip.octets()),
        IpAddr::V6(ip) => put_attr(buf, kind, &ip.octets()),
    }
}

const fn align(len: usize) -> usize {
    (len + 3) & !3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read_back() {
        let mut buf = Vec::new();
        for seq in 0..3 {
            put_message(&mut buf, 24, NLM_F_REQUEST, seq, |b| {
                b.extend_from_slice(&[9; 12]);
                put_attr(b, 1, &[1, 2, 3]);
                put_ip(b, 5, IpAddr::from([10, 0, 0, 1]));
            });
        }
        let read: Vec<_> = Messages(&buf).collect();
        assert_eq!(read.len(), 3);
        for (seq, message) in read.iter().enumerate() {
            assert_eq!((message.kind, message.seq), (24, seq as u32));
            let attrs: Vec<_> = Attrs(&message.payload[12..]).collect();
            assert_eq!(attrs, [(1, &[1u8, 2, 3][..]), (5, &[10, 0, 0, 1][..])], "message {seq}");
        }
    }

    #[test]
    fn the_kernels_words_are_found_capped_and_whole() {
        for (flags, echoed) in [(NLM_F_CAPPED | NLM_F_ACK_TLVS, 16), (NLM_F_ACK_TLVS, 28)] {
            let mut payload = (-95i32).to_ne_bytes().to_vec();
            let mut request = vec![0u8; echoed];
            request[..4].copy_from_slice(&28u32.to_ne_bytes());
            payload.extend(request);
            put_attr(&mut payload, 2, &8u32.to_ne_bytes());
            put_attr(&mut payload, NLMSGERR_ATTR_MSG, b"Cannot change VNI\0");
            let message = Message { kind: NLMSG_ERROR, flags, seq: 1, payload: &payload };
            let want = Refusal { errno: 95, said: "Cannot change VNI".to_owned() };
            assert_eq!(verdict(message), Some(Err(want)), "{echoed} echoed");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in proptest::collection::vec(0u8.., 0..300)) {
            for message in Messages(&bytes) {
                let _ = verdict(message);
                for (_, value) in Attrs(message.payload) {
                    let _ = (u32_of(value), ip_of(value));
                }
            }
            proptest::prop_assert!(Attrs(&bytes).count() <= bytes.len() / 4);
        }
    }
}
