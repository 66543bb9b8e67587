//! The command line as tcpdump reads it: letters in one word, flags anywhere, also within the expression.

use super::table::{Key, OPTIONS, Opt};

/// An option that was given, with its value.
pub type Given = (Key, String);

/// Why the words cannot be read; the text is getopt's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// No such letter.
    #[error("invalid option -- '{0}'")]
    Letter(char),
    /// No such long name.
    #[error("unrecognized option '--{0}'")]
    Long(String),
    /// More than one long name begins so.
    #[error("option '--{0}' is ambiguous; possibilities: {1}")]
    Ambiguous(String, String),
    /// A letter without its value.
    #[error("option requires an argument -- '{0}'")]
    LetterValue(char),
    /// A long name without its value.
    #[error("option '--{0}' requires an argument")]
    LongValue(String),
    /// A long name with a value that it does not take.
    #[error("option '--{0}' doesn't allow an argument")]
    NoValue(String),
}

/// Parts the words into options, in order, and the rest, which is the expression.
pub fn read(words: &[String]) -> Result<(Vec<Given>, Vec<String>), Unread> {
    let (mut given, mut rest) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            rest.extend(words.cloned());
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            given.push(long_option(long, &mut words)?);
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            letter_options(letters, &mut words, &mut given)?;
        } else {
            rest.push(word.clone());
        }
    }
    Ok((given, rest))
}

fn long_option<'a>(text: &str, words: &mut impl Iterator<Item = &'a String>) -> Result<Given, Unread> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let option = long_named(name)?;
    let full = option.long.unwrap_or_default();
    match (option.value, value) {
        (None, None) => Ok((option.key, String::new())),
        (None, Some(_)) => Err(Unread::NoValue(full.to_owned())),
        (Some(_), Some(value)) => Ok((option.key, value)),
        (Some(_), None) => match words.next() {
            Some(value) => Ok((option.key, value.clone())),
            None => Err(Unread::LongValue(full.to_owned())),
        },
    }
}

/// A whole name, or the beginning of exactly one.
fn long_named(name: &str) -> Result<&'static Opt, Unread> {
    let named = |option: &&Opt| option.long.is_some_and(|long| long == name);
    if let Some(option) = OPTIONS.iter().find(named) {
        return Ok(option);
    }
    let begins = |option: &&Opt| option.long.is_some_and(|long| long.starts_with(name));
    let found: Vec<&Opt> = OPTIONS.iter().filter(begins).collect();
    match found.as_slice() {
        [option] => Ok(option),
        [] => Err(Unread::Long(name.to_owned())),
        several => {
            let names: Vec<String> =
                several.iter().filter_map(|o| Some(format!("'--{}'", o.long?))).collect();
            Err(Unread::Ambiguous(name.to_owned(), names.join(" ")))
        }
    }
}

fn letter_options<'a>(
    letters: &str,
    words: &mut impl Iterator<Item = &'a String>,
    given: &mut Vec<Given>,
) -> Result<(), Unread> {
    let mut rest = letters.chars();
    while let Some(letter) = rest.next() {
        let option = OPTIONS.iter().find(|o| o.short == Some(letter)).ok_or(Unread::Letter(letter))?;
        if option.value.is_none() {
            given.push((option.key, String::new()));
            continue;
        }
        let here = rest.as_str();
        let value = if here.is_empty() { words.next().cloned() } else { Some(here.to_owned()) };
        given.push((option.key, value.ok_or(Unread::LetterValue(letter))?));
        break;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Key, Unread, read};

    type Parted = (Vec<(Key, String)>, Vec<String>);

    fn line(text: &str) -> Result<Parted, Unread> {
        read(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_line_of_many_guides_is_read_as_tcpdump_reads_it() {
        let (given, expr) = line("-i eth0 dst 192.168.50.12 -vvvvvv and udp -c 20").unwrap();
        assert_eq!(expr, ["dst", "192.168.50.12", "and", "udp"]);
        assert_eq!(given.iter().filter(|(key, _)| *key == Key::Verbose).count(), 6);
        assert!(
            given.contains(&(Key::Interface, "eth0".into())) && given.contains(&(Key::Count, "20".into()))
        );
    }

    #[test]
    fn letters_stand_together_and_the_last_may_have_its_value_with_it() {
        let (given, expr) = line("-nei eth0 -c5 -s0 --count -- -x").unwrap();
        let keys: Vec<Key> = given.iter().map(|(key, _)| *key).collect();
        let want = [Key::NoNames, Key::Link, Key::Interface, Key::Count, Key::Snaplen, Key::CountOnly];
        assert_eq!(keys, want);
        assert_eq!(given[3].1, "5");
        assert_eq!(expr, ["-x"]);
    }

    #[test]
    fn a_long_name_may_be_short_of_its_end() {
        assert_eq!(line("--imm").unwrap().0[0].0, Key::Immediate);
        assert_eq!(line("--snapshot=96").unwrap().0[0], (Key::Snaplen, "96".into()));
        assert!(matches!(line("--no"), Err(Unread::Ambiguous(..))));
    }

    #[test]
    fn what_is_wrong_is_said_in_getopts_words() {
        for (text, want) in [
            ("-k", "invalid option -- 'k'"),
            ("-i", "option requires an argument -- 'i'"),
            ("--nonsense", "unrecognized option '--nonsense'"),
            ("--compat", "option '--compat' requires an argument"),
            ("--nano=3", "option '--nano' doesn't allow an argument"),
        ] {
            assert_eq!(line(text).unwrap_err().to_string(), want, "{text}");
        }
    }
}
