//! `capture` beside Debian's tcpdump, byte for byte, and on its own ground: inner packets, records, files.

mod allocations;
mod dice;
mod flows;
mod generator;
mod live;
mod names;
mod nodes;
mod path;
mod refused;
mod vlans;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use generator::Dice;

use crate::support::seed::seed;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/capture").join(name)
}

fn run(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).env("TZ", "UTC").output();
    output.unwrap_or_else(|e| panic!("{program} is needed (see .ci/packages): {e}"))
}

fn capture(args: &[&str]) -> Output {
    run(env!("CARGO_BIN_EXE_flanctl"), &[&["capture"], args].concat())
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Both texts are one, or the first line that differs is shown.
fn same(what: &str, wanted: &str, got: &str) {
    let differs = wanted.lines().zip(got.lines()).position(|(one, other)| one != other);
    let shown = |text: &str| differs.and_then(|n| text.lines().nth(n)).unwrap_or("(no such line)").to_owned();
    assert!(wanted == got, "{what}, line {differs:?}\nwanted: {}\n   got: {}", shown(wanted), shown(got));
}

/// Debian's tcpdump and ours, on the same file with the same options, without names.
fn beside_tcpdump(file: &Path, options: &[&str]) {
    alike(file, &[&["-n"], options].concat());
}

/// As [`beside_tcpdump`], with names unless the options say otherwise.
fn alike(file: &Path, options: &[&str]) {
    let file = file.to_str().unwrap();
    let wanted = run("tcpdump", &[&["-r", file], options].concat());
    let got = capture(&[&["-r", file, "--compat", "4.99"], options].concat());
    same(&format!("{file} {options:?}"), &text(&wanted), &text(&got));
    assert_eq!(wanted.status.code(), got.status.code(), "{file} {options:?}");
}

#[test]
fn crafted_packets_are_printed_as_both_versions_print_them() {
    let file = fixture("crafted.pcap");
    for (compat, form) in [("5.0", "50"), ("4.99", "499")] {
        for option in ["plain", "v", "vv", "e", "q", "eq"] {
            let letters = format!("-{}", option.replace("plain", ""));
            let mut args = vec!["-#", "-nt", "-r", file.to_str().unwrap(), "--compat", compat];
            args.extend((letters.len() > 1).then_some(letters.as_str()));
            let wanted = std::fs::read_to_string(fixture(&format!("crafted.{form}.{option}.txt"))).unwrap();
            same(&format!("{compat} {option}"), &wanted, &text(&capture(&args)));
        }
    }
}

#[test]
fn files_print_beside_tcpdump_what_it_prints() {
    let names = ["crafted", "probe2", "lab_eth0", "trunc_arp", "trunc_dns", "trunc_geneve", "trunc_ip6"];
    for name in names.into_iter().chain(["trunc_tcp", "trunc_vxlan"]) {
        for options in [&["-t"][..], &["-v"], &["-vvv", "-e"], &["-q"], &["-S", "-tt"], &["-tttt", "-#"]] {
            beside_tcpdump(&fixture(&format!("{name}.pcap")), options);
        }
    }
    for options in [&["-x"][..], &["-X", "-tttt"], &["-xx", "-S"], &["-XX"], &["-A"], &["-AA", "-e"]] {
        beside_tcpdump(&fixture("lab_eth0.pcap"), options);
        beside_tcpdump(&fixture("lab_any.pcap"), options);
    }
}

#[test]
fn random_packets_of_every_kind_print_beside_tcpdump_what_it_prints() {
    let seed = seed(8472);
    println!("FLANCTL_TEST_SEED={seed}");
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(seed);
    // Half of them on Ethernet, the rest on every link in turn; each file with options of its own.
    for round in 0..80 {
        let file = dir.path().join(format!("{round}.pcap"));
        let link = generator::link(&mut dice);
        let options = generator::options(&mut dice);
        std::fs::write(&file, generator::file(&mut dice, link, 250)).unwrap();
        alike(&file, &options);
    }
}

#[test]
fn a_filter_is_libpcaps_and_counts_as_there() {
    for expr in ["udp port 8472", "arp or icmp", "vlan", "ip6 and not tcp", "greater 100", "ip[8] < 5"] {
        beside_tcpdump(&fixture("crafted.pcap"), &["-t", expr]);
        beside_tcpdump(&fixture("crafted.pcap"), &["--count", expr]);
    }
}

#[test]
fn a_filter_on_the_inner_packet_sees_the_inner_packet() {
    let file = fixture("lab_eth0.pcap");
    let count = |args: &[&str]| {
        let all = [&["-r", file.to_str().unwrap(), "--count"], args].concat();
        let output = capture(&all);
        text(&output).split(' ').next().unwrap().parse::<u32>().unwrap_or_else(|_| panic!("{output:?}"))
    };
    let tunnelled = count(&["vxlan"]);
    let (there, back) =
        (count(&["--inner", "src host 10.244.1.8"]), count(&["--inner", "dst host 10.244.1.8"]));
    assert!(there > 0 && back > 0 && there + back <= tunnelled);
    assert_eq!(count(&["host 10.244.1.8"]), 0, "the outer filter sees the outer packet");
    assert_eq!(count(&["--inner", "vni 1"]), tunnelled);
    assert_eq!(count(&["--inner", "vni 2"]), 0);
    assert_eq!(count(&["--inner", "host 10.244.1.8 and not vni 1 or vni 1"]), tunnelled);
}

#[test]
fn records_are_json_a_line_a_packet() {
    let output = capture(&["-r", fixture("crafted.pcap").to_str().unwrap(), "-o", "ndjson"]);
    let text = text(&output);
    let records: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 62);
    let inner = records.iter().find(|record| record["tunnel"]["kind"] == "vxlan").unwrap();
    assert_eq!(inner["inner"]["ip"]["version"], 4);
    assert!(inner["outer"]["udp"]["dport"].is_u64());
}

