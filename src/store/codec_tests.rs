use proptest::prelude::*;

use super::*;

/// One row of flannel's table of values.
struct Row {
    what: &'static str,
    attrs: Attrs,
    text: &'static str,
}

fn attrs(backend: &str, v6: Option<&str>, data: Option<&str>, v6_data: Option<&str>) -> Attrs {
    Attrs {
        public_ip: Some(Ipv4Addr::new(1, 2, 3, 4)),
        public_ipv6: v6.map(|ip| ip.parse().unwrap()),
        backend_type: backend.into(),
        backend_data: data.map(Into::into),
        backend_v6_data: v6_data.map(Into::into),
        ..Attrs::default()
    }
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn rows() -> Vec<Row> {
    let vtep4 = r#"{"VNI":1,"VtepMAC":"02:42:ac:11:00:02"}"#;
    let vtep6 = r#"{"VNI":1,"VtepMAC":"06:42:ac:11:00:02"}"#;
    let wg4 = r#"{"PublicKey":"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=","Port":51820}"#;
    let wg6 = r#"{"PublicKey":"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=","Port":51821}"#;
    let row = |what, attrs, text| Row { what, attrs, text };
    vec![
        row(
            "alloc, udp, tencent-vpc",
            attrs("", None, None, None),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":null}"#,
        ),
        row(
            "host-gw",
            attrs("host-gw", None, None, None),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"host-gw"}"#,
        ),
        row(
            "host-gw dual",
            attrs("host-gw", Some("fd01::4"), None, None),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":"fd01::4","BackendType":"host-gw"}"#,
        ),
        row(
            "ipip",
            attrs("ipip", None, None, None),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"ipip"}"#,
        ),
        row(
            "vxlan",
            attrs("vxlan", None, Some(vtep4), None),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:42:ac:11:00:02"}}"#,
        ),
        row(
            "vxlan dual",
            attrs("vxlan", Some("fd01::4"), Some(vtep4), Some(vtep6)),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":"fd01::4","BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:42:ac:11:00:02"},"BackendV6Data":{"VNI":1,"VtepMAC":"06:42:ac:11:00:02"}}"#,
        ),
        row(
            "wireguard",
            attrs("wireguard", None, Some(wg4), None),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"wireguard","BackendData":{"PublicKey":"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=","Port":51820}}"#,
        ),
        row(
            "wireguard dual",
            attrs("wireguard", Some("fd01::4"), Some(wg4), Some(wg6)),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":"fd01::4","BackendType":"wireguard","BackendData":{"PublicKey":"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=","Port":51820},"BackendV6Data":{"PublicKey":"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=","Port":51821}}"#,
        ),
        row(
            "extension",
            attrs("extension", None, Some(r#""out put""#), None),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"extension","BackendData":"out put"}"#,
        ),
        row(
            "Windows vxlan",
            attrs("vxlan", None, Some(r#"{"VNI":4096,"VtepMAC":"0e:2a:00:00:00:01"}"#), None),
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":4096,"VtepMAC":"0e:2a:00:00:00:01"}}"#,
        ),
        row(
            "IPv6 only",
            Attrs { public_ip: None, ..attrs("vxlan", Some("fd01::4"), None, Some(vtep6)) },
            r#"{"PublicIP":"0.0.0.0","PublicIPv6":"fd01::4","BackendType":"vxlan","BackendV6Data":{"VNI":1,"VtepMAC":"06:42:ac:11:00:02"}}"#,
        ),
        row(
            "ours, with a node and a field of tomorrow",
            Attrs {
                node: Some("n1".into()),
                unknown: vec![("Zone".into(), r#"{"a":[1, 2]}"#.into())],
                ..attrs("vxlan", None, Some(vtep4), None)
            },
            r#"{"PublicIP":"1.2.3.4","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"02:42:ac:11:00:02"},"Node":"n1","Zone":{"a":[1, 2]}}"#,
        ),
    ]
}

#[test]
fn every_row_of_flannels_table_is_written_to_the_byte_and_read_back() {
    for Row { what, attrs, text } in rows() {
        assert_eq!(encode_value(&attrs), text, "{what}");
        assert_eq!(decode_value(text.as_bytes()), Ok(attrs), "{what}");
    }
}

#[test]
fn names_are_read_in_any_case_and_blanks_do_not_matter() {
    let text =
        br#" { "publicip" : "1.2.3.4", "PUBLICIPV6":"fd01::4","backendTYPE":"host-gw", "NODE":"n1" } "#;
    let want = Attrs { node: Some("n1".into()), ..attrs("host-gw", Some("fd01::4"), None, None) };
    assert_eq!(decode_value(text), Ok(want));
}

#[test]
fn what_is_no_lease_is_told_and_not_guessed() {
    for text in [
        "",
        "null",
        "[]",
        "\"x\"",
        "{",
        r#"{"PublicIP":"1.2.3"}"#,
        r#"{"PublicIP":7}"#,
        r#"{"PublicIP":"fd01::1"}"#,
        r#"{"PublicIPv6":"1.2.3.4"}"#,
        r#"{"PublicIP":"1.2.3.4","BackendType":3}"#,
        r#"{"PublicIP":"1.2.3.4"} x"#,
    ] {
        assert!(decode_value(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn keys_are_read_only_directly_under_subnets_and_only_as_flannel_writes_them() {
    let p = "/coreos.com/network";
    for good in ["10.12.13.0-24", "10.12.13.0-24&fd00:12:13::-56", "0.0.0.0-0&fd00:12:13::-56"] {
        let subnet = subnet_of_key(p, &format!("{p}/subnets/{good}")).unwrap();
        assert_eq!(key_of(p, &subnet), format!("{p}/subnets/{good}"));
    }
    for bad in [
        "10",
        "10.12.13.0",
        "10.12.13-24",
        "10.12.13.300-24",
        "10.12.13.0-24hi",
        "&2001::-56",
        "10.12.13.0-24&:12:13:-56",
        "10.12.13.0-24&20011::-56",
        "10.12.13.0-24&2001-56",
        "10.12.13.0-24&2001::",
        "10.12.13.0-24&2001::-56hi",
        "10.12.13.7-24",
        "10.12.13.0-024",
        "x/10.12.13.0-24",
        "",
    ] {
        assert!(subnet_of_key(p, &format!("{p}/subnets/{bad}")).is_err(), "{bad}");
    }
    for bad in ["/coreos.com/network/subnets-old/10.1.1.0-24", "/other/subnets/10.1.1.0-24", "10.1.1.0-24"] {
        assert!(subnet_of_key(p, bad).is_err(), "{bad}");
    }
}

fn raw_json() -> impl Strategy<Value = Box<str>> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        ".*".prop_map(|s| quoted(&s)),
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|v| format!("[{}]", v.join(", "))),
            (".*", inner).prop_map(|(k, v)| format!("{{{}: {v}}}", quoted(&k))),
        ]
    });
    value.prop_map(String::into_boxed_str)
}

fn any_attrs() -> impl Strategy<Value = Attrs> {
    let known = ["publicip", "publicipv6", "backendtype", "backenddata", "backendv6data", "node"];
    let unknown = prop::collection::btree_map(".{0,8}", raw_json(), 0..3).prop_map(move |map| {
        let fresh = map.into_iter().filter(|(k, _)| !known.contains(&k.to_ascii_lowercase().as_str()));
        fresh.map(|(k, v)| (k.into(), v)).collect()
    });
    (
        prop::option::of(1u32..).prop_map(|n| n.map(Ipv4Addr::from)),
        prop::option::of(any::<u128>()).prop_map(|n| n.map(Ipv6Addr::from)),
        ".{0,12}",
        prop::option::of(raw_json()),
        prop::option::of(raw_json()),
        prop::option::of(".{1,12}"),
        unknown,
    )
        .prop_map(|(public_ip, public_ipv6, kind, backend_data, backend_v6_data, node, unknown)| Attrs {
            public_ip,
            public_ipv6,
            backend_type: kind.into(),
            backend_data,
            backend_v6_data,
            node: node.map(Into::into),
            unknown,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_500))]

    #[test]
    fn what_is_written_is_read_back(attrs in any_attrs()) {
        prop_assert_eq!(decode_value(encode_value(&attrs).as_bytes()), Ok(attrs));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = decode_value(&bytes);
    }

    #[test]
    fn no_damaged_value_makes_it_panic(attrs in any_attrs(), at in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut bytes = encode_value(&attrs).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = with;
        if let Ok(read) = decode_value(&bytes) {
            prop_assert_eq!(decode_value(encode_value(&read).as_bytes()), Ok(read));
        }
    }

    #[test]
    fn no_key_makes_it_panic(key in ".{0,40}") {
        let _ = subnet_of_key("/coreos.com/network", &format!("/coreos.com/network/subnets/{key}"));
    }
}
