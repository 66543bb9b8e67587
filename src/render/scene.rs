//! A packet's way as a drawing without a form yet: boxes, grouped by where they stand, and the arrows between them.
//! Decides what is drawn and how it is marked; `dot` and `svg` spell it.

use super::path::protocol;
use super::table::clean;
use crate::finding::Level;
use crate::trace::{Mark, Path, Step, Verdict};

/// Characters of a box's line; what is longer goes on in the next one.
const LINE: usize = 78;
/// Characters of a name in the title.
const NAME: usize = 40;
/// Lines that one text may take.
const LINES: usize = 4;

/// How a box or an arrow looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// As it should be.
    Fine,
    /// Where the packet dies.
    Bad,
    /// Not seen, or never reached.
    Unseen,
}

/// A box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// Name of the stage, or an address.
    pub(super) name: String,
    /// What stands there.
    pub(super) lines: Vec<String>,
    pub(super) look: Look,
    /// An end of the way, not a stage.
    pub(super) end: bool,
    /// Which of [`Scene::groups`] it stands in.
    pub(super) group: Option<usize>,
}

/// An arrow between two boxes, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) look: Look,
    /// Codes of what is wrong there.
    pub(super) label: String,
}

/// The drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scene {
    pub(super) title: String,
    /// Names of the hosts on the way.
    pub(super) groups: Vec<String>,
    /// In the order of the packet.
    pub(super) blocks: Vec<Block>,
    pub(super) arrows: Vec<Arrow>,
}

/// Draws a path, and the answer's, where one comes.
pub(super) fn scene(path: &Path) -> Scene {
    let (src, dst) = (source(path), path.query.dst.to_string());
    let title = format!("{} to {dst}, {}: {}", cut(&src), protocol(&path.query), verdict(path));
    let mut scene = Scene { title, groups: Vec::new(), blocks: Vec::new(), arrows: Vec::new() };
    let lost = |steps: &[Step]| steps.iter().any(|step| step.mark == Mark::Bad);
    let end = |steps: &[Step]| match path.verdict {
        Verdict::Delivered => Look::Fine,
        _ if path.back.is_empty() || lost(steps) => Look::Unseen,
        _ => Look::Fine,
    };
    scene.end(&src, Look::Fine);
    for step in &path.steps {
        let group = scene.group(&shown(&step.node));
        scene.stage(step, group, path);
    }
    scene.branches(path);
    scene.end(&dst, end(&path.steps));
    for step in &path.back {
        let group = scene.group(&format!("the answer, on {}", shown(&step.node)));
        scene.stage(step, group, path);
    }
    if !path.back.is_empty() {
        scene.end(&src, end(&path.back));
    }
    scene
}

/// So much of a name as a title has room for.
fn cut(name: &str) -> String {
    match name.char_indices().nth(NAME) {
        Some((at, _)) => name.get(..at).unwrap_or_default().to_owned() + "…",
        None => name.to_owned(),
    }
}

/// Where it starts: the pod, and the address that it bears.
fn source(path: &Path) -> String {
    match (path.pod.as_deref().map(shown), path.src) {
        (Some(pod), Some(ip)) => format!("{pod} ({ip})"),
        (Some(pod), None) => pod,
        (None, Some(ip)) => ip.to_string(),
        (None, None) => "this host".to_owned(),
    }
}

/// Control characters, and those that turn the direction of what follows, are not drawn.
fn shown(text: &str) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let drawable = |c: char| !turns(c) && !matches!(c, '\u{fffe}' | '\u{ffff}');
    clean(text).chars().map(|c| if drawable(c) { c } else { '\u{fffd}' }).collect()
}

fn verdict(path: &Path) -> String {
    match &path.verdict {
        Verdict::Rejected(told) => format!("{} ({})", path.verdict.word(), shown(told)),
        verdict => verdict.word().to_owned(),
    }
}

fn look(mark: Mark) -> Look {
    match mark {
        Mark::Ok => Look::Fine,
        Mark::Bad => Look::Bad,
        Mark::Unseen => Look::Unseen,
    }
}

/// A text in lines that fit a box; the last one says that there was more.
fn fitted(text: &str) -> Vec<String> {
    let mut lines = super::table::wrapped(&shown(text), u16::try_from(LINE).ok());
    if lines.len() > LINES {
        lines.truncate(LINES);
        if let Some(last) = lines.last_mut() {
            *last = last.chars().take(LINE - 2).collect::<String>() + " …";
        }
    }
    lines
}

impl Scene {
    /// The group of this name that the way is in, or a new one: a host that is met again is drawn again.
    fn group(&mut self, name: &str) -> usize {
        if self.groups.last().is_none_or(|last| last != name) {
            self.groups.push(name.to_owned());
        }
        self.groups.len().saturating_sub(1)
    }

    fn end(&mut self, name: &str, look: Look) {
        self.put(Block { name: shown(name), lines: Vec::new(), look, end: true, group: None }, "");
    }

    fn stage(&mut self, step: &Step, group: usize, path: &Path) {
        let lease = step.lease.iter().flat_map(|lease| fitted(lease));
        let lines = fitted(&step.object).into_iter().chain(lease).collect();
        let bare = step.id.strip_prefix("far-").or(step.id.strip_prefix("back-")).unwrap_or(&step.id);
        let block = Block { name: shown(bare), lines, look: look(step.mark), end: false, group: Some(group) };
        let bad = path.findings.iter().filter(|finding| finding.level == Level::Error);
        let codes: Vec<&str> = bad.map(|finding| finding.code).collect();
        self.put(block, if step.mark == Mark::Bad { codes.first().copied().unwrap_or("") } else { "" });
    }

    /// One box a server; the arrows fan out from the draw, and together again.
    fn branches(&mut self, path: &Path) {
        let fork = self.blocks.len().saturating_sub(1);
        let Some(group) = self.blocks.get(fork).and_then(|block| block.group) else { return };
        for branch in &path.branches {
            let look = match branch.verdict {
                Verdict::Delivered => Look::Fine,
                Verdict::DeliveredIf => Look::Unseen,
                _ => Look::Bad,
            };
            let (to, end) = (self.blocks.len(), fork + path.branches.len() + 1);
            let lines = vec![branch.verdict.word().to_owned()];
            self.blocks.push(Block { name: shown(&branch.to), lines, look, end: false, group: Some(group) });
            self.arrows.push(Arrow { from: fork, to, look: Look::Fine, label: String::new() });
            self.arrows.push(Arrow { from: to, to: end, look, label: String::new() });
        }
    }

    /// Adds a box and the arrow that leads to it. The arrow that leads on from where the packet dies is the failing
    /// one; `codes` names what is wrong at this box and is written beside that arrow.
    fn put(&mut self, block: Block, codes: &str) {
        let to = self.blocks.len();
        if let Some(before) = self.blocks.last() {
            if let Some(arrow) = self.arrows.last_mut().filter(|arrow| arrow.to == to) {
                // It was drawn with the box that it leaves.
                arrow.look = before.look;
            } else {
                let look = before.look;
                self.arrows.push(Arrow { from: to.saturating_sub(1), to, look, label: String::new() });
            }
        }
        self.blocks.push(block);
        if !codes.is_empty() {
            self.arrows.push(Arrow { from: to, to: to + 1, look: Look::Bad, label: codes.to_owned() });
        }
    }
}
