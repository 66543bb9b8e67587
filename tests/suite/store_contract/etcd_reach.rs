//! Reaching an etcd: TLS, passwords, several endpoints, and the config that lies in its old API.

use std::path::PathBuf;

use flanctl::config::{EtcdSettings, StoreChoice};
use flanctl::lease::TTL_SECS;
use flanctl::store::{self, LeaseStore, StoreError};

use super::{acquire, attrs, id, run, subnet, upstream};
use crate::support::etcd::{Etcd, PREFIX, free_port};

async fn open(settings: EtcdSettings) -> Result<Box<dyn LeaseStore>, StoreError> {
    store::open(&StoreChoice::Etcd(settings)).await
}

/// The whole message, causes included.
fn text(e: &StoreError) -> String {
    let mut text = e.to_string();
    let mut source = std::error::Error::source(e);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[test]
fn https_with_a_client_certificate_works_and_without_one_is_an_error_each_time() {
    let etcd = Etcd::start_tls();
    run(async {
        let store = open(etcd.settings()).await.unwrap();
        store.put_config("{}").await.unwrap();
        assert_eq!(store.network_config().await.unwrap(), "{}");
        acquire(&*store, &id("n1", "1.2.3.4"), &upstream(), None).await.unwrap();
        let mut watch = store.watch(store.list().await.unwrap().cursor).await.unwrap();
        store.create(subnet("10.9.1.0-24"), &attrs("1.2.3.5"), TTL_SECS).await.unwrap();
        super::next(&mut *watch, 5).await;

        let none = EtcdSettings { keyfile: None, certfile: None, ..etcd.settings() };
        let foreign = EtcdSettings {
            keyfile: Some(etcd.file("stranger.key")),
            certfile: Some(etcd.file("stranger.crt")),
            ..etcd.settings()
        };
        let distrusting = EtcdSettings { cafile: Some(etcd.file("stranger.crt")), ..etcd.settings() };
        let plain = EtcdSettings { endpoints: vec![etcd.url().replace("https", "http")], ..etcd.settings() };
        for (what, settings) in [
            ("no certificate", none),
            ("another CA's", foreign),
            ("another CA", distrusting),
            ("http", plain),
        ] {
            let store = open(settings).await.unwrap();
            for _ in 0..2 {
                let refused = store.network_config().await.unwrap_err();
                assert!(matches!(refused, StoreError::Unreachable { .. }), "{what}: {refused:?}");
                let (said, advice) = (text(&refused), refused.hint());
                assert!(said.contains(PREFIX) && advice.is_some(), "{what}: {said}, {advice:?}");
            }
        }
        assert_eq!(store.network_config().await.unwrap(), "{}");
    });
}

#[test]
fn settings_that_cannot_work_are_told_at_once_and_name_the_file() {
    let home = tempfile::tempdir().unwrap();
    let junk = home.path().join("junk.pem");
    std::fs::write(&junk, "no pem").unwrap();
    let missing = home.path().join("missing.pem");
    let base = EtcdSettings {
        endpoints: vec!["https://127.0.0.1:1".into()],
        prefix: PREFIX.into(),
        keyfile: None,
        certfile: None,
        cafile: None,
        username: None,
        password: None,
    };
    let rows: [(&str, EtcdSettings, Option<&PathBuf>); 5] = [
        ("missing CA", EtcdSettings { cafile: Some(missing.clone()), ..base.clone() }, Some(&missing)),
        ("junk CA", EtcdSettings { cafile: Some(junk.clone()), ..base.clone() }, Some(&junk)),
        ("half a pair", EtcdSettings { certfile: Some(junk.clone()), ..base.clone() }, None),
        ("no endpoint", EtcdSettings { endpoints: vec![], ..base.clone() }, None),
        ("ftp", EtcdSettings { endpoints: vec!["ftp://x".into()], ..base }, None),
    ];
    run(async {
        for (what, settings, names) in rows {
            let wrong = open(settings).await.err().expect(what);
            assert!(matches!(wrong, StoreError::Setup { .. }), "{what}: {wrong:?}");
            assert!(wrong.hint().is_some(), "{what}");
            let named = names.is_none_or(|path| wrong.to_string().contains(&path.display().to_string()));
            assert!(named, "{what}: {wrong}");
        }
    });
}

#[test]
fn a_user_with_flannels_rights_works_and_a_wrong_password_is_told_without_it() {
    let etcd = Etcd::start();
    etcd.ctl(&["put", &format!("{PREFIX}/config"), "{}"]);
    etcd.ctl(&["user", "add", "root:rootpw"]);
    etcd.ctl(&["role", "add", "flannel"]);
    etcd.ctl(&["role", "grant-permission", "flannel", "read", &format!("{PREFIX}/config")]);
    etcd.ctl(&[
        "role",
        "grant-permission",
        "flannel",
        "--prefix=true",
        "readwrite",
        &format!("{PREFIX}/subnets"),
    ]);
    etcd.ctl(&["user", "add", "flannel:s3cret"]);
    etcd.ctl(&["user", "grant-role", "flannel", "flannel"]);
    etcd.ctl(&["user", "grant-role", "root", "root"]);
    let login = |password: &str| EtcdSettings {
        username: Some("flannel".into()),
        password: Some(password.into()),
        ..etcd.settings()
    };
    run(async {
        // Not switched on yet: a user is no hindrance.
        assert_eq!(open(login("s3cret")).await.unwrap().network_config().await.unwrap(), "{}");
        etcd.ctl(&["auth", "enable"]);
        let store = open(login("s3cret")).await.unwrap();
        assert_eq!(store.network_config().await.unwrap(), "{}");
        let got = acquire(&*store, &id("n1", "1.2.3.4"), &upstream(), None).await.unwrap();
        store.keep_alive(&got.lease).await.unwrap();
        store.watch(store.list().await.unwrap().cursor).await.unwrap();
        store.release(&got.lease).await.unwrap();
        let denied = store.put_config("{}").await.unwrap_err();
        assert!(text(&denied).contains("permission denied"), "{}", text(&denied));

        let refused = open(login("hunter2")).await.unwrap().network_config().await.unwrap_err();
        assert!(matches!(refused, StoreError::Setup { .. }), "{refused:?}");
        let said = format!("{} {:?}", text(&refused), refused);
        assert!(said.contains("flannel") && !said.contains("hunter2"), "{said}");
        let anonymous = open(etcd.settings()).await.unwrap().network_config().await.unwrap_err();
        assert!(text(&anonymous).contains(&etcd.url()), "{}", text(&anonymous));
    });
}

#[test]
fn an_endpoint_that_is_away_is_passed_over() {
    let etcd = Etcd::start();
    let away = format!("http://127.0.0.1:{}", free_port());
    run(async {
        for endpoints in [vec![away.clone(), etcd.url()], vec![etcd.url(), away.clone()]] {
            let store = open(EtcdSettings { endpoints, ..etcd.settings() }).await.unwrap();
            for _ in 0..6 {
                store.list().await.unwrap();
            }
            store.put_config("{}").await.unwrap();
            store.watch(store.list().await.unwrap().cursor).await.unwrap();
        }
        let both = vec![away.clone(), format!("127.0.0.1:{}", free_port())];
        let none = open(EtcdSettings { endpoints: both, ..etcd.settings() }).await.unwrap();
        let error = none.list().await.unwrap_err();
        assert!(text(&error).contains(&away), "{}", text(&error));
    });
}

#[test]
fn a_config_in_the_v2_api_is_found_and_the_command_that_moves_it_is_told() {
    let etcd = Etcd::start_v2();
    let put = std::process::Command::new("etcdctl")
        .env("ETCDCTL_API", "2")
        .args([
            "--endpoints",
            &etcd.url(),
            "set",
            &format!("{PREFIX}/config"),
            r#"{"Network":"10.3.0.0/16"}"#,
        ])
        .output()
        .unwrap();
    assert!(put.status.success(), "{put:?}");
    run(async {
        let store = open(etcd.settings()).await.unwrap();
        let missing = store.network_config().await.unwrap_err();
        assert!(matches!(missing, StoreError::NoConfig { .. }), "{missing:?}");
        let hint = missing.hint().unwrap();
        let command = format!(
            r#"etcdctl --endpoints={} put {PREFIX}/config '{{"Network":"10.3.0.0/16"}}'"#,
            etcd.url()
        );
        assert!(hint.contains("v2") && hint.contains(&command), "{hint}");
    });
}
