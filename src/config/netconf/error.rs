//! What can be wrong with a network config, in flannel's words where flannel has any, and what to do about it.

use std::net::IpAddr;

/// Why a text is no usable network config.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetConfError {
    /// Not JSON.
    #[error("the network config is not JSON: line {line} column {column}: {what}")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1; 0 at the very start.
        column: usize,
        /// What the parser met.
        what: String,
        /// A comment stands in the text.
        comment: bool,
    },
    /// JSON, but no object.
    #[error("the network config is {0}, not an object")]
    NotObject(&'static str),
    /// JSON of the wrong type.
    #[error("{key} is {got}, not {wanted}")]
    WrongType {
        /// Which key.
        key: &'static str,
        /// What it should be.
        wanted: &'static str,
        /// What stands there.
        got: String,
    },
    /// A text that is no network or address of its family; flannel's wording.
    #[error("{key} {value:?}: {why}")]
    BadValue {
        /// Which key.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Missing or `0.0.0.0/0`; flannel's wording.
    #[error("please define a correct {0} parameter in the flannel config")]
    NoNetwork(&'static str),
    /// flannel's wording.
    #[error("SubnetLen must be less than /{0}")]
    LenTooLong(u8),
    /// flannel's wording.
    #[error("network must be able to accommodate at least four subnets")]
    NotFour,
    /// Key, how flannel calls it, longest prefix; flannel's wording.
    #[error("{1} is too small. Minimum useful network prefix is /{2}")]
    TooSmall(&'static str, &'static str, u8),
    /// flannel's wording.
    #[error("{0} is not in the range of the {1}")]
    OutsideNetwork(&'static str, &'static str),
    /// flannel's wording.
    #[error("{0} is not on a SubnetLen boundary: {1}")]
    Unaligned(&'static str, IpAddr),
    /// No subnet lies between them.
    #[error("{0} {1} is past {2} {3}")]
    MinPastMax(&'static str, IpAddr, &'static str, IpAddr),
    /// Both families are off; flannel's wording.
    #[error("none defined stack")]
    NoStack,
    /// No `Backend` key.
    #[error("the network config has no Backend, which means backend type udp, and udp is not built yet")]
    NoBackend,
    /// flannel's wording.
    #[error("error decoding Backend property of config: {got} is not an object")]
    BackendNotObject {
        /// What stands there.
        got: String,
    },
    /// A backend of flannel's that this build lacks.
    #[error("backend type {0} is not built yet")]
    NotBuilt(&'static str),
    /// flannel's wording.
    #[error("unknown backend type: {0}")]
    UnknownBackend(String),
    /// A number that VXLAN cannot take.
    #[error("Backend.{key} is {value}, not in {least} to {most}")]
    OutOfRange {
        /// Which option.
        key: &'static str,
        /// What it was set to.
        value: i64,
        /// Smallest possible.
        least: i64,
        /// Largest possible.
        most: i64,
    },
}

impl NetConfError {
    pub(super) fn syntax(text: &str, e: &serde_json::Error) -> Self {
        if let Some(kind) = serde_json::from_str(text).ok().and_then(|value| other_kind(&value)) {
            return Self::NotObject(kind);
        }
        let (line, column) = (e.line(), e.column());
        let whole = e.to_string();
        let what =
            whole.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&whole).to_owned();
        Self::Syntax { line, column, what, comment: has_comment(text) }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Syntax { comment: true, .. } => {
                "JSON has no comments: take out // … , /* … */ and # …".to_owned()
            }
            Self::Syntax { .. } => {
                "check for a missing or superfluous comma, quote or brace there".to_owned()
            }
            Self::NotObject(_) => {
                "write it as {\"Network\": \"10.244.0.0/16\", \"Backend\": {\"Type\": \"vxlan\"}}".to_owned()
            }
            Self::WrongType { key, wanted, .. } => format!("write {wanted} for {key}"),
            Self::BadValue { key: "Network", .. } => "write it like \"10.244.0.0/16\"".to_owned(),
            Self::BadValue { key: "IPv6Network", .. } => "write it like \"fd00:10:244::/48\"".to_owned(),
            Self::BadValue { key, .. } => {
                format!("write the first address of a subnet for {key}, or leave it out")
            }
            Self::NoNetwork(key @ "Network") => {
                format!("add \"{key}\": \"10.244.0.0/16\" or set EnableIPv4 to false")
            }
            Self::NoNetwork(key) => format!("add \"{key}\": \"fd00:10:244::/48\" or set EnableIPv6 to false"),
            Self::LenTooLong(_) | Self::NotFour => {
                "a subnet's length is at least the network's plus 2; raise SubnetLen or widen the network"
                    .to_owned()
            }
            Self::TooSmall(key, ..) => format!("widen {key}"),
            Self::OutsideNetwork(key, network) => format!("choose {key} inside {network}, or leave it out"),
            Self::Unaligned(key, _) => format!("write the first address of a subnet for {key}"),
            Self::MinPastMax(min, _, max, _) => format!("swap {min} and {max}"),
            Self::NoStack => "set EnableIPv4 or EnableIPv6 to true".to_owned(),
            Self::NoBackend => "set Backend.Type: add \"Backend\": {\"Type\": \"vxlan\"}".to_owned(),
            Self::BackendNotObject { .. } => "write \"Backend\": {\"Type\": \"vxlan\"}".to_owned(),
            Self::NotBuilt(_) | Self::UnknownBackend(_) => "set Backend.Type to vxlan".to_owned(),
            Self::OutOfRange { key, .. } => format!("leave {key} out for its default"),
        })
    }
}

/// True if `//`, `/*` or `#` stands outside every string.
/// What a value is called that is no object.
fn other_kind(value: &serde_json::Value) -> Option<&'static str> {
    use serde_json::Value;
    match value {
        Value::Object(_) => None,
        Value::Array(_) => Some("a list"),
        Value::String(_) => Some("a string"),
        Value::Number(_) => Some("a number"),
        Value::Bool(_) => Some("true or false"),
        Value::Null => Some("null"),
    }
}

fn has_comment(text: &str) -> bool {
    let (mut in_string, mut escaped, mut slash) = (false, false, false);
    for c in text.chars() {
        if in_string {
            // A string cannot span lines: an open quote would hide every comment after it.
            in_string = c != '\n' && (c != '"' || escaped);
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '#' => return true,
            '/' | '*' if slash => return true,
            '"' => (in_string, escaped) = (true, false),
            _ => {}
        }
        slash = c == '/';
    }
    false
}
