//! Reaching etcd: endpoints, TLS, passwords, time limits, and what an error says.

#![expect(clippy::disallowed_methods, reason = "reads certificates")]

use std::cell::{Cell, RefCell};
use std::error::Error as _;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Error, Identity, TlsOptions};

use crate::config::EtcdSettings;
use crate::store::{Cause, StoreError};

const DIAL: Duration = Duration::from_secs(2);
const REQUEST: Duration = Duration::from_secs(5);
// etcd refuses pings more often than every 5 s, and any while no request is under way.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_ANSWER: Duration = Duration::from_secs(5);

/// Where systems keep the certificates of public authorities, for `https` without a CA file.
const SYSTEM_ROOTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// One client an endpoint, and which of them answers. Cloning shares it.
#[derive(Clone)]
pub(super) struct Pool(Rc<Inner>);

struct Inner {
    name: String,
    user: Option<(String, String)>,
    options: Vec<(String, ConnectOptions)>,
    clients: RefCell<Vec<Option<Client>>>,
    current: Cell<usize>,
}

impl Pool {
    /// Reads certificates and checks every setting; connects to nobody yet.
    pub(super) async fn open(settings: &EtcdSettings) -> Result<Self, StoreError> {
        let EtcdSettings { endpoints, prefix, username, password, .. } = settings;
        let name = format!("etcd {}, prefix {prefix}", shown(endpoints));
        let mut options = Vec::new();
        for endpoint in endpoints {
            options.push(endpoint_options(settings, endpoint)?);
        }
        if options.is_empty() {
            return Err(setup("no etcd endpoint is given", "set --etcd-endpoints"));
        }
        if options.iter().all(|(url, _)| url.starts_with("http://")) {
            tracing::warn!("no certificate provided: connecting to etcd with http. This is insecure");
        }
        let mut clients = Vec::new();
        let user = username.clone().map(|user| (user, password.clone().unwrap_or_default()));
        for (url, options) in &options {
            // Without a user this sends nothing; what fails is the settings.
            let client =
                Client::connect([url], Some(options.clone())).await.map_err(|e| StoreError::Setup {
                    what: format!("{name}: an endpoint cannot be used: {}", chain(&e)),
                    hint: "check --etcd-endpoints and the certificates' content (PEM)".to_owned(),
                    source: Some(Box::new(e)),
                })?;
            clients.push(user.is_none().then_some(client));
        }
        let inner = Inner { name, user, options, clients: RefCell::new(clients), current: Cell::new(0) };
        Ok(Self(Rc::new(inner)))
    }

    /// `etcd ENDPOINTS, prefix PREFIX`.
    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// The endpoints as URLs.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = &str> {
        self.0.options.iter().map(|(url, _)| url.as_str())
    }

    /// The client of the endpoint that answered last, logged in.
    pub(super) async fn client(&self) -> Result<Client, StoreError> {
        self.login(self.0.current.get()).await.map_err(|e| self.error(&e))
    }

    /// Drops every connection; requests under way end as they may.
    pub(super) fn forget(&self) {
        self.0.clients.borrow_mut().iter_mut().for_each(|client| *client = None);
    }

    async fn login(&self, at: usize) -> Result<Client, Error> {
        if let Some(Some(client)) = self.0.clients.borrow().get(at) {
            return Ok(client.clone());
        }
        let (url, options) =
            self.0.options.get(at).ok_or_else(|| Error::InvalidArgs("no such endpoint".to_owned()))?;
        let plain = || Client::connect([url], Some(options.clone()));
        let client = match self.0.user.clone() {
            None => plain().await?,
            Some((name, password)) => {
                let with_user = options.clone().with_user(name, password).with_auto_token_refresh(true);
                match limited(Client::connect([url], Some(with_user))).await {
                    // Authentication is switched off in this etcd: anybody may.
                    Err(Error::GRpcStatus(s)) if s.message().contains("authentication is not enabled") => {
                        plain().await?
                    }
                    other => other?,
                }
            }
        };
        if let Some(slot) = self.0.clients.borrow_mut().get_mut(at) {
            *slot = Some(client.clone());
        }
        Ok(client)
    }

    /// Does a request that may be sent twice: on the endpoint that answered last, then once on each other. A lone
    /// endpoint is asked twice: what broke may be a connection left from before its restart.
    pub(super) async fn call<T>(
        &self,
        request: impl AsyncFn(Client) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        let count = self.0.options.len();
        let first = self.0.current.get();
        let mut last = None;
        for step in 0..count.max(2) {
            let at = (first + step) % count;
            let answer = match self.login(at).await {
                Ok(client) => limited(request(client)).await,
                Err(e) => Err(e),
            };
            match answer {
                Ok(answer) => {
                    self.0.current.set(at);
                    return Ok(answer);
                }
                Err(e) if count == 1 && matches!(e, Error::EndpointError(_)) => return Err(self.error(&e)),
                Err(e) if another_may_answer(&e) => last = Some(e),
                Err(e) => return Err(self.error(&e)),
            }
        }
        // All failed: begin with another one next time.
        self.0.current.set((first + 1) % count);
        Err(self.error(&last.unwrap_or_else(|| Error::Internal("no endpoint".to_owned()))))
    }

    /// The store's error for the client's: names endpoints and prefix, never the password.
    pub(super) fn error(&self, e: &Error) -> StoreError {
        if let Error::GRpcStatus(status) = e
            && (status.message().contains("authentication failed")
                || status.message().contains("user name is empty"))
        {
            let user = self.0.user.as_ref().map_or("", |(user, _)| user);
            return StoreError::Setup {
                what: format!("{} refuses user {user:?}: {}", self.0.name, status.message()),
                hint: "check --etcd-username and --etcd-password".to_owned(),
                source: None,
            };
        }
        StoreError::Unreachable { store: self.0.name.clone(), source: Box::new(Cause(chain(e))) }
    }
}

