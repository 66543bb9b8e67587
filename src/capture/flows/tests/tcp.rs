//! Connections: what is sent again, what is late, and how long an answer takes.

use super::{A, ACK, B, FIN, Four, PSH, SYN, Seat, four, segment};

/// A connection whose client is A; each side's next sequence number.
struct Talk {
    seat: Seat,
    a: u32,
    b: u32,
    id: u16,
}

impl Talk {
    fn begun(start: u32) -> Self {
        let mut talk = Self { seat: Seat::new(10), a: start, b: 5000, id: 0 };
        talk.a(0, 0, SYN, 0);
        talk.a = talk.a.wrapping_add(1);
        talk.b(300, 0, SYN | ACK, 0);
        talk.b += 1;
        talk.a(310, 0, ACK, 0);
        talk
    }

    /// A segment of A at `off` from what it sent so far.
    fn a(&mut self, micros: u32, off: i32, flags: u8, payload: usize) {
        let seq = self.a.wrapping_add_signed(off);
        let ack = if flags & ACK != 0 { self.b } else { 0 };
        self.id += 1;
        let ip =
            Four { id: self.id, ..four(A, B) }.carries(6, &segment((40_112, 80), seq, ack, flags, payload));
        self.seat.ip(micros, &ip);
    }

    /// A segment of B that acknowledges `off` from what A sent so far.
    fn b(&mut self, micros: u32, off: i32, flags: u8, payload: usize) {
        let ack = self.a.wrapping_add_signed(off);
        self.id += 1;
        let ip = Four { id: self.id, ..four(B, A) }
            .carries(6, &segment((80, 40_112), self.b, ack, flags, payload));
        self.seat.ip(micros, &ip);
    }
}

#[test]
fn a_connection_is_one_flow_with_both_legs_timed() {
    for start in [1000, u32::MAX, u32::MAX - 100] {
        let mut talk = Talk::begun(start);
        talk.a(1000, 0, ACK | PSH, 200);
        talk.a = talk.a.wrapping_add(200);
        talk.b(1500, 0, ACK, 0);
        talk.b(1600, 0, ACK | PSH, 1000);
        talk.b += 1000;
        talk.a(1620, 0, ACK | FIN, 0);
        let row = talk.seat.only();
        assert_eq!((row.proto.as_str(), row.src.port, row.dst.port), ("tcp", Some(40_112), Some(80)));
        assert_eq!((row.out.packets, row.back.packets), (4, 3), "{start}");
        assert_eq!((row.out.bytes, row.back.bytes), (4 * 40 + 200, 3 * 40 + 1000));
        let (out, back) = (row.out.rtt.unwrap(), row.back.rtt.unwrap());
        assert_eq!((out.samples, out.min_us, out.avg_us, out.max_us), (2, 300.0, 400.0, 500.0), "{start}");
        assert_eq!((back.samples, back.min_us, back.max_us), (2, 10.0, 20.0));
        assert_eq!(row.out.retransmits + row.back.retransmits + row.out.dups + row.back.dups, 0);
        assert!(row.tunnel.is_none());
    }
}

#[test]
fn what_is_sent_again_is_told_and_times_nothing() {
    // The sequence numbers pass zero between the first segment and the second.
    for start in [1000, u32::MAX - 150] {
        let mut talk = Talk::begun(start);
        for (at, off) in [(1000, 0), (1010, 100), (1020, 200), (1030, 300)] {
            talk.a(at, off, ACK, 100);
        }
        talk.a = talk.a.wrapping_add(400);
        // The second was lost behind us: B says so thrice, and A sends it again.
        for at in [1400, 1410, 1420, 1430] {
            talk.b(at, -300, ACK, 0);
        }
        talk.a(1500, -300, ACK, 100);
        // What goes on before that is repaired is acknowledged late for no fault of its own.
        talk.a(1510, 0, ACK, 100);
        talk.a = talk.a.wrapping_add(100);
        talk.b(9000, 0, ACK, 0);
        let row = talk.seat.only();
        assert_eq!((row.out.retransmits, row.back.dups, row.out.out_of_order), (1, 3, 0), "{start}");
        // The handshake and the first segment; what was answered after the loss is no measure.
        let rtt = row.out.rtt.unwrap();
        assert_eq!((rtt.samples, rtt.max_us), (2, 400.0));
        // Measured again, once all is repaired.
        talk.a(10_000, 0, ACK, 50);
        talk.a = talk.a.wrapping_add(50);
        talk.b(10_350, 0, ACK, 0);
        assert_eq!(talk.seat.only().out.rtt.unwrap().samples, 3);
    }
}

