//! etcd's v2 API, only to tell an operator that the network config lies there: flannel before 0.10 kept it
//! there, and the two APIs do not see each other's keys.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LIMIT: Duration = Duration::from_secs(1);

/// A sentence with the command that moves the config, if an endpoint (plain http only) holds `key` in v2.
pub(super) async fn v2_hint(endpoints: impl Iterator<Item = &str>, key: &str) -> Option<String> {
    for endpoint in endpoints.filter(|url| url.starts_with("http://")) {
        let Ok(Some(value)) = tokio::time::timeout(LIMIT, v2_value(endpoint, key)).await else { continue };
        let quoted = value.replace('\'', r"'\''");
        return Some(format!(
            "etcd's v2 API holds one, which the v3 API does not see; move it: \
             ETCDCTL_API=3 etcdctl --endpoints={endpoint} put {key} '{quoted}'"
        ));
    }
    None
}

async fn v2_value(endpoint: &str, key: &str) -> Option<String> {
    let host = endpoint.strip_prefix("http://")?.split('/').next()?;
    let mut stream = TcpStream::connect(host).await.ok()?;
    let request = format!("GET /v2/keys{key} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.take(1 << 20).read_to_end(&mut answer).await.ok()?;
    v2_node(&answer)
}

/// The value in a v2 answer: status 200 and `{"node":{"value":…}}`.
fn v2_node(answer: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    head.split(' ').nth(1).filter(|status| *status == "200")?;
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    body.get("node")?.get("value")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::v2_node;

    #[test]
    fn only_a_v2_key_with_a_value_counts() {
        let ok = b"HTTP/1.0 200 OK\r\nA: b\r\n\r\n{\"action\":\"get\",\"node\":{\"value\":\"{}\"}}";
        assert_eq!(v2_node(ok).as_deref(), Some("{}"));
        for bad in [
            &b"HTTP/1.0 404 Not Found\r\n\r\n{\"node\":{\"value\":\"{}\"}}"[..],
            b"HTTP/1.0 200 OK\r\n\r\n404 page not found",
            b"HTTP/1.0 200 OK\r\n\r\n{\"node\":{\"dir\":true}}",
            b"",
        ] {
            assert_eq!(v2_node(bad), None, "{bad:?}");
        }
    }
}
