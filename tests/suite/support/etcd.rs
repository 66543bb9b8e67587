//! A real etcd of one member on loopback, with its data in a temporary directory; it ends with the value.

#![allow(dead_code, reason = "not every area needs every helper")]
#![expect(clippy::disallowed_methods, clippy::indexing_slicing, reason = "starts a program and waits for it")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flanctl::config::EtcdSettings;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// The prefix that flannel uses unless told.
pub(crate) const PREFIX: &str = "/coreos.com/network";

const LOOPBACK: &str = "127.0.0.1";

/// A running (or stopped) etcd.
pub(crate) struct Etcd {
    process: Option<Child>,
    home: TempDir,
    data: PathBuf,
    ports: (u16, u16),
    extra: Vec<String>,
    scheme: &'static str,
    host: &'static str,
}

impl Etcd {
    /// Plain http.
    pub(crate) fn start() -> Self {
        Self::start_with("http", LOOPBACK, |_| vec![])
    }

    /// Plain http on another address of the calling thread's namespace.
    pub(crate) fn start_on(host: &'static str) -> Self {
        Self::start_with("http", host, |_| vec![])
    }

    /// With etcd's v2 API too.
    pub(crate) fn start_v2() -> Self {
        Self::start_with("http", LOOPBACK, |_| vec!["--enable-v2=true".into()])
    }

    /// https, and only clients with a certificate of its CA.
    pub(crate) fn start_tls() -> Self {
        Self::start_tls_on(LOOPBACK)
    }

    /// The same on another address of the calling thread's namespace.
    pub(crate) fn start_tls_on(host: &'static str) -> Self {
        Self::start_with("https", host, |home| {
            write_certificates(home, host);
            let file = |name: &str| home.join(name).display().to_string();
            vec![
                format!("--cert-file={}", file("server.crt")),
                format!("--key-file={}", file("server.key")),
                format!("--trusted-ca-file={}", file("ca.crt")),
                "--client-cert-auth=true".into(),
            ]
        })
    }

    fn start_with(
        scheme: &'static str,
        host: &'static str,
        extra: impl FnOnce(&Path) -> Vec<String>,
    ) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let extra = extra(home.path());
        let data = home.path().join("data");
        let ports = (free_port(), free_port());
        let mut etcd = Self { process: None, home, data, ports, extra, scheme, host };
        etcd.run();
        etcd
    }

    /// Starts it (again), on the same ports and data.
    pub(crate) fn run(&mut self) {
        let client = self.url();
        let peer = format!("http://127.0.0.1:{}", self.ports.1);
        let log = std::fs::File::options().create(true).append(true).open(self.home.path().join("log"));
        let log = log.expect("a log file");
        let spawned = Command::new("etcd")
            .arg(format!("--data-dir={}", self.data.display()))
            .args(["--name=t", "--log-level=error", "--logger=zap"])
            .arg(format!("--listen-client-urls={client}"))
            .arg(format!("--advertise-client-urls={client}"))
            .arg(format!("--listen-peer-urls={peer}"))
            .arg(format!("--initial-advertise-peer-urls={peer}"))
            .arg(format!("--initial-cluster=t={peer}"))
            .args(&self.extra)
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn();
        self.process = Some(spawned.expect("etcd does not start: `make test` installs etcd-server"));
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.ctl_try(&["endpoint", "health"]).is_err() {
            let log = std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "etcd is not healthy: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Kills it, as a power cut does.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("our own child");
            process.wait().expect("our own child");
        }
    }

    /// Stops it from running without closing anything, until the answer is dropped.
    pub(crate) fn freeze(&self) -> Frozen {
        let id = self.process.as_ref().map(Child::id).expect("it runs");
        let pid = nix::unistd::Pid::from_raw(i32::try_from(id).expect("a process id"));
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).expect("our own child");
        // Its threads stop one by one.
        let stopped = |stat: String| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'));
        let all = || {
            let tasks = std::fs::read_dir(format!("/proc/{id}/task")).expect("it runs");
            tasks.flatten().all(|t| std::fs::read_to_string(t.path().join("stat")).is_ok_and(stopped))
        };
        while !all() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Frozen(pid)
    }

    /// Kills it and puts an empty or older data directory in place.
    pub(crate) fn restore(&mut self, from: Option<&Path>) {
        self.stop();
        std::fs::remove_dir_all(&self.data).expect("the data directory");
        if let Some(from) = from {
            let copied = Command::new("cp").arg("-a").args([from, &self.data]).status();
            assert!(copied.is_ok_and(|s| s.success()), "copying {}", from.display());
        }
        self.run();
    }

    /// Forgets history up to now.
    pub(crate) fn compact(&self) {
        let status = self.ctl(&["endpoint", "status", "-w", "json"]);
        let status: serde_json::Value = serde_json::from_str(&status).expect("json");
        let revision = status[0]["Status"]["header"]["revision"].as_i64().expect("a revision");
        self.ctl(&["compact", &revision.to_string()]);
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("{}://{}:{}", self.scheme, self.host, self.ports.0)
    }

    /// A file of its directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Settings that reach it, certificates included.
    pub(crate) fn settings(&self) -> EtcdSettings {
        let tls = |name| (self.scheme == "https").then(|| self.file(name));
        EtcdSettings {
            endpoints: vec![self.url()],
            prefix: PREFIX.into(),
            keyfile: tls("client.key"),
            certfile: tls("client.crt"),
            cafile: tls("ca.crt"),
            username: None,
            password: None,
        }
    }

    /// Runs etcdctl; its output.
    pub(crate) fn ctl(&self, args: &[&str]) -> String {
        self.ctl_try(args).unwrap_or_else(|e| panic!("etcdctl {args:?}: {e}"))
    }

    fn ctl_try(&self, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "3").arg(format!("--endpoints={}", self.url()));
        if self.scheme == "https" {
            let file = |name: &str| self.file(name).display().to_string();
            command.arg(format!("--cacert={}", file("ca.crt")));
            command
                .arg(format!("--cert={}", file("client.crt")))
                .arg(format!("--key={}", file("client.key")));
        }
        let out =
            command.args(args).output().expect("etcdctl does not start: `make test` installs etcd-client");
        match out.status.success() {
            true => Ok(String::from_utf8_lossy(&out.stdout).into_owned()),
            false => Err(String::from_utf8_lossy(&out.stderr).into_owned()),
        }
    }
}

