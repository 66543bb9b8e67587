//! Records as text and as JSON.

use super::made::{ip4, ping, tcp};
use super::*;
use crate::capture::Printer;
use crate::capture::ctx::{Compat, Opts};
use crate::capture::json::Records;
use crate::capture::names::Names;
use crate::capture::nodes::{Node, Nodes};
use crate::capture::pairing::words::Words;
use crate::capture::text::Out;

const OUT: (&str, &str) = ("10.244.1.2", "10.244.2.8");
const IN: (&str, &str) = ("10.244.2.8", "10.244.1.2");

fn words(nano: bool) -> Words {
    let mut opts = Opts::new(Compat::Ours);
    (opts.n, opts.nano) = (true, nano);
    let publics = vec![ip("192.168.50.12")];
    let mut names = Names::default();
    names.nodes = Nodes(vec![Node { name: "node-b".into(), nets: Vec::new(), publics }]);
    Words::new(Printer::new(opts, names, Box::new(|_| 0)), Records { nano, ..Records::default() })
}

fn line(record: &Record, nano: bool, json: bool) -> String {
    let mut out = Out::default();
    let mut words = words(nano);
    if json {
        words.json(3, record, &points(), &mut out)
    } else {
        words.text(3, record, &points(), &mut out)
    }
    String::from_utf8(out.bytes().to_vec()).unwrap()
}

#[test]
fn a_line_is_the_packet_and_each_point_with_its_time() {
    let mut bench = Bench::new();
    bench.goes_out(3661 * SECOND + 12, &ping(7, 1, OUT));
    bench.comes(3662 * SECOND, &ping(7, 1, IN));
    bench.sees(TUNNEL, 3662 * SECOND, &ping(7, 1, IN));
    let told = bench.until(9999 * SECOND);
    let echo = "IP 10.244.1.2 > 10.244.2.8: ICMP echo request, id 7, seq 1, length 64";
    assert_eq!(
        line(&told[0], false, false),
        format!(
            "01:01:01.000000 {echo}  veth1 +0us  cni0 +1us  flannel.1 +2us  eth0 +3us (vni 1 to 192.168.50.12 (node-b))\n"
        )
    );
    assert!(line(&told[0], true, false).contains("01:01:01.000000012 IP"), "{}", line(&told[0], true, false));
    assert_eq!(
        line(&told[1], false, false).split_once("  ").unwrap().1,
        "eth0 +0us (vni 1 from 192.168.50.12 (node-b))  flannel.1 +0us  lost between flannel.1 and cni0 after 1000ms: no counter moved\n"
    );
}

#[test]
fn a_record_has_every_point_and_the_gap() {
    let mut bench = Bench::new();
    for point in [POD1, BRIDGE, TUNNEL] {
        bench.sees(point, 7 * SECOND + point as i64 * US, &tcp(1, OUT, (0, 3000)));
    }
    bench.leaves(7 * SECOND + 9 * US, &tcp(1, OUT, (0, 1000)), "192.168.50.12");
    let mut told = bench.until(9 * SECOND);
    let Fate::Lost(gap) = &mut told[0].fate else { panic!("{told:?}") };
    gap.moved = vec![("flannel.1 tx_dropped".into(), 2), ("a \"rule\"".into(), 1)];
    let value: serde_json::Value = serde_json::from_str(&line(&told[0], true, true)).unwrap();
    assert_eq!(value["schema"], "flanctl.path/1");
    assert_eq!(value["fate"], "lost");
    assert_eq!(value["packet"]["tcp"]["length"], 3000);
    assert_eq!(
        value["points"][0],
        serde_json::json!({"dev": "veth1", "stage": "pod", "pod": "pod1", "at": 7.0, "after_us": 0.0})
    );
    assert_eq!(value["points"][3]["vni"], 1);
    assert_eq!(value["points"][3]["outer_dst"], "192.168.50.12");
    assert_eq!(
        value["lost"],
        serde_json::json!({"between": ["flannel.1", "eth0"], "after_ms": 1000, "bytes": [1020, 3020],
            "counters": {"flannel.1 tx_dropped": 2, "a \"rule\"": 1}})
    );
    let text = line(&told[0], false, false);
    let end = "lost in part between flannel.1 and eth0 after 1000ms (1020 of 3020 bytes passed): flannel.1 tx_dropped +2, a \"rule\" +1\n";
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn a_packet_of_several_lines_is_one() {
    let mut bench = Bench::new();
    bench.sees(TUNNEL, SECOND, &ip4(1, 1, 0, ("10.244.2.8", "10.244.1.0"), &[3, 3, 0, 0, 0, 0, 0, 0]));
    let told = bench.until(9 * SECOND);
    let mut words = words(false);
    words.printer.cx().o.v = 3;
    let mut out = Out::default();
    words.text(1, &told[0], &points(), &mut out);
    assert_eq!(out.bytes().iter().filter(|byte| **byte == b'\n').count(), 1);
}
