//! Free text, such as rules as their tools print them: addresses, MACs, known names and comments are found in it.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Redactor;
use crate::net::Mac;

/// Comments that flannel itself writes.
const OURS: &[&str] = &["flanneld masq", "flanneld forward"];

/// What is followed by words that a person wrote.
const NOTES: &[&str] = &["--comment ", "--log-prefix ", "--nflog-prefix ", "comment ", "log prefix "];

impl Redactor {
    /// A text with everything replaced that can be told.
    pub(super) fn text(&self, text: &str) -> String {
        let text = self.notes(text);
        let text = spliced(
            &text,
            |c| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/'),
            |run| self.address(run),
        );
        spliced(
            &text,
            |c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+'),
            |run| self.known(run),
        )
    }

    /// Comments and log prefixes.
    fn notes(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        loop {
            // nft quotes them; a word behind iptables' flag may stand bare, but not behind `-m comment`.
            let marked = NOTES.iter().flat_map(|mark| rest.match_indices(mark));
            let ends = marked.map(|(at, mark)| (at + mark.len(), mark.starts_with('-')));
            let next = ends.filter(|(end, flag)| {
                *flag || rest.get(*end..).is_some_and(|behind| behind.starts_with('"'))
            });
            let next = next.map(|(end, _)| end).min();
            let Some((before, after)) = next.and_then(|at| rest.split_at_checked(at)) else { break };
            out.push_str(before);
            let (note, behind) = word(after);
            let said = note.trim_matches('"');
            match OURS.contains(&said) || said.is_empty() {
                true => out.push_str(note),
                false => out
                    .push_str(&format!("\"note-{:08x}\"", self.space.key.hash(b'c', said.as_bytes()) as u32)),
            }
            rest = behind;
        }
        out + rest
    }

    /// A run of the characters that addresses are made of.
    fn address(&self, run: &str) -> Option<String> {
        let whole = run.trim_end_matches(['.', ':', '/']);
        let new = self.one(whole)?;
        Some(new + run.get(whole.len()..).unwrap_or_default())
    }

    fn one(&self, word: &str) -> Option<String> {
        if let Ok(net) = word.parse::<IpNet>() {
            return Some(self.net(net).to_string());
        }
        if let Ok(ip) = word.parse::<IpAddr>() {
            return Some(self.ip(ip).to_string());
        }
        if let Ok(mac) = word.parse::<Mac>() {
            return Some(self.mac(mac).to_string());
        }
        // `10.0.0.1:8472`, `10.0.0.1/255.0.255.0`, `file:10.0.0.1`
        let (a, between, b) = word
            .split_once('/')
            .map(|(a, b)| (a, '/', b))
            .or_else(|| word.rsplit_once(':').map(|(a, b)| (a, ':', b)))?;
        match (self.one(a), self.one(b)) {
            (None, None) => None,
            (new, other) => Some(format!(
                "{}{between}{}",
                new.unwrap_or_else(|| a.to_owned()),
                other.unwrap_or_else(|| b.to_owned())
            )),
        }
    }

    /// A word that is a name, or holds one between dots.
    fn known(&self, run: &str) -> Option<String> {
        let words = self.words.borrow();
        let parts: Vec<&str> = run.split('.').collect();
        let mut out: Vec<String> = Vec::new();
        let (mut at, mut changed) = (0, false);
        while at < parts.len() {
            // The longest name that begins here: one may hold dots itself.
            let longest = (at + 1..=parts.len()).rev().find_map(|end| {
                let name = parts.get(at..end)?.join(".");
                Some((end, words.get(&name)?.clone()))
            });
            let (end, new) = longest
                .clone()
                .unwrap_or_else(|| (at + 1, parts.get(at).map_or(String::new(), |p| (*p).to_owned())));
            changed |= longest.is_some();
            out.push(new);
            at = end;
        }
        changed.then(|| out.join("."))
    }
}

/// One word, or what stands in quotes, and the rest.
fn word(text: &str) -> (&str, &str) {
    let end = match text.strip_prefix('"') {
        Some(inside) => {
            let mut escaped = false;
            let close = inside.find(|c| match (escaped, c) {
                (false, '"') => true,
                _ => {
                    escaped = !escaped && c == '\\';
                    false
                }
            });
            close.map_or(text.len(), |at| at + 2)
        }
        None => text.find(' ').unwrap_or(text.len()),
    };
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The text with runs of characters replaced, where there is something to put in.
fn spliced(text: &str, of: impl Fn(char) -> bool, new: impl Fn(&str) -> Option<String>) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(&of) {
        let (before, from) = rest.split_at(start);
        let (run, behind) = from.split_at(from.find(|c| !of(c)).unwrap_or(from.len()));
        out.push_str(before);
        match new(run) {
            Some(new) => out.push_str(&new),
            None => out.push_str(run),
        }
        rest = behind;
    }
    out + rest
}
