use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::{AgentFile, AgentFileError, StoreNote, decode, encode, find, path, without_userinfo, write};
use crate::config::{EtcdSettings, StoreChoice, Uplink};
use crate::lease::{Attrs, Expiry, Lease};
use crate::net::Subnet;

fn text(file: &AgentFile) -> String {
    let mut text = Vec::new();
    encode(file, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn at(secs: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(secs.into())
}

fn lease(n: u8, node: &str, expires: Expiry) -> Lease {
    let attrs = Attrs {
        public_ip: Some([192, 168, 50, n].into()),
        backend_type: "vxlan".into(),
        backend_data: Some(format!(r#"{{"VNI":1,"VtepMAC":"02:00:00:00:00:{n:02x}"}}"#).into()),
        node: Some(node.into()),
        unknown: vec![("Rack".into(), r#"{"row":7}"#.into())],
        ..Attrs::default()
    };
    let subnet = format!("10.5.{n}.0-24").parse().unwrap();
    Lease { subnet, attrs, expires, revision: i64::from(n) + 5, id: 7 }
}

fn file(pid: u32, netns: u64, device: &str, peers: Vec<Lease>) -> AgentFile {
    AgentFile {
        pid,
        started: at(1_000),
        written_at: at(1_000 + pid),
        host: "node-a".to_owned(),
        netns,
        device: device.parse().unwrap(),
        store: StoreNote::Dir { path: PathBuf::from("/var/lib/flanctl") },
        config: "{\"Network\": \"10.5.0.0/16\"}\n".to_owned(),
        own: Some(lease(1, "node-a", Expiry::At(at(90_000)))),
        uplink: Uplink {
            dev: "eth0".parse().unwrap(),
            mtu: 1500,
            v4: Some([192, 168, 50, 1].into()),
            v6: None,
            ext_v4: None,
            ext_v6: None,
        },
        peers,
    }
}

proptest! {
    #[test]
    fn a_file_is_read_back_as_it_was_written(
        pid: u32, netns: u64,
        peers in proptest::collection::btree_map(2u8..250, ("[a-z\"\\\\é]{1,12}", proptest::option::of(any::<u32>())), 0..8),
    ) {
        let peers = peers.iter().map(|(n, (node, end))| {
            lease(*n, node, end.map_or(Expiry::Never, |secs| Expiry::At(at(secs))))
        });
        let file = file(pid, netns, "flannel.1", peers.collect());
        let text = text(&file);
        prop_assert_eq!(decode(text.as_bytes(), Path::new("x")).unwrap(), file);
    }

    #[test]
    fn reading_never_panics(bytes: Vec<u8>) {
        let _ = decode(&bytes, Path::new("x"));
    }
}

#[test]
fn a_reader_finds_the_file_of_its_namespace_and_device() {
    let dir = tempfile::tempdir().unwrap();
    assert!(find(dir.path(), 7, None).unwrap().is_none());
    assert!(find(&dir.path().join("absent"), 7, None).unwrap().is_none());
    for (pid, netns, device) in
        [(1, 7, "flannel.1"), (3, 7, "flannel.2"), (2, 7, "flannel.3"), (9, 77, "flannel.1")]
    {
        write(dir.path(), &file(pid, netns, device, Vec::new())).unwrap();
    }
    let pid = |netns, device: Option<&str>| {
        let found = find(dir.path(), netns, device.map(|d| d.parse().unwrap())).unwrap();
        found.map(|file| file.pid)
    };
    for (netns, device, want) in [
        (7, None, Some(3)),
        (7, Some("flannel.1"), Some(1)),
        (77, None, Some(9)),
        (77, Some("flannel.2"), None),
        (8, None, None),
    ] {
        assert_eq!(pid(netns, device), want, "{netns} {device:?}");
    }
}

#[test]
fn writing_again_replaces_in_one_step_and_leaves_nothing_else() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let run_dir = dir.path().join("run");
    for pid in [1, 2] {
        write(&run_dir, &file(pid, 7, "flannel.1", Vec::new())).unwrap();
    }
    let names: Vec<_> = std::fs::read_dir(&run_dir).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["flanctl-7-flannel.1.json"]);
    let mode =
        std::fs::metadata(path(&run_dir, 7, "flannel.1".parse().unwrap())).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

#[test]
fn what_a_newer_flanctl_wrote_is_refused() {
    let text = text(&file(1, 7, "flannel.1", Vec::new())).replace("flanctl.agent/1", "flanctl.agent/2");
    assert!(matches!(decode(text.as_bytes(), Path::new("x")), Err(AgentFileError::Schema { .. })));
}

#[test]
fn no_secret_is_written() {
    for (url, want) in [
        ("http://10.0.0.1:2379", "http://10.0.0.1:2379"),
        ("https://root:s3cret@etcd:2379/", "https://etcd:2379/"),
        ("root:s3cret@etcd:2379", "etcd:2379"),
    ] {
        assert_eq!(without_userinfo(url), want);
    }
    let choice = StoreChoice::Etcd(EtcdSettings {
        endpoints: vec!["http://root:s3cret@etcd:2379".to_owned()],
        prefix: "/coreos.com/network".to_owned(),
        keyfile: None,
        certfile: None,
        cafile: None,
        username: Some("root".to_owned()),
        password: Some("s3cret".to_owned()),
    });
    let file = AgentFile { store: StoreNote::of(&choice), ..file(1, 7, "flannel.1", Vec::new()) };
    assert!(!text(&file).contains("s3cret"));
    assert_eq!(StoreNote::of(&file.store.choice(None)), file.store);
}

#[test]
fn a_dual_stack_key_survives() {
    let key: Subnet = "10.5.1.0-24&fd00:1::-56".parse().unwrap();
    let own = Some(Lease { subnet: key, ..lease(1, "node-a", Expiry::Unknown) });
    let file = AgentFile { own, ..file(1, 7, "flannel.1", Vec::new()) };
    assert_eq!(decode(text(&file).as_bytes(), Path::new("x")).unwrap(), file);
}
