//! What cannot go together with `--path`: it opens devices itself and writes lines of its own.

use super::flags::{Direction, Flags, Form, SNAPLEN, TIMEOUT, Wrong};
use super::values::wrong;
use crate::capture::ctx::Compat;

/// Refuses options that would have no effect.
pub(super) fn check(flags: &Flags) -> Result<(), Wrong> {
    if !flags.path {
        let alone = "--timeout is how long --path waits for a packet: add --path";
        return if flags.timeout == TIMEOUT { Ok(()) } else { wrong(alone) };
    }
    let print = &flags.print;
    let files = flags.read.is_some() || flags.list.is_some();
    let writes = flags.write.is_some() || flags.pcapng || flags.and_print;
    let hex = print.x > 0 || print.xx > 0 || print.a > 0;
    let opening = flags.link_type.is_some()
        || flags.stamp_type.is_some()
        || flags.snaplen != SNAPLEN
        || flags.direction != Direction::Both;
    for (given, words) in [
        (files, "--path follows packets that are on their way: it reads no file"),
        (
            !flags.interfaces.is_empty(),
            "--path finds the devices itself: leave -i out, or name a pod with --pod",
        ),
        (writes, "--path writes lines, not packets: leave -w out"),
        (
            flags.flows || flags.form != Form::Text,
            "--path, --flows and --count are answers of their own: one of them",
        ),
        (print.compat != Compat::Ours, "tcpdump has no --path: leave --compat out"),
        (hex || print.e, "--path tells a packet in one line: leave -e, -x, -X and -A out"),
        (opening, "--path opens the devices as it needs them: leave -s, -y, -j and -Q out"),
        (
            flags.skip > 0 || flags.sampling.is_some(),
            "--path tells of every packet: leave --skip and --print-sampling out",
        ),
        (flags.dump > 0, "-d prints one compiled filter, and --path has one for each device"),
    ] {
        if given {
            return wrong(words);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::flags::{Before, Flags};
    use crate::cli::Color;

    fn parsed(line: &str) -> Result<Flags, String> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let before = Before { json: false, color: Color::Auto, netns: None };
        Flags::parse(&words, before).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn what_has_no_effect_on_a_path_is_refused() {
        for (line, word) in [
            ("--path -r x.pcap", "reads no file"),
            ("--path -i eth0", "leave -i out"),
            ("--path -w x.pcap", "leave -w out"),
            ("--path --count", "one of them"),
            ("--path --flows", "one of them"),
            ("--path --compat 5.0", "leave --compat out"),
            ("--path -X", "leave -e"),
            ("--path -e", "leave -e"),
            ("--path -s 96", "leave -s"),
            ("--path -Q in", "leave -s"),
            ("--path -j host", "leave -s"),
            ("--path --skip 3", "leave --skip"),
            ("--path -d", "one for each device"),
            ("--path --timeout 5", "100 to 600000"),
            ("--path --timeout x", "100 to 600000"),
            ("--timeout 500", "add --path"),
        ] {
            let said = parsed(line).unwrap_err();
            assert!(said.contains(word), "{line}: {said}");
        }
    }

    #[test]
    fn what_goes_with_a_path_is_taken() {
        let flags = parsed("--path --timeout 250 --netns n --pod p -nq -c 3 -o ndjson --nano icmp").unwrap();
        assert_eq!((flags.path, flags.timeout, flags.count), (true, 250, Some(3)));
        assert_eq!((flags.netns.as_deref(), flags.pod.as_deref()), (Some("n"), Some("p")));
        assert_eq!(flags.expr, "icmp");
    }
}
