//! `capture` and what cannot be captured, read, filtered or written: each says what it was, and what to do.

use std::path::Path;

use super::generator::{self, Dice};
use super::{capture, fixture, run, same, text};

const FLANCTL: &str = env!("CARGO_BIN_EXE_flanctl");

/// Runs a line of the shell with our program as `$0` and `$1` as it is given.
fn shell(line: &str, arg: &Path) -> (Option<i32>, String, String) {
    let output = run("unshare", &["-nm", "sh", "-c", line, FLANCTL, arg.to_str().unwrap()]);
    (output.status.code(), text(&output), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_interface_that_is_not_there_is_answered_with_those_that_are() {
    let dir = tempfile::tempdir().unwrap();
    let (code, _, said) =
        shell("ip link add here type veth peer there && exec \"$0\" capture -i nowhere", dir.path());
    assert_eq!(code, Some(1));
    assert!(said.starts_with("flanctl: nowhere: No such device exists\nhint: there are: "), "{said}");
    assert!(said.contains("here") && said.contains("lo"), "{said}");
}

#[test]
fn a_filter_that_is_none_is_shown_with_a_caret_below_what_is_wrong() {
    for (expr, column) in [("tcp and and udp", 8), ("host 10.244.1.8 prot 80", 16), ("icmp or", 5)] {
        for line in ["ip link set lo up && exec \"$0\" capture -i lo \"$1\"", "exec \"$0\" capture -d \"$1\""]
        {
            let (code, _, said) = shell(line, Path::new(expr));
            assert_eq!(code, Some(1), "{expr}");
            assert!(said.contains("can't parse filter expression"), "{said}");
            let caret = format!("hint: {expr}\n      {}^\n", " ".repeat(column));
            assert!(said.ends_with(&caret), "{expr}:\n{said}");
        }
    }
}

#[test]
fn who_may_not_capture_is_told_the_capability_and_the_command_that_grants_it() {
    let line = "ip link set lo up && exec setpriv --bounding-set=-net_raw \"$0\" capture -i lo";
    let (code, _, said) = shell(line, Path::new("/"));
    assert_eq!(code, Some(1));
    assert!(said.contains("lo: ") && said.contains("Operation not permitted"), "{said}");
    assert!(said.contains("CAP_NET_RAW") && said.contains("sudo setcap cap_net_raw+ep"), "{said}");
    // A file needs nothing of the kind.
    let line = "exec setpriv --bounding-set=-net_raw \"$0\" capture --count -r \"$1\"";
    assert_eq!(shell(line, &fixture("crafted.pcap")).1, "62 packets\n");
}

#[test]
fn a_full_disk_is_told_and_what_was_written_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source.pcap");
    std::fs::write(&source, generator::file(&mut Dice::new(7), 1, 2000)).unwrap();
    std::fs::create_dir(dir.path().join("small")).unwrap();
    for name in ["out.pcap", "out.pcapng"] {
        let line = format!(
            "cd \"$1\" && mount -t tmpfs -o size=128k tmpfs small && \"$0\" capture -r source.pcap -w small/{name}; \
             code=$?; cp small/{name} {name} && exit $code"
        );
        let (code, _, said) = shell(&line, dir.path());
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(name) && said.contains("No space left on device"), "{said}");
        let (file, source) = (dir.path().join(name), source.to_str().unwrap());
        let kept = run("tcpdump", &["-nntr", file.to_str().unwrap()]);
        assert!(kept.status.success(), "{name}: {kept:?}");
        let all = text(&run("tcpdump", &["-nntr", source]));
        assert!(text(&kept).lines().count() > 100 && all.starts_with(&text(&kept)), "{name}");
    }
}

#[test]
fn a_file_that_is_no_capture_or_has_packets_of_no_known_kind_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    let name = file.to_str().unwrap();
    for (bytes, said) in [
        (&b""[..], "truncated dump file; tried to read 4 file header bytes, only got 0"),
        (b"hello, this is no capture", "unknown file format"),
        (&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], "truncated dump file"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let output = capture(&["-r", name]);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), text(&output).as_str()), (Some(1), ""), "{said}");
        assert!(err.contains("file: ") && err.contains(said), "{said}: {err}");
    }
    let mut bytes = std::fs::read(fixture("crafted.pcap")).unwrap();
    bytes[20..24].copy_from_slice(&999u32.to_le_bytes());
    std::fs::write(&file, &bytes).unwrap();
    let output = capture(&["-c", "1", "-t", "-r", name]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output).starts_with("UNSUPPORTED (999)\n\t0x0000:  "), "{output:?}");
    let wrong = capture(&["-y", "NOWHERE", "-d", "ip"]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(said.starts_with("flanctl: invalid data link type NOWHERE\n"), "{said}");
    let read = capture(&["-y", "NOWHERE", "-r", name]);
    assert_eq!(
        (read.status.code(), text(&read).as_str()),
        (Some(1), ""),
        "a file is read by its own link type"
    );
}

#[test]
fn what_is_corrupt_ends_a_file_behind_every_packet_that_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let plain = text(&capture(&["-nt", "-r", fixture("crafted.pcap").to_str().unwrap()]));
    let file = dir.path().join("file");
    let whole = std::fs::read(fixture("crafted.pcap")).unwrap();
    // The third packet's captured length is more than any packet has.
    let mut at = 24;
    for _ in 0..2 {
        at += 16 + u32::from_le_bytes(whole[at + 8..at + 12].try_into().unwrap()) as usize;
    }
    let mut broken = whole.clone();
    broken[at + 8..at + 12].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    std::fs::write(&file, &broken).unwrap();
    let output = capture(&["-nt", "-r", file.to_str().unwrap()]);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("bogus savefile header") || err.contains("invalid packet capture length"), "{err}");
    let two: String = plain.split_inclusive('\n').take(text(&output).lines().count()).collect();
    assert!(!two.is_empty());
    same("the packets before", &two, &text(&output));
}
