//! Findings as a report: each in its five parts, with flanctl's own form of the repair; many of one code as one.

use super::parts::{Part, parts};
use crate::finding::Finding;

/// More findings of one code than this are shown as one with a count.
pub const MOST: usize = 3;

/// flanctl's own form of a finding's repair, for hosts without the program that the command names.
pub fn own_form(finding: &Finding) -> Option<String> {
    let command = &finding.fix.as_ref()?.command;
    let mended = !command.starts_with("sudo flanctl ");
    mended.then(|| format!("flanctl doctor --fix --only {}", finding.code))
}

/// The findings of one code and node, in the order in which the first of each comes.
pub fn kinds(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut kinds: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let same = |kind: &&mut Vec<&Finding>| {
            kind.first().is_some_and(|first| first.code == finding.code && first.node == finding.node)
        };
        match kinds.iter_mut().find(same) {
            Some(kind) => kind.push(finding),
            None => kinds.push(vec![finding]),
        }
    }
    kinds
}

/// The lines of a report that node `here` gives; with `all`, every finding is told in full.
pub fn report_lines(findings: &[Finding], here: &str, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for kind in kinds(findings) {
        let fold = kind.len() > MOST && !all;
        for finding in kind.iter().take(if fold { 1 } else { kind.len() }) {
            lines.extend(whole(finding, here, fold.then_some(kind.len())));
            lines.push(String::new());
        }
    }
    lines
}

/// One finding; `count` if it stands for so many.
fn whole(finding: &Finding, here: &str, count: Option<usize>) -> Vec<String> {
    let (head, parts) = parts(finding, here);
    let own = own_form(finding);
    let head = match count {
        Some(count) => format!("{head}, {count} of this kind: the first (-v shows all)"),
        None => head,
    };
    let mut lines = vec![head];
    for part in parts {
        match own.as_deref().filter(|_| part.name == "fix") {
            // One command mends one of them; flanctl's form mends all.
            Some(own) if count.is_some() => lines.extend(Part::command("fix", finding, here, own).lines()),
            Some(own) if !part.says(own) => {
                lines.extend(part.lines());
                lines.extend(Part::command("or", finding, here, own).lines());
            }
            _ => lines.extend(part.lines()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::report_lines;
    use crate::finding::Finding;

    fn missing(n: usize) -> Finding {
        let cause = format!("node{n} owns 10.244.{n}.0/24");
        Finding::new("route.missing", "node1", cause, "ip route").fix(format!("ip route replace {n}"))
    }

    #[test]
    fn many_of_a_kind_are_one_with_a_count_and_the_fix_of_all() {
        let few: Vec<Finding> = (0..3).map(missing).collect();
        let text = report_lines(&few, "node1", false).join("\n");
        assert_eq!(text.matches("route.missing  error").count(), 3, "{text}");
        assert!(text.contains("fix       ip route replace 1"), "{text}");
        let many: Vec<Finding> = (0..4).map(missing).collect();
        let text = report_lines(&many, "node1", false).join("\n");
        assert_eq!(text.matches("route.missing  error").count(), 1, "{text}");
        assert!(text.contains("4 of this kind"), "{text}");
        assert!(text.contains("fix       flanctl doctor --fix --only route.missing"), "{text}");
        assert_eq!(report_lines(&many, "node1", true).join("\n").matches("route.missing  error").count(), 4);
    }
    #[test]
    fn what_another_node_has_to_do_is_not_told_as_if_it_were_this_ones() {
        let text = report_lines(&[missing(1)], "node7", false).join("\n");
        assert!(text.contains("  fix       on node1: ip route replace 1\n"), "{text}");
        assert!(text.contains("  or        on node1: flanctl doctor --fix --only route.missing\n"), "{text}");
        let many: Vec<Finding> = (0..4).map(missing).collect();
        let text = report_lines(&many, "node7", false).join("\n");
        assert!(text.contains("  fix       on node1: flanctl doctor --fix --only route.missing\n"), "{text}");
    }
}
