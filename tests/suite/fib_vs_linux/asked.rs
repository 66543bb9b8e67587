//! Many questions for one process of `ip`: answers on standard output in order, failures by line on the other.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

/// `ip FLAGS -force -batch -` of these lines: what it said on either stream.
pub(super) fn batch(flags: &[&str], lines: &[String]) -> (String, String) {
    let mut child = Command::new("ip")
        .args(flags)
        .args(["-force", "-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = lines.join("\n");
    text.push('\n');
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
}

/// What became of every line, by its number from 0: the failed ones, and why.
pub(super) fn failures(said: &str) -> BTreeMap<usize, String> {
    let mut failed = BTreeMap::new();
    let mut why = String::new();
    for line in said.lines() {
        match line.strip_prefix("Command failed -:") {
            Some(number) => {
                drop(failed.insert(number.parse::<usize>().unwrap() - 1, std::mem::take(&mut why)))
            }
            None => why = line.trim_start_matches("RTNETLINK answers: ").to_owned(),
        }
    }
    failed
}

/// The answer to each line: one row, or the errno's sentence.
pub(super) fn ask(flag: &str, lines: &[String]) -> Vec<Result<serde_json::Value, String>> {
    let (out, said) = batch(&[flag, "-j"], lines);
    let mut failed = failures(&said);
    let mut rows = serde_json::Deserializer::from_str(&out).into_iter::<serde_json::Value>();
    let answer = |at| match failed.remove(&at) {
        Some(why) => Err(why),
        None => Ok(rows.next().unwrap().unwrap()[0].take()),
    };
    (0..lines.len()).map(answer).collect()
}
