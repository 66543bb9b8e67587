//! The names and versions that our documents carry: `flanctl.agent/1`, `flanctl.fdb/1`.
//! Reading refuses what a newer flanctl wrote instead of misreading it.

use serde::Deserialize;

/// Why a document is not what was expected.
#[derive(Debug, thiserror::Error)]
pub enum BadSchema {
    /// Not JSON, or without a `schema` text.
    #[error("not a {wanted} document")]
    Foreign {
        /// The schema that was expected, such as `flanctl.agent/1`.
        wanted: String,
        /// What the JSON reader says.
        #[source]
        source: serde_json::Error,
    },
    /// Another kind of document.
    #[error("a {found:?} document, where {wanted} was expected")]
    Other {
        /// The schema that was expected.
        wanted: String,
        /// The schema that is there.
        found: String,
    },
    /// A later version of the same kind.
    #[error("{found} was written by a newer flanctl; this one reads up to {wanted}")]
    Newer {
        /// The schema that was expected.
        wanted: String,
        /// The schema that is there.
        found: String,
    },
}

#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// The schema text of a kind of document.
pub fn name(kind: &str, version: u32) -> String {
    format!("flanctl.{kind}/{version}")
}

/// Checks that `bytes` are a JSON document `flanctl.<kind>/<up to version>`.
pub fn expect(bytes: &[u8], kind: &str, version: u32) -> Result<(), BadSchema> {
    let wanted = name(kind, version);
    let head: Head = match serde_json::from_slice(bytes) {
        Ok(head) => head,
        Err(source) => return Err(BadSchema::Foreign { wanted, source }),
    };
    expect_name(head.schema, kind, version)
}

/// Checks that a document that was read says it is `flanctl.<kind>/<up to version>`.
pub fn expect_name(found: String, kind: &str, version: u32) -> Result<(), BadSchema> {
    let wanted = name(kind, version);
    let number = found.strip_prefix("flanctl.").and_then(|rest| rest.strip_prefix(kind));
    match number.and_then(|rest| rest.strip_prefix('/')).and_then(|n| n.parse::<u32>().ok()) {
        Some(n) if (1..=version).contains(&n) => Ok(()),
        Some(n) if n > version => Err(BadSchema::Newer { wanted, found }),
        _ => Err(BadSchema::Other { wanted, found }),
    }
}

#[cfg(test)]
mod tests {
    use super::expect;

    #[test]
    fn a_document_of_another_kind_or_a_newer_version_is_refused() {
        for (text, want) in [
            (r#"{"schema":"flanctl.agent/1"}"#, None),
            (r#"{"pid":1,"schema":"flanctl.agent/1"}"#, None),
            (r#"{"schema":"flanctl.agent/2"}"#, Some("newer flanctl")),
            (r#"{"schema":"flanctl.fdb/1"}"#, Some("where flanctl.agent/1 was expected")),
            (r#"{"schema":"flanctl.agent/x"}"#, Some("where flanctl.agent/1 was expected")),
            ("{}", Some("not a flanctl.agent/1")),
            ("", Some("not a flanctl.agent/1")),
        ] {
            let got = expect(text.as_bytes(), "agent", 1).err().map(|e| e.to_string());
            match (want, got) {
                (None, None) => {}
                (Some(part), Some(said)) if said.contains(part) => {}
                (want, got) => panic!("{text}: wanted {want:?}, got {got:?}"),
            }
        }
    }
}
