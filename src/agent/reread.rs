//! What a new network config says that the old one did not, in words.

use std::collections::BTreeMap;

use serde_json::Value;

/// One phrase a key, `Backend.MTU is 1400, was not set`; the texts may differ in nothing that has a name.
pub(super) fn differences(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (leaves(old), leaves(new));
    let told = |value: Option<&Value>| value.map_or("not set".to_owned(), Value::to_string);
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let changed = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let lines: Vec<String> =
        changed.map(|key| format!("{key} is {} (was {})", told(new.get(key)), told(old.get(key)))).collect();
    match lines.is_empty() {
        true => vec!["no value differs".to_owned()],
        false => lines,
    }
}

/// The values by their dotted names; those of the backend are one level down.
fn leaves(text: &str) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let Ok(Value::Object(top)) = serde_json::from_str(text) else { return all };
    for (key, value) in top {
        match value {
            Value::Object(inner) => all.extend(inner.into_iter().map(|(k, v)| (format!("{key}.{k}"), v))),
            value => drop(all.insert(key, value)),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::differences;

    #[test]
    fn each_key_that_differs_is_named_with_both_values() {
        let old = r#"{"Network":"10.1.0.0/16","Backend":{"Type":"vxlan","MTU":1400}}"#;
        for (new, want) in [
            (
                r#"{"Network":"10.1.0.0/16","Backend":{"Type":"vxlan","MTU":1300}}"#,
                &["Backend.MTU is 1300 (was 1400)"][..],
            ),
            (
                r#"{"Network":"10.1.0.0/16","SubnetLen":25,"Backend":{"Type":"vxlan"}}"#,
                &["Backend.MTU is not set (was 1400)", "SubnetLen is 25 (was not set)"],
            ),
            (
                r#"{ "Network": "10.1.0.0/16", "Backend": {"MTU": 1400, "Type": "vxlan"} }"#,
                &["no value differs"],
            ),
        ] {
            assert_eq!(differences(old, new), want, "{new}");
        }
    }
}
