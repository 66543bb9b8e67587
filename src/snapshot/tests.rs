//! What is no snapshot, and what is said of it.

use std::error::Error;

use super::Snapshot;
use crate::state::State;

fn small() -> Snapshot {
    Snapshot {
        host: "node1".to_owned(),
        at: std::time::UNIX_EPOCH,
        netns: "1".to_owned(),
        state: State::default(),
        leases: Some(Vec::new()),
        own: None,
        config: None,
        uplink: None,
        pods: Vec::new(),
        kernel: "6.1.0".to_owned(),
        version: "0.1.0".to_owned(),
        unseen: Vec::new(),
    }
}

/// The whole chain of reasons.
fn refused(text: &str) -> String {
    let error = Snapshot::decode(text.as_bytes()).unwrap_err();
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |all, cause| format!("{all}: {cause}"))
}

#[test]
fn a_snapshot_is_read_back_as_it_was() {
    let text = small().encode().unwrap();
    assert_eq!(Snapshot::decode(text.as_bytes()).unwrap(), small());
    // A field that a later release adds is no reason to refuse what is known.
    let later = text.replacen('{', "{\"later\":[1],", 1);
    assert_eq!(Snapshot::decode(later.as_bytes()).unwrap(), small());
}

#[test]
fn what_is_no_snapshot_is_called_by_what_it_is() {
    let text = small().encode().unwrap();
    for (bad, said) in [
        (String::new(), "it is empty"),
        ("\n".to_owned(), "it is empty"),
        (text[..text.len() / 2].to_owned(), "it is cut off after "),
        ("hello".to_owned(), "it is not JSON"),
        (text.clone() + "}", "it is not JSON"),
        ("[]".to_owned(), "it is not flanctl's"),
        (r#"{"kind":"Pod","apiVersion":"v1"}"#.to_owned(), "it is not flanctl's: no schema is named in it"),
        (r#"{"schema":7}"#.to_owned(), "it is not flanctl's"),
        (
            text.replace("snapshot/1", "snapshot/2"),
            "written by a newer flanctl; this one reads up to flanctl.snapshot/1",
        ),
        (
            text.replace("flanctl.snapshot/1", "flanctl.fdb/1"),
            "\"flanctl.fdb/1\" document, where flanctl.snapshot/1",
        ),
        (
            text.replace("\"links\":{}", "\"links\":{\"eth0\":7}"),
            "its state cannot be read: invalid type: integer `7`",
        ),
        (
            text.replace("\"leases\":[]", "\"leases\":[{}]"),
            "its leases cannot be read: missing field `subnet`",
        ),
        (text.replace("\"host\":\"node1\"", "\"host\":null"), "its host cannot be read: invalid type: null"),
        (text.replace("\"host\":\"node1\",", ""), "its content cannot be read: missing field `host`"),
    ] {
        let got = refused(&bad);
        assert!(got.contains(said), "{bad}: {got}");
    }
}

#[test]
fn every_beginning_of_a_snapshot_is_refused_and_none_is_a_panic() {
    let text = small().encode().unwrap();
    for end in 1..text.len() {
        let got = refused(&text[..end]);
        assert!(got.starts_with("it is cut off after"), "{end}: {got}");
    }
}
