//! Classic BPF: a filter as the compiler gives it, run over a packet, and printed as `tcpdump -d` prints it.
//! Bounds are checked at every load, and jumps only go forward, so that any program ends on any packet.

use std::fmt::Write;

/// One instruction, as in `struct bpf_insn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// Class, size and mode.
    pub code: u16,
    /// Instructions to pass over if a condition holds.
    pub jt: u8,
    /// And if it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// A compiled filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program(pub Vec<Insn>);

/// Words of scratch memory.
const MEMORY: usize = 16;

impl Program {
    /// Bytes of the packet that are wanted, 0 if it does not match. `wire` is its length before it was cut.
    pub fn run(&self, packet: &[u8], wire: u32) -> u32 {
        self.machine(packet, wire).unwrap_or(0)
    }

    /// True if the packet matches; every packet matches the empty program.
    pub fn matches(&self, packet: &[u8], wire: u32) -> bool {
        self.0.is_empty() || self.run(packet, wire) != 0
    }

    /// `None` ends the run without a match: a load beyond the packet, or a program that is none.
    fn machine(&self, packet: &[u8], wire: u32) -> Option<u32> {
        let (mut a, mut x, mut memory) = (0u32, 0u32, [0u32; MEMORY]);
        let mut at = 0usize;
        loop {
            let Insn { code, jt, jf, k } = *self.0.get(at)?;
            at += 1;
            let operand = if code & 8 == 0 { k } else { x };
            let cell = (k as usize) % MEMORY;
            match code & 7 {
                0 => a = load(code, k, x, packet, wire, &memory)?,
                1 => {
                    x = match code & 0xe0 {
                        0xa0 => u32::from(packet.get(k as usize)? & 15) << 2,
                        _ => load(code, k, x, packet, wire, &memory)?,
                    }
                }
                2 => *memory.get_mut(cell)? = a,
                3 => *memory.get_mut(cell)? = x,
                4 => a = alu(code, a, operand)?,
                5 => {
                    let yes = match code & 0xf0 {
                        0x00 => {
                            at = at.checked_add(k as usize)?;
                            continue;
                        }
                        0x10 => a == operand,
                        0x20 => a > operand,
                        0x30 => a >= operand,
                        0x40 => a & operand != 0,
                        _ => return None,
                    };
                    at += usize::from(if yes { jt } else { jf });
                }
                6 => return Some(if code & 0x18 == 0x10 { a } else { k }),
                _ if code & 0xf8 == 0 => x = a,
                _ => a = x,
            }
        }
    }

    /// As `-d` prints it.
    pub fn listing(&self) -> String {
        let mut text = String::new();
        for (at, insn) in self.0.iter().enumerate() {
            let _ = writeln!(text, "{}", words(at, *insn));
        }
        text
    }

    /// As `-dd` prints it: C.
    pub fn as_c(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, i| {
            let _ = writeln!(text, "{{ 0x{:x}, {}, {}, 0x{:08x} }},", i.code, i.jt, i.jf, i.k);
            text
        })
    }

    /// As `-ddd` prints it: numbers.
    pub fn as_numbers(&self) -> String {
        self.0.iter().fold(format!("{}\n", self.0.len()), |mut text, i| {
            let _ = writeln!(text, "{} {} {} {}", i.code, i.jt, i.jf, i.k);
            text
        })
    }
}

fn load(code: u16, k: u32, x: u32, packet: &[u8], wire: u32, memory: &[u32; MEMORY]) -> Option<u32> {
    let from = match code & 0xe0 {
        0x00 => return Some(k),
        0x20 => k as usize,
        0x40 => (x as usize).checked_add(k as usize)?,
        0x60 => return memory.get(k as usize).copied(),
        0x80 => return Some(wire),
        _ => return None,
    };
    let rest = packet.get(from..)?;
    match code & 0x18 {
        0x00 => rest.first_chunk().map(|word| u32::from_be_bytes(*word)),
        0x08 => rest.first_chunk().map(|word| u32::from(u16::from_be_bytes(*word))),
        _ => rest.first().map(|byte| u32::from(*byte)),
    }
}

