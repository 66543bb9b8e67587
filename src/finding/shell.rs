//! Commands of which no name is read as anything but a name: a device, a chain or a namespace may be called whatever a
//! shell would act on, and whoever is inside a pod names its devices. Decides by words; a blank ends one.

/// A repair with every word in quotes that a shell would not take as it stands; `&&` joins its commands.
pub(super) fn quoted(command: &str) -> String {
    each(command, |word| word == "&&")
}

/// The same for what only shows something: there a pipe and a semicolon join, too.
pub(super) fn shown(command: &str) -> String {
    each(command, |word| matches!(word, "&&" | "|") || word.strip_suffix(';').is_some_and(plain))
}

fn each(command: &str, joins: fn(&str) -> bool) -> String {
    let words = command.split(' ').map(|word| match joins(word) || plain(word) || enclosed(word) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// True for what means itself in every shell.
fn plain(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_alphanumeric() || "._:/@%+,=-!".contains(c))
}

/// True for what is in quotes already.
fn enclosed(word: &str) -> bool {
    let inner = word.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    inner.is_some_and(|inner| !inner.contains('\''))
}

/// A name that stands for itself among a command's words: a blank in it would make several of it.
pub(super) fn one_word(name: &str) -> String {
    name.replace(|c: char| c.is_whitespace(), "?")
}

#[cfg(test)]
mod tests {
    use super::{one_word, quoted, shown};

    #[test]
    fn what_a_shell_takes_as_it_stands_stays() {
        for line in [
            "ip route replace 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink && sysctl -w net.ipv4.ip_forward=1",
            "iptables -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE",
            "ip link del 'a;b' && ip link set flannel.1 up",
            "",
        ] {
            assert_eq!((quoted(line), shown(line)), (line.to_owned(), line.to_owned()));
        }
        for line in ["ip -6 route show table all | grep -F 'fd00::8'", "nft list ruleset; iptables -t nat -S"]
        {
            assert_eq!(shown(line), line);
        }
    }

    #[test]
    fn a_name_is_never_a_command() {
        for name in ["e;reboot", "$(reboot)", "`reboot`", "a&&b", "a|b", "x>y", "x\nreboot", "it's", "*", "é"]
        {
            let line = quoted(&format!("printf %s {name}"));
            let said = line.strip_prefix("printf %s '").and_then(|rest| rest.strip_suffix('\'')).unwrap();
            assert_eq!(said.replace("'\\''", "\u{1}").replace('\u{1}', "'"), name, "{line}");
            assert!(!said.replace("'\\''", "").contains('\''), "{line}");
        }
        assert_eq!(one_word("a && b"), "a?&&?b");
    }
}
