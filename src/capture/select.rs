//! Which packets are wanted, in the filter language and three words of our own: `vxlan`, `vni N` and `node NAME`.
//! What holds none of these words goes to the filter compiler whole; the rest is put together here.

use super::bpf::Program;
use super::inner::{self, Inner};
use super::nodes::{Node, Nodes, addresses};
use super::packet::{Link, Packet};

/// An expression that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Something is missing or too much.
    #[error("{0}")]
    Syntax(String),
    /// No lease is of this node.
    #[error("no lease names a node {0:?}{1}")]
    Node(String, String),
}

/// One test.
#[derive(Clone, Debug)]
enum Test {
    /// Words of the filter language, compiled for a frame and for a bare IP packet.
    Words(Program, Program),
    /// The packet is a tunnel's.
    Tunnel,
    /// It is of this network.
    Vni(u32),
    /// One of its ends is this node's.
    Node(Node),
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
}

/// Which packets are wanted.
#[derive(Clone, Debug)]
pub struct Select(Test);

/// What a packet is held against: itself, and the packet around or inside.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// How its first bytes are to be read.
    pub link: Link,
    /// What was captured of it.
    pub data: &'a [u8],
    /// How long it is.
    pub len: u32,
    /// The tunnel that it is of or carries.
    pub tunnel: Option<Inner<'a>>,
}

impl<'a> Held<'a> {
    /// The packet as it is.
    pub fn outer(packet: &Packet<'a>, tunnel: Option<Inner<'a>>) -> Self {
        Self { link: packet.link, data: packet.data, len: packet.len, tunnel }
    }

    /// The packet inside a tunnel.
    pub fn inner(inner: Inner<'a>) -> Self {
        Self { link: inner.link, data: inner.data, len: inner.len, tunnel: Some(inner) }
    }
}

/// Compiles words for a frame and for a bare IP packet.
pub type Compile<'a, E> = &'a dyn Fn(&str) -> Result<(Program, Program), E>;

/// True if the expression has words of our own.
pub fn is_ours(expr: &str) -> bool {
    words(expr).iter().any(|word| matches!(*word, "vxlan" | "vni" | "node"))
}

impl Select {
    /// Reads an expression.
    pub fn read<E: From<Unread>>(expr: &str, nodes: &Nodes, compile: Compile<'_, E>) -> Result<Self, E> {
        let words = words(expr);
        let mut reader = Reader { words: &words, at: 0, depth: 0, nodes, compile };
        let test = reader.whole()?;
        match reader.peek() {
            None => Ok(Self(test)),
            Some(word) => Err(Unread::Syntax(format!("{word:?} is not expected here")).into()),
        }
    }

    /// True if the packet is wanted.
    pub fn takes(&self, held: &Held<'_>) -> bool {
        self.0.holds(held)
    }
}

impl Test {
    fn holds(&self, held: &Held<'_>) -> bool {
        match self {
            Self::Words(frame, bare) => match held.link {
                Link::RAW => bare.matches(held.data, held.len),
                _ => frame.matches(held.data, held.len),
            },
            Self::Tunnel => held.tunnel.is_some(),
            Self::Vni(vni) => held.tunnel.is_some_and(|tunnel| tunnel.vni == Some(*vni)),
            Self::Node(node) => inner::ip(held.link, held.data).is_ok_and(|ip| {
                let (src, dst) = addresses(ip.ends);
                node.owns(src) || node.owns(dst)
            }),
            Self::Not(test) => !test.holds(held),
            Self::And(one, other) => one.holds(held) && other.holds(held),
            Self::Or(one, other) => one.holds(held) || other.holds(held),
        }
    }
}

/// Words and signs; parentheses and `!` stand for themselves.
fn words(expr: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for word in expr.split_whitespace() {
        let mut rest = word;
        while let Some(at) = rest.find(['(', ')', '!']) {
            // `!=` is an operator of the filter language.
            if rest.get(at..).is_some_and(|r| r.starts_with("!=")) {
                break;
            }
            let (before, from) = rest.split_at(at);
            let (sign, behind) = from.split_at(1);
            words.extend([before, sign].into_iter().filter(|word| !word.is_empty()));
            rest = behind;
        }
        words.extend(Some(rest).filter(|word| !word.is_empty()));
    }
    words
}

