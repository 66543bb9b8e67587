//! What of a network config is nobody's business: keys, passwords, tokens, and commands, which may hold any of them.

use serde_json::Value;

/// Parts of a member's name that say it is a secret.
const SECRET: &[&str] =
    &["psk", "presharedkey", "passw", "secret", "token", "credential", "privatekey", "apikey", "command"];

/// True for the name of a member that must not be shown.
pub fn is_secret(member: &str) -> bool {
    let name: String =
        member.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    name == "key" || SECRET.iter().any(|part| name.contains(part))
}

/// The text without its secrets, to the byte if there are none; nothing if it is not JSON, where none can be told.
pub fn without_secrets(text: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    Some(if strip(&mut value) { value.to_string() } else { text.to_owned() })
}

/// Takes them out; true if there were any.
fn strip(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => {
            let before = members.len();
            members.retain(|name, _| !is_secret(name));
            let inside = members.values_mut().fold(false, |any, value| strip(value) | any);
            inside || members.len() != before
        }
        Value::Array(all) => all.iter_mut().fold(false, |any, value| strip(value) | any),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_secret, without_secrets};

    #[test]
    fn secrets_go_and_everything_else_stays() {
        let text = r#"{"Network":"10.0.0.0/8","Backend":{"Type":"wireguard","PSK":"hunter2","Mode":"auto"},"Password":"hunter2",
            "Hooks":[{"PostStartupCommand":"curl -H hunter2"}]}"#;
        let kept = without_secrets(text).unwrap();
        assert!(!kept.contains("hunter2"), "{kept}");
        for stays in ["10.0.0.0/8", "wireguard", "auto"] {
            assert!(kept.contains(stays), "{stays} in {kept}");
        }
    }

    #[test]
    fn a_config_without_secrets_is_the_same_to_the_byte_and_no_json_is_nothing() {
        let text = "{ \"Network\": \"10.244.0.0/16\",\n \"Backend\": {\"Type\": \"vxlan\"} }\n";
        assert_eq!(without_secrets(text).as_deref(), Some(text));
        assert_eq!(without_secrets("Password: hunter2"), None);
    }

    #[test]
    fn what_everybody_may_know_is_no_secret() {
        for open in ["PublicKey", "Network", "SubnetLen", "VtepMAC", "Type", "Mode"] {
            assert!(!is_secret(open), "{open}");
        }
        for secret in ["PSK", "psk", "etcd-password", "PreShared_Key", "PrivateKey", "Key", "ShutdownCommand"]
        {
            assert!(is_secret(secret), "{secret}");
        }
    }
}
