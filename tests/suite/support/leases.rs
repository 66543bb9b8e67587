//! A directory store for one test, written as an operator or a flanneld would, and read as plain files.

#![allow(dead_code, reason = "not every area needs every helper")]

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

/// The store's directory.
pub(crate) struct Leases(TempDir);

impl Leases {
    pub(crate) fn new(config: &str) -> Self {
        let leases = Self(tempfile::tempdir().unwrap());
        fs::create_dir(leases.0.path().join("subnets")).unwrap();
        leases.configure(config);
        leases
    }

    /// The value of `--store`.
    pub(crate) fn flag(&self) -> String {
        format!("--store=dir:{}", self.0.path().display())
    }

    /// Another network config.
    pub(crate) fn configure(&self, config: &str) {
        let fresh = self.0.path().join("config.new");
        fs::write(&fresh, config).unwrap();
        fs::rename(fresh, self.0.path().join("config")).unwrap();
    }

    /// A lease with a day to live, under its key (`10.1.2.0-24`).
    pub(crate) fn put(&self, key: &str, value: &str) {
        let end = SystemTime::now() + Duration::from_secs(86_400);
        let end = end.duration_since(UNIX_EPOCH).unwrap().as_millis();
        let text = format!(r#"{{"revision":1,"ttl":86400,"expires_ms":{end},"value":{value}}}"#);
        let fresh = self.0.path().join("lease.new");
        fs::write(&fresh, text).unwrap();
        fs::rename(fresh, self.0.path().join("subnets").join(key)).unwrap();
    }

    pub(crate) fn remove(&self, key: &str) {
        fs::remove_file(self.0.path().join("subnets").join(key)).unwrap();
    }

    /// Every lease's key and text.
    pub(crate) fn all(&self) -> BTreeMap<String, String> {
        let names = fs::read_dir(self.0.path().join("subnets")).unwrap().flatten();
        let named = names.filter(|e| !e.file_name().to_string_lossy().starts_with('.'));
        named.map(|e| (e.file_name().into_string().unwrap(), fs::read_to_string(e.path()).unwrap())).collect()
    }

    /// The key whose value has this field, and the value.
    pub(crate) fn of(&self, field: &str, wanted: &str) -> (String, serde_json::Value) {
        let parsed = self.all().into_iter().map(|(key, text)| {
            let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
            (key, file["value"].take())
        });
        let mut fit: Vec<_> = parsed.filter(|(_, value)| value[field] == wanted).collect();
        assert_eq!(fit.len(), 1, "leases with {field} {wanted}: {:?}", self.all());
        fit.remove(0)
    }
}
