//! A packet's way as one SVG picture: nothing outside of it is asked for, and it reads on a light and a dark ground.

use super::scene::{Arrow, Block, Look, Scene, scene};
use crate::trace::Path;

const WIDTH: u32 = 720;
/// A box's left edge and its width.
const LEFT: u32 = 40;
const BOX: u32 = 640;
const MIDDLE: u32 = LEFT + BOX / 2;
/// Room for a line of text, above and below it, and for an arrow.
const ROW: u32 = 17;
const PAD: u32 = 9;
const GAP: u32 = 26;
/// Room that a host's frame takes above its first box and below its last one.
const HEAD: u32 = 28;
const FOOT: u32 = 10;

const STYLE: &str = "svg{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#8c959f;--ground:#ffffff;\
    --box:#f6f8fa;--bad:#b3261e}\
    @media (prefers-color-scheme:dark){svg{--ink:#e6edf3;--soft:#9da7b3;--line:#6e7681;--ground:#0d1117;\
    --box:#161b22;--bad:#ff7b72}}\
    text{font:13px ui-monospace,monospace;fill:var(--ink)}.t{font-weight:bold}.s{fill:var(--soft)}\
    .g{fill:none;stroke:var(--line)}.b{fill:var(--box);stroke:var(--line)}.a{stroke:var(--line);fill:none}\
    .h{fill:var(--line)}.u{stroke-dasharray:5 4}.x{stroke:var(--bad);stroke-width:2}.c{fill:var(--bad)}\
    .w{fill:var(--ground)}";

/// The lines of the picture.
pub fn svg_lines(path: &Path) -> Vec<String> {
    let scene = scene(path);
    let (tops, frames, height) = placed(&scene);
    let title = escaped(&scene.title);
    let mut lines = vec![
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\">"
        ),
        format!("<title>{title}</title>"),
        format!("<style>{STYLE}</style>"),
        format!("<rect class=\"w\" width=\"{WIDTH}\" height=\"{height}\"/>"),
        format!("<text class=\"t\" x=\"{LEFT}\" y=\"26\">{title}</text>"),
    ];
    for (name, (top, bottom)) in scene.groups.iter().zip(&frames) {
        let (left, width, high) = (LEFT - 20, BOX + 40, bottom.saturating_sub(*top));
        lines.push(format!(
            "<rect class=\"g\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{high}\" rx=\"8\"/>"
        ));
        lines.push(format!(
            "<text class=\"s\" x=\"{}\" y=\"{}\">{}</text>",
            left + 10,
            top + 18,
            escaped(name)
        ));
    }
    for (block, top) in scene.blocks.iter().zip(&tops) {
        lines.extend(drawn(block, *top));
    }
    // Boxes stand below each other: an arrow past another box would only cross it.
    for arrow in scene.arrows.iter().filter(|arrow| arrow.to == arrow.from + 1) {
        let from = scene.blocks.get(arrow.from).zip(tops.get(arrow.from)).map(|(b, top)| top + high(b));
        if let (Some(from), Some(to)) = (from, tops.get(arrow.to)) {
            lines.extend(led(arrow, from, *to));
        }
    }
    lines.push("</svg>".to_owned());
    lines
}

/// The height of a box.
fn high(block: &Block) -> u32 {
    let rows = 1 + u32::try_from(block.lines.len()).unwrap_or(0);
    rows * ROW + PAD
}

/// The top of each box, top and bottom of each host's frame, and the height of the whole.
fn placed(scene: &Scene) -> (Vec<u32>, Vec<(u32, u32)>, u32) {
    let mut frames: Vec<(u32, u32)> = Vec::new();
    let mut tops = Vec::new();
    let mut y = 44;
    let mut before = None;
    for block in &scene.blocks {
        if before.is_some() && before != Some(block.group) && before != Some(None) {
            y += FOOT;
        }
        if block.group.is_some() && before != Some(block.group) {
            frames.push((y, y));
            y += HEAD;
        }
        tops.push(y);
        y += high(block);
        if let (Some(_), Some((_, bottom))) = (block.group, frames.last_mut()) {
            *bottom = y + FOOT;
        }
        y += GAP;
        before = Some(block.group);
    }
    (tops, frames, y)
}

fn drawn(block: &Block, top: u32) -> Vec<String> {
    let look = match block.look {
        Look::Fine => "b",
        Look::Bad => "b x",
        Look::Unseen => "b u",
    };
    let round = if block.end { high(block) / 2 } else { 5 };
    let mut lines = vec![format!(
        "<rect class=\"{look}\" x=\"{LEFT}\" y=\"{top}\" width=\"{BOX}\" height=\"{}\" rx=\"{round}\"/>",
        high(block)
    )];
    let x = LEFT + 14;
    let mut y = top + ROW;
    let class = if block.look == Look::Bad { "t c" } else { "t" };
    lines.push(format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escaped(&block.name)));
    for line in &block.lines {
        y += ROW;
        lines.push(format!("<text x=\"{x}\" y=\"{y}\">{}</text>", escaped(line)));
    }
    lines
}

