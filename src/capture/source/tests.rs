//! Whatever the bytes are and however they come, every whole packet is read and nothing panics.

use super::{Broken, Decoder, Precision, Step};

/// Two packets in a little-endian microsecond file.
fn two() -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0]);
    for (sec, len) in [(5u32, 3u32), (6, 60)] {
        for word in [sec, 7, len, len + 1] {
            file.extend(word.to_le_bytes());
        }
        file.extend(vec![sec as u8; len as usize]);
    }
    file
}

/// Packets read (second, bytes) and the error at the end; at most `at_once` bytes come with a read.
fn read(file: &[u8], at_once: usize) -> (Vec<(i64, usize)>, Option<Broken>) {
    let mut decoder = Decoder::new(Precision::Micro);
    let mut pieces = file.chunks(at_once);
    let mut packets = Vec::new();
    loop {
        match decoder.step() {
            Ok(Step::More) => decoder.fill(&mut pieces.next().unwrap_or_default()).unwrap(),
            Ok(Step::Record(record)) => packets.push((record.sec, record.data.len())),
            Ok(Step::Opened(_)) => {}
            Ok(Step::End) => return (packets, None),
            Err(broken) => return (packets, Some(broken)),
        }
    }
}

#[test]
fn pieces_of_any_size_make_the_same_packets() {
    for at_once in [1, 2, 7, 24, 4096] {
        assert_eq!(read(&two(), at_once), (vec![(5, 3), (6, 60)], None), "{at_once}");
    }
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_packets_and_then_libpcaps_words() {
    let whole = two();
    for cut in 0..whole.len() {
        let (packets, broken) = read(&whole[..cut], 4096);
        assert_eq!(packets.len(), usize::from(cut >= 43), "{cut}");
        assert_eq!(broken.is_none(), [24, 43].contains(&cut), "{cut}: {broken:?}");
    }
    let words = |cut: usize| read(&whole[..cut], 4096).1.unwrap().to_string();
    assert_eq!(words(3), "truncated dump file; tried to read 4 file header bytes, only got 3");
    assert_eq!(words(50), "truncated dump file; tried to read 16 header bytes, only got 7");
    assert_eq!(words(100), "truncated dump file; tried to read 60 captured bytes, only got 41");
}

#[test]
fn both_byte_orders_and_nanoseconds_are_the_same_packets() {
    let mut big = 0xa1b2_3c4d_u32.to_be_bytes().to_vec();
    big.extend([0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 1]);
    for word in [9u32, 123_456_789, 1, 1] {
        big.extend(word.to_be_bytes());
    }
    big.push(0);
    let mut decoder = Decoder::new(Precision::Micro);
    decoder.fill(&mut big.as_slice()).unwrap();
    assert!(matches!(decoder.step(), Ok(Step::Opened(_))));
    let Ok(Step::Record(record)) = decoder.step() else { panic!("a packet") };
    assert_eq!((record.sec, record.frac), (9, 123_456));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_go_on_for_ever(
        head in proptest::sample::select(vec![
            vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], vec![0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a],
            vec![],
        ]),
        rest in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
    ) {
        let file = [head, rest].concat();
        let (packets, _) = read(&file, 4096);
        proptest::prop_assert!(packets.len() <= file.len() / 16);
        proptest::prop_assert_eq!(read(&file, 5).0, packets);
    }
}
