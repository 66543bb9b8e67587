//! Names that somebody may have meant.

use std::cmp::Reverse;

/// The three names that share most pairs of letters with `word`, best first; those that share few are none.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = pairs(word);
    let mut scored: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let own = pairs(name);
            let shared = own.iter().filter(|pair| wanted.contains(pair)).count();
            // Dice's coefficient in hundredths.
            let score = (200 * shared).checked_div(own.len() + wanted.len())?;
            (score >= 40).then_some((score, name))
        })
        .collect();
    scored.sort_by_key(|(score, name)| (Reverse(*score), *name));
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

fn pairs(word: &str) -> Vec<(char, char)> {
    word.chars().zip(word.chars().skip(1)).collect()
}
