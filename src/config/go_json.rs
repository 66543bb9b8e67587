//! A JSON object as Go's encoding/json reads one: keys whatever their case, the last of a duplicate counts,
//! null changes nothing, unknown keys are no matter.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of an object in their order, values as they stand.
pub(super) struct Object(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        d.deserialize_map(Members)
    }
}

/// A member has another type than its key asks for.
#[derive(Debug)]
pub(super) struct WrongType {
    pub(super) key: &'static str,
    pub(super) got: String,
}

impl Object {
    /// The member that counts, unless it is absent or null.
    pub(super) fn raw(&self, key: &str) -> Option<&RawValue> {
        let named = self.0.iter().rev().filter(|(k, _)| k.eq_ignore_ascii_case(key));
        named.map(|(_, v)| &**v).find(|v| v.get() != "null")
    }

    /// The member as `T`. Go checks every duplicate; so does this.
    pub(super) fn get<T: DeserializeOwned>(&self, key: &'static str) -> Result<Option<T>, WrongType> {
        let mut last = None;
        for (_, value) in self.0.iter().filter(|(k, v)| k.eq_ignore_ascii_case(key) && v.get() != "null") {
            let wrong = |_| WrongType { key, got: shortened(value.get()) };
            last = Some(serde_json::from_str(value.get()).map_err(wrong)?);
        }
        Ok(last)
    }
}

/// A value for a message.
pub(super) fn shortened(raw: &str) -> String {
    let one_line: String = raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match one_line.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", one_line.get(..at).unwrap_or_default()),
        None => one_line,
    }
}
