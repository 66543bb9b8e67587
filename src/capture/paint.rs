//! Lines for a terminal: what lies within a tunnel is indented, and what matters is coloured.

const RESET: &[u8] = b"\x1b[0m";
const RED: &[u8] = b"\x1b[31m";
const CYAN: &[u8] = b"\x1b[36m";

/// What tells of something wrong, wherever it stands in a line.
const WRONG: &[&[u8]] = &[
    b"(invalid)",
    b"(incorrect",
    b"[bad ",
    b"bad cksum",
    b"wrong icmp cksum",
    b"unreachable",
    b"time exceeded",
    b"Flags [R",
    b"[|",
];

/// What is done to the text of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paint {
    /// Each frame within a frame stands further right.
    pub indented: bool,
    /// Names of nodes and what is wrong have colours.
    pub coloured: bool,
}

impl Paint {
    /// Writes one packet's lines, their ends included; `nodes` are the names that stand in brackets behind addresses.
    pub fn packet(&self, text: &[u8], nodes: &[&str], out: &mut Vec<u8>) {
        let mut depth = 0;
        for (n, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            // A line at the margin is a frame within the one before; others go on with what they stand under.
            depth += usize::from(n > 0 && !matches!(line.first(), Some(b' ' | b'\t' | b'\n') | None));
            if self.indented {
                out.resize(out.len() + 4 * depth, b' ');
            }
            if self.coloured {
                coloured(line, nodes, out);
            } else {
                out.extend_from_slice(line);
            }
        }
    }
}

fn coloured(mut line: &[u8], nodes: &[&str], out: &mut Vec<u8>) {
    while let Some((&byte, rest)) = line.split_first() {
        let (colour, len) = match byte {
            b'(' => (CYAN, node(rest, nodes).map_or(0, |len| len + 1)),
            _ => (RED, 0),
        };
        let (colour, len) = if len > 0 { (colour, len) } else { (RED, wrong(line)) };
        if len == 0 {
            out.push(byte);
            line = rest;
            continue;
        }
        let (marked, rest) = line.split_at_checked(len).unwrap_or((line, &[]));
        out.extend_from_slice(colour);
        out.extend_from_slice(marked);
        out.extend_from_slice(RESET);
        line = rest;
    }
}

/// The length of a node's name and its bracket.
fn node(rest: &[u8], nodes: &[&str]) -> Option<usize> {
    let named =
        |name: &&&str| rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b')'));
    nodes.iter().find(named).map(|name| name.len() + 1)
}

/// The length of what is wrong, if the line begins with it: up to the end of its bracket.
fn wrong(line: &[u8]) -> usize {
    let Some(word) = WRONG.iter().find(|word| line.starts_with(word)) else { return 0 };
    let close = match word.first() {
        Some(b'(') => b')',
        Some(b'[') => b']',
        _ if word.ends_with(b"[R") => b']',
        _ => return word.len(),
    };
    line.iter()
        .position(|byte| *byte == close || *byte == b'\n')
        .map_or(word.len(), |at| at + usize::from(line.get(at) == Some(&close)))
}

#[cfg(test)]
mod tests {
    use super::Paint;

    fn painted(paint: Paint, text: &str) -> String {
        let mut out = Vec::new();
        paint.packet(text.as_bytes(), &["node-a", "node-b"], &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn frames_within_frames_stand_further_right_and_their_lines_with_them() {
        let paint = Paint { indented: true, coloured: false };
        let text = "IP A > B: VXLAN, vni 1\nIP (tos 0x0)\n    C > D: UDP: VXLAN, vni 2\nARP, Request\n\t0x0000:  00\n";
        let want = "IP A > B: VXLAN, vni 1\n    IP (tos 0x0)\n        C > D: UDP: VXLAN, vni 2\n        ARP, Request\n        \t0x0000:  00\n";
        assert_eq!(painted(paint, text), want);
        assert_eq!(painted(Paint::default(), text), text);
    }

    #[test]
    fn nodes_and_what_is_wrong_have_colours_and_nothing_else() {
        let paint = Paint { indented: false, coloured: true };
        for (text, want) in [
            ("IP 10.244.1.8 (node-a) > C: x\n", "IP 10.244.1.8 \x1b[36m(node-a)\x1b[0m > C: x\n"),
            ("(tos 0x0, proto (node)) (node-b\n", "(tos 0x0, proto (node)) (node-b\n"),
            ("cksum 0x1 (incorrect -> 0x2), seq\n", "cksum 0x1 \x1b[31m(incorrect -> 0x2)\x1b[0m, seq\n"),
            ("Flags [R.], win 0\n", "\x1b[31mFlags [R.]\x1b[0m, win 0\n"),
            ("host X unreachable, length\n", "host X \x1b[31munreachable\x1b[0m, length\n"),
            ("[|ip]\n", "\x1b[31m[|ip]\x1b[0m\n"),
            ("[bad opt\n", "\x1b[31m[bad opt\x1b[0m\n"),
        ] {
            assert_eq!(painted(paint, text), want, "{text}");
        }
    }
}
