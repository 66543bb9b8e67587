//! A finding in its five parts, as lines. Prose is broken at blanks; a command never is, but where several are joined
//! each may begin a line of its own: what is pasted from several lines runs as from one.

use super::table::{clean, wrapped};
use crate::finding::{Confidence, Finding, Level};

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns before a part's text.
const MARGIN: usize = 12;

/// One part: its name, who has to run it where that is another node, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: &'static str,
    on: String,
    text: String,
    command: bool,
}

impl Part {
    /// A command for this finding's node.
    pub(super) fn command(name: &'static str, finding: &Finding, here: &str, command: &str) -> Self {
        let on = if finding.node == here { String::new() } else { format!("on {}: ", clean(&finding.node)) };
        Self { name, on, text: clean(command), command: true }
    }

    fn prose(name: &'static str, text: &str) -> Self {
        Self { name, on: String::new(), text: clean(text), command: false }
    }

    /// True for a command of these words.
    pub(super) fn says(&self, command: &str) -> bool {
        self.command && self.text == command
    }

    /// As lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { name, on, text, command } = self;
        let room = WIDTH - MARGIN;
        let all = match command {
            true => joined(on, text, room),
            false => wrapped(text, u16::try_from(room).ok()),
        };
        let line = |(at, line): (usize, String)| {
            let name = if at == 0 { name } else { "" };
            format!("  {name:<9} {line}").trim_end().to_owned()
        };
        all.into_iter().enumerate().map(line).collect()
    }
}

/// Commands joined by `&&`, as many on a line as there is room for; `&&` at the end of a line goes on in the next.
fn joined(on: &str, text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![on.to_owned()];
    let mut commands = text.split(" && ").peekable();
    let mut first = true;
    while let Some(command) = commands.next() {
        let end = if commands.peek().is_some() { " &&" } else { "" };
        let Some(line) = lines.last_mut() else { break };
        let blank = if first { "" } else { " " };
        let long = line.chars().count() + blank.len() + command.chars().count() + end.len() > room;
        if long && !first {
            lines.push(format!("{command}{end}"));
        } else {
            line.push_str(&format!("{blank}{command}{end}"));
        }
        first = false;
    }
    lines
}

/// The head of a finding and its parts; `here` is the node that speaks.
pub(super) fn parts(finding: &Finding, here: &str) -> (String, Vec<Part>) {
    let level = match finding.level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
    };
    let head = format!("{}  {level} on {}", finding.code, clean(&finding.node));
    let mut parts = vec![Part::prose("cause", &finding.cause)];
    parts.extend(finding.evidence.iter().map(|line| Part::prose("evidence", line)));
    parts.push(Part::command("see", finding, here, &finding.see));
    if let Some(fix) = &finding.fix {
        parts.push(Part::command("fix", finding, here, &fix.command));
        parts.extend(fix.lasting.iter().map(|lasting| Part::prose("lasting", lasting)));
    }
    match finding.confidence {
        Confidence::Certain => {}
        Confidence::Likely => parts.push(Part::prose("sure", "likely, not certain")),
        Confidence::Unseen => parts.push(Part::prose("sure", "what would decide it was not seen")),
    }
    (head, parts)
}

/// The five parts of a finding; `here` is the node that speaks.
pub fn finding_lines(finding: &Finding, here: &str) -> Vec<String> {
    let (head, parts) = parts(finding, here);
    std::iter::once(head).chain(parts.iter().flat_map(Part::lines)).collect()
}

/// The words of a text that fit `room`; if there are more, it says so.
pub fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for word in text.split(' ') {
        if kept.chars().count() + word.chars().count() + 2 > room {
            break;
        }
        kept.push_str(word);
        kept.push(' ');
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, finding_lines, shortened};
    use crate::finding::Finding;

    const COMMANDS: [&str; 3] = [
        "ip link set flannel.1 address 06:b6:32:f6:5a:5b",
        "ip neigh replace 10.244.125.0 lladdr 42:70:9a:8a:8f:47 dev flannel.1 nud permanent",
        "ip route replace 10.244.231.0/24 via 10.244.231.0 dev flannel.1 onlink",
    ];

    fn finding() -> Finding {
        let cause = "word ".repeat(60);
        Finding::new("vtep.mac", "node2", cause.trim(), "ip link")
            .evidence("word ".repeat(40))
            .fix(COMMANDS.join(" && "))
    }

    #[test]
    fn no_line_is_too_long_and_every_command_is_whole() {
        let lines = finding_lines(&finding(), "node2");
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
        let fix: Vec<&str> =
            lines.iter().skip_while(|line| !line.starts_with("  fix ")).map(|line| &line[12..]).collect();
        assert_eq!(
            fix,
            [format!("{} &&", COMMANDS[0]), format!("{} &&", COMMANDS[1]), COMMANDS[2].to_owned()]
        );
        // What a shell makes of these lines is what it makes of the one.
        assert_eq!(fix.join(" "), COMMANDS.join(" && "));
        let long = Finding::new("vtep.mac", "node2", "cause", "ip link").fix("x".repeat(150));
        assert!(finding_lines(&long, "node2").contains(&format!("  fix       {}", "x".repeat(150))));
    }

    #[test]
    fn a_command_for_another_node_names_it() {
        let lines = finding_lines(&finding(), "node1");
        assert!(lines.contains(&"  see       on node2: ip link".to_owned()), "{lines:#?}");
        assert!(lines.contains(&format!("  fix       on node2: {} &&", COMMANDS[0])), "{lines:#?}");
        assert!(!finding_lines(&finding(), "node2").iter().any(|line| line.contains("on node2:")));
    }

    #[test]
    fn a_text_is_cut_between_words() {
        assert_eq!(shortened("one two three", 13), "one two three");
        assert_eq!(shortened("one two three four", 13), "one two …");
        assert_eq!(shortened("one", 1), "…");
        for room in 2..40 {
            assert!(shortened("frames for node2 are sent to 192.168.50.99", room).chars().count() <= room);
        }
    }
}