fn alu(code: u16, a: u32, by: u32) -> Option<u32> {
    Some(match code & 0xf0 {
        0x00 => a.wrapping_add(by),
        0x10 => a.wrapping_sub(by),
        0x20 => a.wrapping_mul(by),
        0x30 => a.checked_div(by)?,
        0x40 => a | by,
        0x50 => a & by,
        0x60 => a.checked_shl(by).unwrap_or(0),
        0x70 => a.checked_shr(by).unwrap_or(0),
        0x80 => a.wrapping_neg(),
        0x90 => a.checked_rem(by)?,
        0xa0 => a ^ by,
        _ => return None,
    })
}

/// One line of `-d`.
fn words(at: usize, insn: Insn) -> String {
    let Insn { code, jt, jf, k } = insn;
    let by_x = code & 8 != 0;
    let operand = if by_x { "x".to_owned() } else { format!("#0x{k:x}") };
    let size = match code & 0x18 {
        0x00 => "",
        0x08 => "h",
        _ => "b",
    };
    let place = match code & 0xe0 {
        0x00 => format!("#0x{k:x}"),
        0x20 => format!("[{k}]"),
        0x40 => format!("[x + {k}]"),
        0x60 => format!("M[{k}]"),
        0x80 => "#pktlen".to_owned(),
        _ => format!("4*([{k}]&0xf)"),
    };
    let (name, operand) = match code & 7 {
        0 => (format!("ld{size}"), place),
        1 if code & 0xe0 == 0xa0 => ("ldxb".to_owned(), place),
        1 => (format!("ldx{size}"), place),
        2 => ("st".to_owned(), format!("M[{k}]")),
        3 => ("stx".to_owned(), format!("M[{k}]")),
        4 => {
            let names = ["add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor"];
            let name = names.get(usize::from(code >> 4 & 15)).copied().unwrap_or("unimp");
            let plain = matches!(name, "add" | "sub" | "mul" | "div" | "lsh" | "rsh" | "mod") && !by_x;
            let operand = if plain { format!("#{k}") } else { operand };
            (name.to_owned(), if name == "neg" { String::new() } else { operand })
        }
        5 if code & 0xf0 == 0 => ("ja".to_owned(), format!("{}", at + 1 + k as usize)),
        5 => {
            let names = ["ja", "jeq", "jgt", "jge", "jset"];
            (names.get(usize::from(code >> 4 & 15)).copied().unwrap_or("unimp").to_owned(), operand)
        }
        6 => ("ret".to_owned(), if code & 0x18 == 0x10 { String::new() } else { format!("#{k}") }),
        _ => (if code & 0xf8 == 0 { "tax" } else { "txa" }.to_owned(), String::new()),
    };
    if code & 7 == 5 && code & 0xf0 != 0 {
        let (yes, no) = (at + 1 + usize::from(jt), at + 1 + usize::from(jf));
        return format!("({at:03}) {name:<8} {operand:<17}jt {yes}\tjf {no}");
    }
    format!("({at:03}) {name:<8} {operand}")
}

#[cfg(test)]
mod tests {
    use super::{Insn, Program};

    fn arp() -> Program {
        let insn = |code, jt, jf, k| Insn { code, jt, jf, k };
        Program(vec![insn(40, 0, 0, 12), insn(21, 0, 1, 0x806), insn(6, 0, 0, 262_144), insn(6, 0, 0, 0)])
    }

    #[test]
    fn a_filter_takes_what_it_asks_for_and_no_cut_packet() {
        let mut frame = vec![0; 14];
        assert_eq!(arp().run(&frame, 14), 0);
        frame[12..].copy_from_slice(&[8, 6]);
        assert_eq!(arp().run(&frame, 14), 262_144);
        assert_eq!(arp().run(&frame[..13], 14), 0);
        assert!(Program::default().matches(&[], 0));
    }

    #[test]
    fn the_listing_is_tcpdumps() {
        let want = "(000) ldh      [12]\n(001) jeq      #0x806           jt 2\tjf 3\n\
                    (002) ret      #262144\n(003) ret      #0\n";
        assert_eq!(arp().listing(), want);
        assert_eq!(arp().as_numbers(), "4\n40 0 0 12\n21 0 1 2054\n6 0 0 262144\n6 0 0 0\n");
        assert!(arp().as_c().ends_with("{ 0x6, 0, 0, 0x00000000 },\n"));
    }
}