/// The endpoints for messages; a password in one (`http://user:password@host`) is not shown.
fn shown(endpoints: &[String]) -> String {
    let bare = |url: &String| match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (None, Some((_, host))) => host.to_owned(),
        (_, None) => url.clone(),
    };
    endpoints.iter().map(bare).collect::<Vec<_>>().join(",")
}

/// True if the server says that an etcd lease does not exist.
pub(super) fn no_such_lease(e: &StoreError) -> bool {
    matches!(e, StoreError::Unreachable { source, .. } if source.to_string().contains("requested lease not found"))
}

async fn limited<T>(request: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(REQUEST, request)
        .await
        .unwrap_or_else(|_| Err(Error::EndpointError(format!("no answer within {} s", REQUEST.as_secs()))))
}

/// Transport failures and a member without a leader; what the cluster decided is final.
fn another_may_answer(e: &Error) -> bool {
    match e {
        Error::GRpcStatus(status) => {
            let m = status.message();
            // 14 unavailable, 2 unknown (a broken connection), 4 deadline, 1 cancelled.
            matches!(status.code() as i32, 14 | 2 | 4 | 1) && !m.contains("authentication failed")
        }
        Error::TransportError(_) | Error::IoError(_) | Error::EndpointError(_) | Error::WatchError(_) => true,
        _ => false,
    }
}

/// What went wrong, innermost cause last, each said once.
fn chain(e: &Error) -> String {
    let mut text = match e {
        Error::GRpcStatus(status) => status.message().to_owned(),
        other => other.to_string(),
    };
    let mut source = match e {
        Error::GRpcStatus(status) => status.source(),
        Error::TransportError(e) => e.source(),
        _ => None,
    };
    while let Some(inner) = source {
        let said = inner.to_string();
        // A layer's name is no news.
        if said != "transport error" && !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = inner.source();
    }
    text
}

fn setup(what: &str, hint: &str) -> StoreError {
    StoreError::Setup { what: what.to_owned(), hint: hint.to_owned(), source: None }
}

/// The endpoint's URL, and how to connect to it.
fn endpoint_options(settings: &EtcdSettings, endpoint: &str) -> Result<(String, ConnectOptions), StoreError> {
    let EtcdSettings { keyfile, certfile, cafile, .. } = settings;
    let files = keyfile.is_some() || certfile.is_some() || cafile.is_some();
    let url = match endpoint.contains("://") {
        true => endpoint.to_owned(),
        false => format!("{}://{endpoint}", if files { "https" } else { "http" }),
    };
    let options = ConnectOptions::new()
        .with_connect_timeout(DIAL)
        .with_keep_alive(PING_EVERY, PING_ANSWER)
        .with_keep_alive_while_idle(false)
        .with_require_leader(true);
    if url.starts_with("http://") {
        if files {
            tracing::warn!("{url} is not https: the certificates given for etcd are not used there");
        }
        return Ok((url, options));
    }
    if !url.starts_with("https://") {
        let what = format!("etcd endpoint {endpoint:?} is neither http nor https");
        return Err(setup(&what, "write --etcd-endpoints=http://HOST:2379 or https://HOST:2379"));
    }
    let mut tls = TlsOptions::new().ca_certificate(Certificate::from_pem(roots(cafile.as_deref())?));
    match (certfile, keyfile) {
        (Some(cert), Some(key)) => {
            tls =
                tls.identity(Identity::from_pem(pem(cert, "--etcd-certfile")?, pem(key, "--etcd-keyfile")?));
        }
        (None, None) => {}
        (Some(_), None) => {
            return Err(setup("--etcd-certfile is given without its key", "add --etcd-keyfile"));
        }
        (None, Some(_)) => {
            return Err(setup("--etcd-keyfile is given without its certificate", "add --etcd-certfile"));
        }
    }
    Ok((url, options.with_tls(tls)))
}

fn pem(path: &Path, flag: &str) -> Result<Vec<u8>, StoreError> {
    let content = std::fs::read(path).map_err(|e| StoreError::Setup {
        what: format!("reading {} ({flag})", path.display()),
        hint: format!("point {flag} at a readable PEM file"),
        source: Some(Box::new(e)),
    })?;
    if !content.windows(10).any(|w| w == b"-----BEGIN") {
        let what = format!("{} ({flag}) holds no PEM block", path.display());
        return Err(setup(&what, &format!("point {flag} at a PEM file (-----BEGIN …)")));
    }
    Ok(content)
}

fn roots(cafile: Option<&Path>) -> Result<Vec<u8>, StoreError> {
    if let Some(path) = cafile {
        return pem(path, "--etcd-cafile");
    }
    SYSTEM_ROOTS.iter().find_map(|path| std::fs::read(path).ok()).ok_or_else(|| {
        setup("an https endpoint of etcd, but no CA file and no system certificates", "give --etcd-cafile")
    })
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_password_in_an_endpoint_is_not_shown() {
        for (given, want) in [
            ("http://10.0.0.1:2379", "http://10.0.0.1:2379"),
            ("https://root:p@ss@10.0.0.1:2379", "https://10.0.0.1:2379"),
            ("root:secret@10.0.0.1:2379", "10.0.0.1:2379"),
        ] {
            assert_eq!(shown(&[given.to_owned()]), want);
        }
    }
}
