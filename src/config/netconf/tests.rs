use proptest::prelude::*;

use super::{NetConf, NetConfError};
use crate::config::{Backend, Range4, Range6, VxlanConf};

const FOUR: &str = "network must be able to accommodate at least four subnets";

/// The members of a config, with a vxlan backend added.
fn with_vxlan(members: &str) -> Result<NetConf, NetConfError> {
    NetConf::parse(&format!(
        "{{{members}{}\"Backend\":{{\"Type\":\"vxlan\"}}}}",
        if members.is_empty() { "" } else { "," }
    ))
}

fn range4(members: &str) -> Range4 {
    with_vxlan(members).unwrap_or_else(|e| panic!("{members}: {e}")).v4.unwrap()
}

fn range6(members: &str) -> Range6 {
    let members = format!(r#""EnableIPv4":false,"EnableIPv6":true,{members}"#);
    with_vxlan(&members).unwrap_or_else(|e| panic!("{members}: {e}")).v6.unwrap()
}

fn refused(text: &str) -> String {
    let e = NetConf::parse(text).map(|c| format!("{c:?}")).expect_err(text);
    assert!(e.hint().is_some_and(|hint| !hint.is_empty()), "{text}");
    e.to_string()
}

fn vxlan(options: &str) -> Result<VxlanConf, NetConfError> {
    let text = format!(r#"{{"Network":"10.5.0.0/16","Backend":{{"Type":"vxlan"{options}}}}}"#);
    NetConf::parse(&text).map(|c| match c.backend {
        Backend::Vxlan(conf) => conf,
    })
}

#[test]
fn ipv4_defaults_and_overrides() {
    for (members, len, min, max, count) in [
        (r#""network":"10.3.0.0/16""#, 24, "10.3.1.0", "10.3.255.0", 255),
        (r#""NETWORK":"10.5.0.0/16""#, 24, "10.5.1.0", "10.5.255.0", 255),
        (r#""Network":"10.0.0.0/22""#, 24, "10.0.1.0", "10.0.3.0", 3),
        (r#""Network":"10.0.0.0/23""#, 25, "10.0.0.128", "10.0.1.128", 3),
        (r#""Network":"10.0.0.0/24""#, 26, "10.0.0.64", "10.0.0.192", 3),
        (r#""Network":"10.0.0.0/28""#, 30, "10.0.0.4", "10.0.0.12", 3),
        (r#""Network":"10.0.0.9/16""#, 24, "10.0.1.0", "10.0.255.0", 255),
        (r#""Network":"128.0.0.0/1""#, 24, "128.0.1.0", "255.255.255.0", 8_388_607),
        (
            r#""Network":"10.3.0.0/16","SubnetMin":"10.3.5.0","SubnetMax":"10.3.8.0","SubnetLen":28"#,
            28,
            "10.3.5.0",
            "10.3.8.0",
            49,
        ),
        (r#""Network":"10.5.0.0/16","SubnetMin":"10.5.0.0""#, 24, "10.5.0.0", "10.5.255.0", 256),
        (
            r#""Network":"10.5.0.0/16","SubnetMin":"0.0.0.0","SubnetMax":null"#,
            24,
            "10.5.1.0",
            "10.5.255.0",
            255,
        ),
        (
            r#""Network":"10.9.0.0/16","network":"10.5.0.0/16","SubnetLen":0"#,
            24,
            "10.5.1.0",
            "10.5.255.0",
            255,
        ),
        (r#""Network":"10.5.0.0/16","Network":null,"Whatever":[1]"#, 24, "10.5.1.0", "10.5.255.0", 255),
        (
            r#""Network":"10.5.0.0/16","SubnetMin":"10.5.7.0","SubnetMax":"10.5.7.0""#,
            24,
            "10.5.7.0",
            "10.5.7.0",
            1,
        ),
    ] {
        let r = range4(members);
        let got = (r.subnet_len, r.min.to_string(), r.max.to_string(), r.count());
        assert_eq!(got, (len, min.to_owned(), max.to_owned(), count), "{members}");
    }
}

#[test]
fn ipv6_defaults_and_overrides() {
    let odd = NetConf::parse(
        r#"{"enableIPv6":true,"ipv6Network":"fc00::/48","enableIPv4":false,"backend":{"type":"VXLAN"}}"#,
    )
    .unwrap();
    assert_eq!(odd.v4, None);
    assert_eq!(odd.v6, Some(range6(r#""IPv6Network":"fc00::/48""#)));
    for (members, len, min, max, count) in [
        (r#""IPv6Network":"fc00::/48""#, 64, "fc00:0:0:1::", "fc00:0:0:ffff::", 65_535),
        (r#""IPv6Network":"fc00::/62""#, 64, "fc00:0:0:1::", "fc00:0:0:3::", 3),
        (r#""IPv6Network":"fc00::/64""#, 66, "fc00::4000:0:0:0", "fc00::c000:0:0:0", 3),
        (r#""IPv6Network":"fc00::/124""#, 126, "fc00::4", "fc00::c", 3),
        (
            r#""IPv6Network":"fc00::/48","IPv6SubnetMin":"fc00:0:0:1::","IPv6SubnetMax":"fc00:0:0:f::","IPv6SubnetLen":124"#,
            124,
            "fc00:0:0:1::",
            "fc00:0:0:f::",
            (14 << 60) + 1,
        ),
    ] {
        let r = range6(members);
        let got = (r.subnet_len, r.min.to_string(), r.max.to_string(), r.count());
        assert_eq!(got, (len, min.to_owned(), max.to_owned(), count), "{members}");
    }
}

#[test]
fn a_wrong_ipv4_range_is_refused_in_flannels_words() {
    let v4 = "please define a correct Network parameter in the flannel config";
    for (members, want) in [
        ("", v4),
        (r#""Network":"0.0.0.0/0""#, v4),
        (r#""Network":"fd00::/48""#, r#"Network "fd00::/48": invalid IPv4 CIDR format"#),
        (r#""Network":"10.0.0.0""#, r#"Network "10.0.0.0": invalid IPv4 CIDR format"#),
        (r#""Network":"10.0.0.0/16","SubnetLen":31"#, "SubnetLen must be less than /31"),
        (r#""Network":"10.0.0.0/16","SubnetLen":999"#, "SubnetLen must be less than /31"),
        (r#""Network":"10.0.0.0/16","SubnetLen":17"#, FOUR),
        (r#""Network":"10.0.0.0/29","SubnetLen":30"#, FOUR),
        (r#""Network":"10.0.0.0/29""#, "network is too small. Minimum useful network prefix is /28"),
        (r#""Network":"10.0.0.0/32""#, "network is too small. Minimum useful network prefix is /28"),
        (r#""Network":"10.0.0.0/16","SubnetMin":"10.1.0.0""#, "SubnetMin is not in the range of the Network"),
        (r#""Network":"10.0.0.0/16","SubnetMax":"10.1.0.0""#, "SubnetMax is not in the range of the Network"),
        (
            r#""Network":"10.0.0.0/16","SubnetMin":"10.0.1.1""#,
            "SubnetMin is not on a SubnetLen boundary: 10.0.1.1",
        ),
        (
            r#""Network":"10.0.0.0/16","SubnetMax":"10.0.9.1""#,
            "SubnetMax is not on a SubnetLen boundary: 10.0.9.1",
        ),
        (
            r#""Network":"10.0.0.0/16","SubnetMin":"10.0.9.0","SubnetMax":"10.0.8.0""#,
            "SubnetMin 10.0.9.0 is past SubnetMax 10.0.8.0",
        ),
        (r#""Network":"10.0.0.0/16","SubnetMin":"ten""#, r#"SubnetMin "ten": invalid IP address format"#),
        (
            r#""Network":"10.0.0.0/16","SubnetMax":"fd00::""#,
            r#"SubnetMax "fd00::": invalid IPv4 address format"#,
        ),
    ] {
        assert_eq!(refused(&format!("{{{members}}}")), want, "{members}");
    }
    assert_eq!(refused(r#"{"EnableIPv4":false}"#), "none defined stack");
}

#[test]
fn a_wrong_ipv6_range_is_refused_in_flannels_words() {
    for (members, want) in [
        ("", "please define a correct IPv6Network parameter in the flannel config"),
        (r#","IPv6Network":"::/0""#, "please define a correct IPv6Network parameter in the flannel config"),
        (r#","IPv6Network":"10.0.0.0/8""#, r#"IPv6Network "10.0.0.0/8": invalid IPv6 CIDR format"#),
        (r#","IPv6Network":"fc00::/48","IPv6SubnetLen":127"#, "SubnetLen must be less than /127"),
        (r#","IPv6Network":"fc00::/48","IPv6SubnetLen":49"#, FOUR),
        (r#","IPv6Network":"fc00::/125""#, "IPv6Network is too small. Minimum useful network prefix is /124"),
        (
            r#","IPv6Network":"fc00::/48","IPv6SubnetMin":"fd00::1:0""#,
            "IPv6SubnetMin is not in the range of the IPv6Network",
        ),
        (
            r#","IPv6Network":"fc00::/48","IPv6SubnetMax":"fd00::""#,
            "IPv6SubnetMax is not in the range of the IPv6Network",
        ),
        (
            r#","IPv6Network":"fc00::/48","IPv6SubnetMin":"fc00::1""#,
            "IPv6SubnetMin is not on a SubnetLen boundary: fc00::1",
        ),
        (
            r#","IPv6Network":"fc00::/48","IPv6SubnetMax":"fc00::1""#,
            "IPv6SubnetMax is not on a SubnetLen boundary: fc00::1",
        ),
        (
            r#","IPv6Network":"fc00::/48","IPv6SubnetMin":"fc00:0:0:2::","IPv6SubnetMax":"fc00:0:0:1::""#,
            "IPv6SubnetMin fc00:0:0:2:: is past IPv6SubnetMax fc00:0:0:1::",
        ),
        (
            r#","IPv6Network":"fc00::/48","IPv6SubnetMin":"10.0.0.0""#,
            r#"IPv6SubnetMin "10.0.0.0": invalid IPv6 address format"#,
        ),
    ] {
        let text = format!(r#"{{"EnableIPv4":false,"EnableIPv6":true{members}}}"#);
        assert_eq!(refused(&text), want, "{text}");
    }
}

#[test]
fn a_wrong_type_names_the_key() {
    for (members, want) in [
        (r#""EnableIPv4":"yes""#, r#"EnableIPv4 is "yes", not true or false"#),
        (r#""EnableIPv6":1"#, "EnableIPv6 is 1, not true or false"),
        (r#""enablenftables":"true""#, r#"EnableNFTables is "true", not true or false"#),
        (r#""Network":10"#, "Network is 10, not a string"),
        (r#""SubnetLen":"24""#, r#"SubnetLen is "24", not a whole number from 0"#),
        (r#""SubnetLen":-1"#, "SubnetLen is -1, not a whole number from 0"),
        (r#""SubnetLen":24.0"#, "SubnetLen is 24.0, not a whole number from 0"),
        (r#""SubnetLen":"x","SubnetLen":24"#, r#"SubnetLen is "x", not a whole number from 0"#),
        (r#""IPv6SubnetLen":true"#, "IPv6SubnetLen is true, not a whole number from 0"),
        (r#""SubnetMin":[]"#, "SubnetMin is [], not a string"),
    ] {
        assert_eq!(refused(&format!("{{{members}}}")), want, "{members}");
    }
    assert_eq!(range4(r#""Network":"10.5.0.0/16","EnableIPv4":null,"SubnetLen":null"#).subnet_len, 24);
}

#[test]
fn broken_json_is_told_by_line_and_column() {
    let e = NetConf::parse("{\n  \"Network\": \"10.0.0.0/16\"\n  \"SubnetLen\": 24\n}").unwrap_err();
    let NetConfError::Syntax { line: 3, column: 3, ref what, comment: false } = e else { panic!("{e:?}") };
    assert_eq!(what, "expected `,` or `}`");
    for (text, comment) in [
        ("{ // the network\n \"Network\": \"10.0.0.0/16\" }", true),
        ("{ \"Network\": \"10.0.0.0/16\" /* all */ }", true),
        ("# ours\n{}", true),
        ("{ \"url\": \"http://a\" \"x\": 1 }", false),
        ("{ \"open: 1,\n // here\n }", true),
        ("", false),
        ("{} x", false),
    ] {
        let e = NetConf::parse(text).unwrap_err();
        assert!(matches!(e, NetConfError::Syntax { comment: c, .. } if c == comment), "{text}: {e:?}");
        assert_eq!(e.hint().unwrap().contains("comments"), comment, "{text}");
    }
}

#[test]
fn only_vxlan_runs_and_the_rest_is_named() {
    for (backend, want) in [
        ("", "the network config has no Backend, which means backend type udp, and udp is not built yet"),
        (
            r#","Backend":null"#,
            "the network config has no Backend, which means backend type udp, and udp is not built yet",
        ),
        (r#","Backend":{}"#, "unknown backend type: "),
        (r#","Backend":{"Type":"x"}"#, "unknown backend type: x"),
        (r#","Backend":{"Type":"Host-GW"}"#, "backend type host-gw is not built yet"),
        (r#","Backend":{"Type":"tencent-vpc"}"#, "backend type tencent-vpc is not built yet"),
        (r#","Backend":"vxlan""#, r#"error decoding Backend property of config: "vxlan" is not an object"#),
        (r#","Backend":{"Type":1}"#, "Type is 1, not a string"),
    ] {
        let text = format!(r#"{{"Network":"10.5.0.0/16"{backend}}}"#);
        assert_eq!(refused(&text), want, "{text}");
    }
    assert_eq!(
        NetConfError::NoBackend.hint().unwrap(),
        r#"set Backend.Type: add "Backend": {"Type": "vxlan"}"#
    );
}

#[test]
fn vxlan_options() {
    let plain =
        VxlanConf { vni: 1, port: 8472, mtu: None, gbp: false, learning: false, direct_routing: false };
    for (options, want) in [
        ("", plain),
        (r#","Port":0,"MTU":0,"MacPrefix":"0E-2A","x":{}"#, plain),
        (
            r#","vni":16777215,"PORT":4789,"MTU":1450,"GBP":true,"Learning":true,"DirectRouting":true"#,
            VxlanConf {
                vni: 0xff_ffff,
                port: 4789,
                mtu: Some(1450),
                gbp: true,
                learning: true,
                direct_routing: true,
            },
        ),
    ] {
        assert_eq!(vxlan(options), Ok(want), "{options}");
    }
    for (options, want) in [
        (r#","VNI":0"#, "Backend.VNI is 0, not in 1 to 16777215"),
        (r#","VNI":16777216"#, "Backend.VNI is 16777216, not in 1 to 16777215"),
        (r#","VNI":"1""#, r#"VNI is "1", not a whole number"#),
        (r#","Port":65536"#, "Backend.Port is 65536, not in 0 to 65535"),
        (r#","Port":-1"#, "Backend.Port is -1, not in 0 to 65535"),
        (r#","MTU":100"#, "Backend.MTU is 100, not in 118 to 65535"),
        (r#","GBP":1"#, "GBP is 1, not true or false"),
    ] {
        assert_eq!(vxlan(options).unwrap_err().to_string(), want, "{options}");
    }
    let v6 = r#"{"EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fc00::/48","Backend":{"Type":"vxlan","MTU":1329}}"#;
    assert_eq!(refused(v6), "Backend.MTU is 1329, not in 1330 to 65535");
}

#[test]
fn a_range_knows_its_subnets() {
    let r = range4(r#""Network":"10.0.0.0/22""#);
    let all: Vec<_> = r.subnets().map(|n| n.to_string()).collect();
    assert_eq!(all, ["10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"]);
    assert_eq!((r.nth(3), r.nth(u64::MAX)), (None, None));
    for (net, want) in [
        ("10.0.1.0/24", true),
        ("10.0.3.0/24", true),
        ("10.0.0.0/24", false),
        ("10.0.4.0/24", false),
        ("10.0.1.0/25", false),
        ("10.0.1.1/24", false),
    ] {
        assert_eq!(r.allows(net.parse().unwrap()), want, "{net}");
    }
    let r = range6(r#""IPv6Network":"fc00::/62""#);
    let all: Vec<_> = r.subnets().map(|n| n.to_string()).collect();
    assert_eq!(all, ["fc00:0:0:1::/64", "fc00:0:0:2::/64", "fc00:0:0:3::/64"]);
    assert_eq!((r.nth(3), r.nth(u128::MAX)), (None, None));
    assert!(r.allows("fc00:0:0:2::/64".parse().unwrap()) && !r.allows("fc00::/64".parse().unwrap()));
}

#[test]
fn a_subnet_is_covered_if_each_family_is_and_no_other() {
    let v4 = with_vxlan(r#""Network":"10.5.0.0/16""#).unwrap();
    let v6 = with_vxlan(r#""EnableIPv4":false,"EnableIPv6":true,"IPv6Network":"fc00::/48""#).unwrap();
    let dual = with_vxlan(r#""Network":"10.5.0.0/16","EnableIPv6":true,"IPv6Network":"fc00::/48""#).unwrap();
    for (key, want) in [
        ("10.5.1.0-24", [true, false, false]),
        ("10.5.1.0-24&fc00:0:0:1::-64", [false, false, true]),
        ("0.0.0.0-0&fc00:0:0:1::-64", [false, true, false]),
        ("10.5.0.0-24", [false, false, false]),
        ("10.5.1.0-25", [false, false, false]),
        ("10.6.1.0-24", [false, false, false]),
        ("10.5.1.0-24&fc00:0:0:1::-65", [false, false, false]),
        ("10.6.1.0-24&fc00:0:0:1::-64", [false, false, false]),
    ] {
        let subnet = key.parse().unwrap();
        assert_eq!([&v4, &v6, &dual].map(|c| c.covers(&subnet)), want, "{key}");
    }
    assert_eq!(dual.backend_type(), "vxlan");
    assert_eq!(dual.networks(), ["10.5.0.0/16".parse().unwrap(), "fc00::/48".parse().unwrap()]);
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        net: u32, len in 1u8..=28, more in 0u8..12, net6: u128, len6 in 1u8..=124, families in 1u8..4, mtu in 1400u32..9000,
        vni in 1u32..0x100_0000, port in 1u16.., flags: [bool; 4],
    ) {
        let (v4, v6) = (families & 1 != 0, families & 2 != 0);
        let text = format!(
            r#"{{"EnableIPv4":{v4},"EnableIPv6":{v6},"EnableNFTables":{},"Network":"{}/{len}","SubnetLen":{},
                "IPv6Network":"{}/{len6}","Backend":{{"Type":"vxlan","VNI":{vni},"Port":{port},"MTU":{mtu},"GBP":{},
                "Learning":{},"DirectRouting":{}}}}}"#,
            flags[0], std::net::Ipv4Addr::from(net), (len + 2 + more).min(30), std::net::Ipv6Addr::from(net6),
            flags[1], flags[2], flags[3],
        );
        let conf = NetConf::parse(&text).unwrap();
        prop_assert_eq!(NetConf::parse(&conf.to_json()), Ok(conf.clone()));
        if let Some(r) = conf.v4 {
            prop_assert_eq!(r.nth(r.count() - 1).map(|n| n.addr()), Some(r.max));
            prop_assert_eq!(r.nth(r.count()), None);
        }
        if let Some(r) = conf.v6 {
            prop_assert_eq!(r.nth(r.count() - 1).map(|n| n.addr()), Some(r.max));
            prop_assert_eq!(r.nth(r.count()), None);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*", value in ".*", key in "[A-Za-z0-9]{1,12}", number: i64, cidr in "[0-9a-f.:]*/[0-9]*") {
        let _ = NetConf::parse(&text).map_err(|e| e.hint());
        let quoted = serde_json::to_string(&value).unwrap();
        for text in [
            format!("{{\"{key}\":{text}}}"),
            format!("{{\"Network\":{quoted},\"SubnetMin\":{quoted},\"Backend\":{{\"Type\":{quoted}}}}}"),
            format!("{{\"Network\":\"{cidr}\",\"EnableIPv6\":true,\"IPv6Network\":\"{cidr}\",\"SubnetLen\":{number},\
                     \"IPv6SubnetLen\":{number},\"Backend\":{{\"Type\":\"vxlan\"}}}}"),
            format!("{{\"Network\":\"10.0.0.0/8\",\"Backend\":{{\"Type\":\"vxlan\",\"VNI\":{number},\"MTU\":{number}}}}}"),
        ] {
            let _ = NetConf::parse(&text).map_err(|e| (e.to_string(), e.hint()));
        }
    }
}

#[test]
fn json_of_another_shape_is_called_by_its_name() {
    for (text, kind) in [("[]", "a list"), ("\"x\"", "a string"), ("3", "a number"), ("null", "null")] {
        let e = NetConf::parse(text).unwrap_err();
        assert_eq!(e.to_string(), format!("the network config is {kind}, not an object"));
        assert!(e.hint().unwrap().contains("\"Network\""));
    }
}
