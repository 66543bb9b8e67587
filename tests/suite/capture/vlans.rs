//! VLANs at both ends of their range, and Cisco's ISL: `fixtures/capture/vlan_isl.pcap` as text and as records.

use super::{beside_tcpdump, capture, fixture, same, text};

#[test]
fn vlans_and_isl_are_told_as_text_and_as_records() {
    let file = fixture("vlan_isl.pcap");
    let file = file.to_str().unwrap();
    for (name, options) in [
        ("txt", &["-nt"][..]),
        ("e.txt", &["-nt", "-e"]),
        ("v.txt", &["-nt", "-v"]),
        ("ndjson", &["-o", "ndjson"]),
    ] {
        let wanted = std::fs::read_to_string(fixture(&format!("vlan_isl.{name}"))).unwrap();
        same(name, &wanted, &text(&capture(&[&["-r", file], options].concat())));
    }
}

#[test]
fn in_tcpdumps_clothes_isl_is_what_tcpdump_makes_of_it() {
    for options in [&["-t"][..], &["-e"], &["-v"], &["-x"]] {
        beside_tcpdump(&fixture("vlan_isl.pcap"), options);
    }
}