/// An etcd that stands still.
pub(crate) struct Frozen(nix::unistd::Pid);

impl Drop for Frozen {
    fn drop(&mut self) {
        // It may be gone already, and then nothing stands still.
        let _ = nix::sys::signal::kill(self.0, nix::sys::signal::Signal::SIGCONT);
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that nobody listens on just now, below those that the kernel gives to outgoing connections: a restarted
/// etcd must find it free again.
pub(crate) fn free_port() -> u16 {
    use rand::Rng;
    let mut dice = rand::rng();
    let port = (0..1_000).map(|_| dice.random_range(20_000..32_000));
    port.into_iter()
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port on loopback")
}

/// `ca.crt`, `server.{crt,key}`, `client.{crt,key}`, and `stranger.{crt,key}` of another CA.
fn write_certificates(home: &Path, host: &str) {
    let authority = |name: &str| {
        let mut params = CertificateParams::new(vec![]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("self-signed");
        (cert.pem(), Issuer::new(params, key))
    };
    let write = |name: &str, text: String| std::fs::write(home.join(name), text).expect("a certificate file");
    let signed = |name: &str, issuer: &Issuer<'_, KeyPair>, usage: Vec<ExtendedKeyUsagePurpose>| {
        let mut params =
            CertificateParams::new(vec!["127.0.0.1".into(), "localhost".into(), host.into()]).expect("names");
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.extended_key_usages = usage;
        let key = KeyPair::generate().expect("a key");
        write(&format!("{name}.crt"), params.signed_by(&key, issuer).expect("signed").pem());
        write(&format!("{name}.key"), key.serialize_pem());
    };
    let (server_auth, client_auth) =
        (ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth);
    let (pem, ours) = authority("ours");
    write("ca.crt", pem);
    // etcd's own health gateway connects with the server's certificate as a client.
    signed("server", &ours, vec![server_auth, client_auth.clone()]);
    signed("client", &ours, vec![client_auth.clone()]);
    signed("stranger", &authority("theirs").1, vec![client_auth]);
}