/// An arrow; the failing one ends in a cross before it arrives.
fn led(arrow: &Arrow, from: u32, to: u32) -> Vec<String> {
    let label = |y: u32| {
        let text = escaped(&arrow.label);
        format!("<text class=\"t c\" x=\"{}\" y=\"{y}\">{text}</text>", MIDDLE + 18)
    };
    if arrow.look == Look::Bad {
        let half = from + to.saturating_sub(from).min(GAP) / 2;
        let (left, right, above, below) = (MIDDLE - 6, MIDDLE + 6, half.saturating_sub(6), half + 6);
        return vec![
            format!("<path class=\"a x u\" d=\"M{MIDDLE} {from}V{to}\"/>"),
            format!(
                "<path class=\"a x\" d=\"M{left} {above}L{right} {below}M{right} {above}L{left} {below}\"/>"
            ),
            label(half + 5),
        ];
    }
    let dashed = if arrow.look == Look::Unseen { " u" } else { "" };
    let (left, right, back) = (MIDDLE - 5, MIDDLE + 5, to.saturating_sub(9));
    vec![
        format!("<path class=\"a{dashed}\" d=\"M{MIDDLE} {from}V{to}\"/>"),
        format!("<path class=\"h\" d=\"M{left} {back}H{right}L{MIDDLE} {to}Z\"/>"),
    ]
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use crate::finding::Finding;
    use crate::render::{dot_lines, svg_lines};
    use crate::trace::{Mark, Path, Query, Step, Verdict};

    const HOSTILE: &str = "\"></text><script>x&y</script>\\l\\\"];\n\u{202e}\u{0}]]>";

    fn path() -> Path {
        let dst = "10.5.2.3".parse().unwrap();
        let step = |id: &str, mark, object: &str| Step {
            node: HOSTILE.to_owned(),
            id: id.to_owned(),
            mark,
            object: object.to_owned(),
            lease: Some(HOSTILE.to_owned()),
            command: String::new(),
            more: Vec::new(),
        };
        let long = format!("{HOSTILE} {}", "word ".repeat(400));
        Path {
            steps: vec![step("route", Mark::Unseen, &long), step("fdb", Mark::Bad, HOSTILE)],
            findings: vec![Finding::new("fdb.missing", HOSTILE, HOSTILE, HOSTILE)],
            back: Vec::new(),
            verdict: Verdict::Rejected(HOSTILE.to_owned()),
            ..crate::trace::trace(&snapshot(), &Query::to(dst))
        }
    }

    fn snapshot() -> crate::snapshot::Snapshot {
        let text = include_bytes!("../../fixtures/readers/path.json");
        crate::snapshot::Snapshot::decode(text).unwrap()
    }

    /// Every element is closed in order, every attribute's quotes are closed, and no text holds a bare `<` or `>`.
    fn well_formed(line: &str) -> Vec<String> {
        let mut open = Vec::new();
        for tag in line.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').expect(line);
            assert!(!text.contains('>') && tag.matches('"').count() % 2 == 0, "{line}");
            let name = |t: &str| t.split(' ').next().unwrap().to_owned();
            match tag.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(name(closed)), "{line}"),
                None if tag.ends_with('/') => {}
                None => open.push(name(tag)),
            }
        }
        open
    }

    #[test]
    fn hostile_names_stay_text() {
        let svg = svg_lines(&path());
        for line in svg.iter().skip(1).filter(|line| *line != "</svg>" && !line.starts_with("<style>")) {
            assert_eq!(well_formed(line), Vec::<String>::new(), "{line}");
            assert!(!line.contains("<script") && !line.contains(['\u{202e}', '\n', '\u{0}']), "{line}");
        }
        for line in dot_lines(&path()) {
            let unescaped = line.replace("\\\\", "").replace("\\\"", "");
            assert_eq!(unescaped.matches('"').count() % 2, 0, "{line}");
            assert!(!line.contains(['\u{202e}', '\n', '\u{0}']), "{line}");
        }
    }

    #[test]
    fn the_head_names_the_pod_and_the_port() {
        let from = |pod: &str| {
            let query = Query { proto: 6, dport: Some(443), ..Query::to("10.5.2.3".parse().unwrap()) };
            let src = Some("10.5.1.2".parse().unwrap());
            let path = Path { src, pod: Some(pod.to_owned()), ..crate::trace::trace(&snapshot(), &query) };
            (dot_lines(&path).join("\n"), svg_lines(&path).join("\n"))
        };
        let (dot, svg) = from("web-0");
        let head = "web-0 (10.5.1.2) to 10.5.2.3, tcp 443: delivered";
        assert!(dot.contains(&format!("label=\"{head}\"")), "{dot}");
        assert!(svg.contains(&format!("<title>{head}</title>")), "{svg}");
        assert!(svg.contains(">web-0 (10.5.1.2)</text>"), "{svg}");
        let (_, svg) = from(&"w".repeat(99));
        let head = format!("<title>{}… to 10.5.2.3, tcp 443: delivered</title>", "w".repeat(40));
        assert!(svg.contains(&head), "{svg}");
    }

    #[test]
    fn nothing_outside_of_the_picture_is_asked_for() {
        let all = svg_lines(&path()).join("\n");
        let names = all.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        for word in ["http", "url(", "href", "@import", "<image", "<use"] {
            assert!(!names.contains(word), "{word}");
        }
    }

    #[test]
    fn the_failing_arrow_is_marked_and_the_unseen_one_dashed() {
        let dot = dot_lines(&path()).join("\n");
        assert!(dot.contains("n0 -> n1 [style=solid];") && dot.contains("n1 -> n2 [style=dashed];"), "{dot}");
        assert!(dot.contains("n2 -> n3 [color=red") && dot.contains("label=\"fdb.missing\""), "{dot}");
        let svg = svg_lines(&path()).join("\n");
        assert_eq!(svg.matches("class=\"a x u\"").count(), 1, "{svg}");
        assert_eq!(svg.matches(">fdb.missing</text>").count(), 1, "{svg}");
    }
}