fn joins(word: &str) -> bool {
    matches!(word, "and" | "&&" | "or" | "||")
}

/// Parentheses within parentheses past this depth are refused: the stack is finite.
const DEEPEST: u32 = 64;
/// A VNI has 24 bits (RFC 7348, section 5).
const VNI_MOST: u32 = 0x00ff_ffff;

struct Reader<'a, E> {
    words: &'a [&'a str],
    at: usize,
    depth: u32,
    nodes: &'a Nodes,
    compile: Compile<'a, E>,
}

impl<E: From<Unread>> Reader<'_, E> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).copied()
    }

    fn syntax<T>(&self, text: &str) -> Result<T, E> {
        Err(Unread::Syntax(text.to_owned()).into())
    }

    /// Tests that are joined; `and` and `or` bind alike, from the left, as in the filter language.
    fn whole(&mut self) -> Result<Test, E> {
        if let Some(end) = self.foreign_until() {
            return self.foreign(end);
        }
        let mut test = self.one()?;
        while let Some(word) = self.peek().filter(|word| joins(word)) {
            let and = matches!(word, "and" | "&&");
            self.at += 1;
            let other = self.one()?;
            let both = (Box::new(test), Box::new(other));
            test = if and { Test::And(both.0, both.1) } else { Test::Or(both.0, both.1) };
        }
        Ok(test)
    }

    /// Where this level ends, if it has no word of ours.
    fn foreign_until(&self) -> Option<usize> {
        let mut open = 0;
        for (at, word) in self.words.iter().enumerate().skip(self.at) {
            match *word {
                "vxlan" | "vni" | "node" => return None,
                "(" => open += 1,
                ")" if open == 0 => return Some(at),
                ")" => open -= 1,
                _ => {}
            }
        }
        Some(self.words.len())
    }

    fn foreign(&mut self, end: usize) -> Result<Test, E> {
        let text = self.words.get(self.at..end).unwrap_or_default().join(" ");
        self.at = end;
        let (frame, bare) = (self.compile)(&text)?;
        Ok(Test::Words(frame, bare))
    }

    fn one(&mut self) -> Result<Test, E> {
        let Some(word) = self.words.get(self.at).copied() else {
            return self.syntax("the expression ends too early");
        };
        match word {
            "not" | "!" | "(" => {
                if self.depth >= DEEPEST {
                    return self.syntax("the expression is nested too deeply");
                }
                self.at += 1;
                self.depth += 1;
                let test = if word == "(" { self.closed()? } else { Test::Not(Box::new(self.one()?)) };
                self.depth -= 1;
                Ok(test)
            }
            "vxlan" => {
                self.at += 1;
                match self.peek().map(str::parse) {
                    Some(Ok(vni)) if vni <= VNI_MOST => {
                        self.at += 1;
                        Ok(Test::Vni(vni))
                    }
                    _ => Ok(Test::Tunnel),
                }
            }
            "vni" => {
                self.at += 1;
                match self.peek().map(str::parse) {
                    Some(Ok(vni)) if vni <= VNI_MOST => {
                        self.at += 1;
                        Ok(Test::Vni(vni))
                    }
                    _ => self.syntax("vni takes a number up to 16777215"),
                }
            }
            "node" => self.node(),
            word if joins(word) || word == ")" => self.syntax(&format!("{word:?} is not expected here")),
            _ => self.atom(),
        }
    }

    fn closed(&mut self) -> Result<Test, E> {
        let test = self.whole()?;
        if self.peek() != Some(")") {
            return self.syntax("a parenthesis is not closed");
        }
        self.at += 1;
        Ok(test)
    }

    fn node(&mut self) -> Result<Test, E> {
        let Some(name) = self.words.get(self.at + 1).copied() else {
            return self.syntax("node takes a name");
        };
        self.at += 2;
        match self.nodes.named(name) {
            Some(node) => Ok(Test::Node(node.clone())),
            None => {
                let known: Vec<&str> = self.nodes.0.iter().map(|node| node.name.as_str()).collect();
                let known = if known.is_empty() {
                    "; no leases are known here".to_owned()
                } else {
                    format!("; there are: {}", known.join(", "))
                };
                Err(Unread::Node(name.to_owned(), known).into())
            }
        }
    }

    /// Words of the filter language up to the next that joins, parentheses among them whole.
    fn atom(&mut self) -> Result<Test, E> {
        let (mut end, mut open) = (self.at, 0u32);
        while let Some(word) = self.words.get(end) {
            match *word {
                "(" => open += 1,
                ")" if open == 0 => break,
                ")" => open -= 1,
                word if joins(word) && open == 0 => break,
                _ => {}
            }
            end += 1;
        }
        self.foreign(end)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::{Held, Link, Select, Unread, is_ours};
    use crate::capture::bpf::{Insn, Program};
    use crate::capture::inner::{Inner, Kind};
    use crate::capture::nodes::{Node, Nodes};

    /// Takes everything if the words are `yes`, else nothing; notes what it was given.
    fn read(expr: &str) -> Result<(Select, Vec<String>), Unread> {
        let seen = RefCell::new(Vec::new());
        let ends = |k| Program(vec![Insn { code: 6, jt: 0, jf: 0, k }]);
        let compile = |text: &str| {
            seen.borrow_mut().push(text.to_owned());
            let k = u32::from(text == "yes");
            Ok((ends(k), ends(k)))
        };
        let node = Node { name: "b".into(), nets: vec![([10, 2, 0, 0].into(), 16)], publics: Vec::new() };
        let select = Select::read(expr, &Nodes(vec![node]), &compile)?;
        Ok((select, seen.into_inner()))
    }

    fn takes(expr: &str, vni: u32) -> bool {
        let mut packet = [0u8; 34];
        packet[12..15].copy_from_slice(&[8, 0, 0x45]);
        packet[26..34].copy_from_slice(&[10, 1, 0, 1, 10, 2, 0, 1]);
        let tunnel = Inner {
            kind: Kind::Vxlan,
            vni: Some(vni),
            group: None,
            link: Link::ETHERNET,
            data: &packet,
            len: 34,
        };
        read(expr).unwrap().0.takes(&Held::inner(tunnel))
    }

    #[test]
    fn words_of_the_filter_language_go_to_its_compiler_whole() {
        assert_eq!(
            read("tcp port (80 or 443) and not arp").unwrap().1,
            ["tcp port ( 80 or 443 ) and not arp"]
        );
        assert_eq!(
            read("vni 1 and (host a or host b) or tcp port (80 or 443)").unwrap().1,
            ["host a or host b", "tcp port ( 80 or 443 )"]
        );
        assert!(is_ours("(vni 3)") && !is_ours("host vnice"));
    }

    #[test]
    fn and_and_or_bind_alike_from_the_left() {
        assert!(takes("vni 7 or no and yes", 7));
        assert!(!takes("vni 7 or yes and no", 7));
        assert!(takes("vni 7 or (yes and no)", 7));
        assert!(takes("not vni 8 and yes", 7) && !takes("!vni 7", 7));
    }

    #[test]
    fn a_node_is_either_end_and_must_have_a_lease() {
        assert!(takes("node b and vxlan", 7));
        let error = read("node c and yes").unwrap_err();
        assert_eq!(error.to_string(), "no lease names a node \"c\"; there are: b");
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for expr in [
            "vni",
            "vni x",
            "vni 16777216",
            "vni 3 and",
            "(vni 3",
            "vni 3)",
            "node",
            "or vni 3",
            "vni 3 vni 4",
        ] {
            assert!(matches!(read(expr), Err(Unread::Syntax(_))), "{expr}");
        }
        assert!(matches!(read(&format!("{}vni 3", "(".repeat(5000))), Err(Unread::Syntax(_))));
    }
}