#[test]
fn what_is_written_reads_the_same_in_either_format() {
    let dir = tempfile::tempdir().unwrap();
    let source = fixture("crafted.pcap");
    let source = source.to_str().unwrap();
    let wanted = text(&capture(&["-nttv", "-r", source, "--quiet"]));
    for name in ["out.pcap", "out.pcapng"] {
        let file = dir.path().join(name);
        let file = file.to_str().unwrap();
        let written = capture(&["-r", source, "-w", file]);
        assert!(written.status.success(), "{written:?}");
        same(name, &wanted, &text(&capture(&["-nttv", "-r", file])));
        let by_tcpdump = run("tcpdump", &["-ntt", "-r", file, "--count"]);
        assert_eq!(text(&by_tcpdump), "62 packets\n", "{name}: {by_tcpdump:?}");
    }
}

#[test]
fn files_follow_one_another_by_size_and_all_packets_are_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().join("ring");
    let source = fixture("crafted.pcap");
    let written =
        capture(&["-r", source.to_str().unwrap(), "-w", base.to_str().unwrap(), "-C", "1k", "-W", "20"]);
    assert!(written.status.success(), "{written:?}");
    let mut packets = 0;
    let mut files: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 3 && files[0].ends_with("ring00"), "{files:?}");
    for file in files {
        let count = text(&capture(&["--count", "-r", file.to_str().unwrap()]));
        packets += count.split(' ').next().unwrap().parse::<u32>().unwrap();
    }
    assert_eq!(packets, 62);
}

#[test]
fn a_file_that_ends_within_a_packet_prints_what_is_whole_and_fails() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cut.pcap");
    let whole = std::fs::read(fixture("crafted.pcap")).unwrap();
    std::fs::write(&file, &whole[..whole.len() - 5]).unwrap();
    let output = capture(&["-nt", "-r", file.to_str().unwrap()]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("truncated dump file; tried to read"), "{told}");
    let plain = text(&capture(&["-nt", "-r", fixture("crafted.pcap").to_str().unwrap()]));
    assert!(text(&output).len() > 1000 && plain.starts_with(&text(&output)));
}
