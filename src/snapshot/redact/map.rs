//! What stands for what, as a file of its own: for whoever redacted, and nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::prf::Key;
use super::space::{Cut, Space};

const HEAD: &str = "# flanctl.redaction/1";

/// What stands for what, and the key that decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The key.
    pub key: Key,
    /// How many bits of an address are replaced.
    pub cut: Cut,
    /// Original and replacement.
    pub pairs: BTreeMap<String, String>,
}

/// The text is no such map.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMap {
    /// Another file.
    #[error("it does not begin with `{HEAD} key=… cut=…`: not a map that flanctl wrote")]
    Head,
    /// A line without a tab.
    #[error("line {0} is not two words with a tab between")]
    Line(usize),
}

impl Map {
    /// True if an original is still to be read somewhere: it stayed, or stands for another.
    pub fn leaks(&self) -> bool {
        let new: BTreeSet<&String> = self.pairs.values().collect();
        self.pairs.keys().any(|old| new.contains(old))
    }

    /// What stands for an address, whether the snapshot holds it or not.
    pub fn ip(&self, ip: IpAddr) -> IpAddr {
        Space { key: self.key, cut: self.cut }.ip(ip)
    }

    /// Adds what an earlier map says.
    pub fn extend(&mut self, earlier: Self) {
        self.pairs.extend(earlier.pairs);
    }

    /// As a file.
    pub fn text(&self) -> String {
        let Self { key, cut: Cut { v4, v6 }, pairs } = self;
        let head = format!(
            "{HEAD} key={} cut={v4}/{v6}\n\
             # Keep it to yourself: original, then what stands for it in the snapshot. An address that is not here:\n\
             # find its subnet, and keep what is behind bit {v4} (IPv6: {v6}) as it is.\n",
            key.text()
        );
        pairs.iter().fold(head, |all, (old, new)| all + old + "\t" + new + "\n")
    }

    /// Reads what [`Map::text`] wrote.
    pub fn parse(text: &str) -> Result<Self, BadMap> {
        let mut lines = text.lines().zip(1..);
        let (head, _) = lines.next().ok_or(BadMap::Head)?;
        let (key, cut) = head_of(head).ok_or(BadMap::Head)?;
        let said = lines.filter(|(line, _)| !line.starts_with('#') && !line.is_empty());
        let pair = |(line, number): (&str, usize)| {
            let (old, new) = line.split_once('\t').ok_or(BadMap::Line(number))?;
            Ok((old.to_owned(), new.to_owned()))
        };
        Ok(Self { key, cut, pairs: said.map(pair).collect::<Result<_, _>>()? })
    }
}

fn head_of(line: &str) -> Option<(Key, Cut)> {
    let (key, cut) = line.strip_prefix(HEAD)?.strip_prefix(" key=")?.split_once(" cut=")?;
    let (v4, v6) = cut.split_once('/')?;
    let cut = Cut { v4: v4.parse().ok().filter(|n| *n <= 24)?, v6: v6.parse().ok().filter(|n| *n <= 64)? };
    Some((Key::parse(key)?, cut))
}

#[cfg(test)]
mod tests {
    use super::{BadMap, Cut, Key, Map};

    #[test]
    fn a_map_is_read_back_and_anything_else_is_refused() {
        let pairs = [("10.0.0.1".to_owned(), "12.9.0.1".to_owned())].into();
        let map = Map { key: Key::new([3; 16]), cut: Cut { v4: 24, v6: 56 }, pairs };
        assert_eq!(Map::parse(&map.text()), Ok(map.clone()));
        assert_eq!(Map::parse(""), Err(BadMap::Head));
        assert_eq!(Map::parse("{\"schema\":\"flanctl.snapshot/1\"}"), Err(BadMap::Head));
        assert_eq!(Map::parse(&map.text().replace('\t', " ")), Err(BadMap::Line(4)));
        assert_eq!(Map::parse(&map.text().replace("cut=24/56", "cut=99/56")), Err(BadMap::Head));
    }
}