#[test]
fn a_request_for_a_connection_that_is_repeated_is_a_retransmission() {
    let mut talk = Talk { seat: Seat::new(10), a: 77, b: 5000, id: 0 };
    talk.a(0, 0, SYN, 0);
    talk.a(900_000, 0, SYN, 0);
    talk.a += 1;
    talk.b(900_300, 0, SYN | ACK, 0);
    let row = talk.seat.only();
    assert_eq!((row.out.retransmits, row.out.rtt), (1, None));
    // The ports come again with another connection: its numbers are not compared with the first one's.
    talk.a = 12;
    talk.a(990_000, 0, SYN, 0);
    talk.a += 1;
    talk.b = 9;
    talk.b(990_200, 0, SYN | ACK, 0);
    let row = talk.seat.only();
    assert_eq!((row.out.retransmits, row.out.rtt.unwrap().samples), (1, 1));
}

#[test]
fn a_keep_alive_is_neither_data_nor_sent_again() {
    let mut talk = Talk::begun(1000);
    talk.a(1000, 0, ACK, 10);
    talk.a += 10;
    talk.b(1400, 0, ACK, 0);
    for at in [100_000, 200_000] {
        talk.a(at, -1, ACK, 0);
        talk.b(at + 300, 0, ACK, 0);
        talk.a(at + 1000, -1, ACK, 1);
        talk.b(at + 1300, 0, ACK, 0);
    }
    let row = talk.seat.only();
    assert_eq!((row.out.retransmits, row.back.dups, row.out.out_of_order), (0, 0, 0));
    // One byte that was not acknowledged is sent again.
    talk.a(300_000, 0, ACK, 1);
    talk.a += 1;
    talk.a(500_000, -1, ACK, 1);
    assert_eq!(talk.seat.only().out.retransmits, 1);
}

#[test]
fn an_acknowledgement_that_moves_the_window_is_no_duplicate() {
    let mut talk = Talk::begun(1000);
    talk.a(1000, 0, ACK, 100);
    talk.a(1010, 100, ACK, 100);
    talk.b(1300, 100, ACK, 0);
    talk.b(1310, 100, ACK, 0);
    assert_eq!(talk.seat.only().back.dups, 1);
    let mut wider = segment((80, 40_112), talk.b, talk.a + 100, ACK, 0);
    wider[14] = 4;
    talk.seat.ip(1320, &Four { id: 99, ..four(B, A) }.carries(6, &wider));
    assert_eq!(talk.seat.only().back.dups, 1);
    // Nor is one when nothing is outstanding.
    talk.b(1400, 200, ACK, 0);
    talk.b(1410, 200, ACK, 0);
    assert_eq!(talk.seat.only().back.dups, 1);
}

#[test]
fn what_was_overtaken_is_not_sent_again_unless_a_round_trip_is_over() {
    for (late, order, again) in [(100, 1, 0), (2000, 0, 1)] {
        let mut talk = Talk::begun(1000);
        talk.a(1000, 0, ACK, 100);
        talk.a(1010, 200, ACK, 100);
        talk.a(1010 + late, 100, ACK, 100);
        let row = talk.seat.only();
        assert_eq!((row.out.out_of_order, row.out.retransmits), (order, again), "{late}");
    }
}
