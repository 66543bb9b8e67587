//! `flanctl lab` itself, with a stand-in for the agent: what is made, what is said, and that nothing stays.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests start processes and wait for them"
)]

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A lab of a test: its name is used once, and it is gone when the test ends, however it ends.
struct Lab(&'static str);

impl Lab {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flanctl"));
        command.arg("lab").args(words);
        command.env("FLANCTL_LAB_AGENT", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/lab/agent.sh"));
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs it, and shows what it said if it does not end with `code`.
    fn ends(&self, code: i32, words: &[&str]) -> String {
        told(code, &self.run(words))
    }

    fn down(&self) {
        self.ends(0, &["down", "--name", self.0]);
        self.assert_gone("down");
    }

    fn assert_gone(&self, after: &str) {
        let prefix = format!("{}-", self.0);
        let netns: Vec<_> = names("/run/netns").into_iter().filter(|n| n.starts_with(&prefix)).collect();
        assert_eq!(netns, Vec::<String>::new(), "namespaces after {after}");
        assert!(!Path::new("/run/flanctl-lab").join(self.0).exists(), "state after {after}");
        assert_eq!(self.processes(), Vec::<String>::new(), "processes after {after}");
    }

    /// The command line of every process that bears the lab's mark; zombies have none.
    fn processes(&self) -> Vec<String> {
        let mark = format!("FLANCTL_LAB={}:", self.0);
        let read = |pid: &str, file: &str| {
            String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default())
                .into_owned()
        };
        names("/proc")
            .into_iter()
            .filter(|pid| read(pid, "environ").split('\0').any(|v| v.starts_with(&mark)))
            .map(|pid| read(&pid, "cmdline").replace('\0', " "))
            .collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.run(&["down", "--name", self.0]);
    }
}

fn told(code: i32, output: &Output) -> String {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{out}{err}");
    out + &err
}

fn names(dir: &str) -> Vec<String> {
    let Ok(dir) = std::fs::read_dir(dir) else { return Vec::new() };
    dir.flatten().filter_map(|e| e.file_name().into_string().ok()).collect()
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
}

#[test]
fn up_makes_a_lab_whose_pods_ping_and_down_leaves_nothing() {
    let lab = Lab("t-updown");
    let said = lab.ends(0, &["up", "--name", lab.0, "--nodes", "2"]);
    for word in
        ["node1", "192.168.50.11", "10.244.1.0/24", "pod2 10.244.2.2", "lab exec pod1 --name t-updown"]
    {
        assert!(said.contains(word), "{word} in:\n{said}");
    }
    let netns = names("/run/netns");
    for member in ["switch", "world", "node1", "pod1", "node2", "pod2"] {
        assert!(netns.contains(&format!("t-updown-{member}")), "{member} in {netns:?}");
    }
    lab.ends(0, &["exec", "pod1", "--name", lab.0, "--", "ping", "-q", "-c", "1", "-W", "2", "10.244.2.2"]);
    lab.ends(0, &["exec", "pod1", "--name", lab.0, "ping", "-q", "-c", "1", "-W", "2", "10.244.2.2"]);
    let listed = lab.ends(0, &["list"]);
    assert!(listed.contains("pod2 10.244.2.2"), "{listed}");
    assert!(listed.lines().any(|l| l.contains("t-updown") && l.contains("running")), "{listed}");
    let again = lab.ends(1, &["up", "--name", lab.0]);
    assert!(again.contains("a lab named t-updown exists already"), "{again}");
    let stranger = lab.ends(2, &["exec", "node9", "--name", lab.0, "--", "true"]);
    assert!(stranger.contains("has no node9"), "{stranger}");
    lab.down();
    let twice = lab.ends(0, &["down", "--name", lab.0]);
    assert!(twice.contains("there is no lab named t-updown"), "{twice}");
}

#[test]
fn down_after_a_kill_at_any_moment_leaves_nothing() {
    let lab = Lab("t-killed");
    for millis in [0, 2, 4, 6, 9, 13, 18, 24, 31, 40, 52, 67, 85, 110, 145, 190, 400] {
        let mut up = lab.command(&["up", "--name", lab.0, "--nodes", "2", "--segments", "2"]);
        let mut up = up.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(millis));
        up.kill().unwrap();
        up.wait().unwrap();
        lab.ends(0, &["down", "--name", lab.0]);
        lab.assert_gone(&format!("a kill after {millis} ms"));
    }
}

#[test]
fn an_interrupted_up_takes_down_what_it_made() {
    let lab = Lab("t-interrupted");
    let mut up = lab.command(&["up", "--name", lab.0, "--nodes", "2"]);
    let up = up.env("STAND_IN", "hang").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while lab.processes().is_empty() {
        assert!(Instant::now() < until, "no agent was started");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&up, Signal::SIGINT);
    let said = told(130, &up.wait_with_output().unwrap());
    assert!(said.contains("interrupted"), "{said}");
    lab.assert_gone("an interrupt");
}

#[test]
fn an_agent_that_ends_is_told_with_its_last_words() {
    let lab = Lab("t-failing");
    let mut up = lab.command(&["up", "--name", lab.0, "--nodes", "2"]);
    let said = told(1, &up.env("STAND_IN", "fail").output().unwrap());
    for word in ["the agent of node1 ended", "exit status: 7", "no such store"] {
        assert!(said.contains(word), "{word} in:\n{said}");
    }
    lab.assert_gone("a failure");
}

#[test]
fn two_labs_stand_side_by_side_one_of_them_behind_nat() {
    let (one, two) = (Lab("t-one"), Lab("t-two"));
    one.ends(0, &["up", "--name", one.0, "--nodes", "1"]);
    two.ends(0, &["up", "--name", two.0, "--nodes", "2", "--nat"]);
    one.down();
    two.ends(0, &["exec", "pod1", "--name", two.0, "--", "ping", "-q", "-c", "1", "-W", "2", "10.244.2.2"]);
    two.down();
}

#[test]
fn an_unbuildable_lab_is_a_usage_error_and_makes_nothing() {
    let lab = Lab("t-unbuildable");
    for (words, why) in [
        (&["--nodes", "0"][..], "0 nodes"),
        (&["--segments", "3"], "3 segments"),
        (&["--nat", "--ipv6"], "--nat is IPv4 only"),
        (&["--store", "file"], "dir, or etcd=http://HOST:PORT"),
        (&["--store", "etcd=https://a:1"], "http://127.0.0.1:2379"),
    ] {
        let said = lab.ends(2, &[&["up", "--name", lab.0], words].concat());
        assert!(said.contains(why), "{why} in:\n{said}");
        lab.assert_gone(why);
    }
}

/// Runs `body` on a thread in a network namespace of its own, with lo up; the namespace ends with it.
fn in_a_namespace_of_its_own(body: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
            assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
            body();
        });
        thread.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
    });
}

/// A child that does not outlive the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_leases_may_live_in_an_etcd_outside_and_nothing_of_them_stays_there() {
    const URL: &str = "http://127.0.0.1:2379";
    in_a_namespace_of_its_own(|| {
        let lab = Lab("t-etcd");
        let early = lab.ends(3, &["up", "--name", lab.0, "--store", &format!("etcd={URL}")]);
        assert!(early.contains("is etcd running there?"), "{early}");
        lab.assert_gone("an etcd that does not answer");

        let data = tempfile::tempdir().unwrap();
        let mut etcd = Command::new("etcd");
        etcd.arg("--data-dir").arg(data.path()).args(["--listen-client-urls", URL]);
        etcd.args(["--advertise-client-urls", URL]).stdout(Stdio::null()).stderr(Stdio::null());
        let _etcd = Killed(etcd.spawn().unwrap());
        let get = ["--endpoints", URL, "get", "--prefix", ""];
        let everything = || Command::new("etcdctl").env("ETCDCTL_API", "3").args(get).output().unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while !everything().status.success() {
            assert!(Instant::now() < until, "etcd does not start");
        }

        lab.ends(0, &["up", "--name", lab.0, "--nodes", "1", "--store", &format!("etcd={URL}")]);
        let key = "/flanctl-lab/t-etcd/network/config";
        let ctl = ["env", "ETCDCTL_API=3", "etcdctl", "--endpoints", "http://192.168.50.2:2379", "get", key];
        let seen = lab.ends(0, &[&["exec", "node1", "--name", lab.0, "--"], &ctl[..]].concat());
        assert!(seen.contains("\"Type\": \"vxlan\""), "{seen}");
        lab.down();
        assert_eq!(String::from_utf8_lossy(&everything().stdout), "");
    });
}

/// The user `nobody`, as an example of one without rights.
pub(crate) const NOBODY: u32 = 65534;

#[test]
fn an_ordinary_users_lab_lives_in_namespaces_of_its_own_and_dies_with_them() {
    let lab = Lab("t-rootless");
    // Where nobody may read it, whatever the build directory's mode is.
    let dir = tempfile::Builder::new().permissions(mode(0o755)).tempdir().unwrap();
    let flanctl = dir.path().join("flanctl");
    let agent = dir.path().join("agent.sh");
    std::fs::copy(env!("CARGO_BIN_EXE_flanctl"), &flanctl).unwrap();
    std::fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/lab/agent.sh"), &agent).unwrap();
    // Where the suite itself runs in a user namespace there is no nobody to become, and nothing left to move into:
    // then only what follows the move is tried.
    let host = nobody_exists();
    let ordinary = |script: &str| {
        let mut sh = Command::new("/bin/sh");
        sh.args(["-c", script])
            .env("FLANCTL", &flanctl)
            .env("FLANCTL_LAB_AGENT", &agent)
            .env("SHELL", "/bin/sh");
        match host {
            true => sh.uid(NOBODY).gid(NOBODY),
            false => sh.env("FLANCTL_LAB_INSIDE", "1"),
        };
        sh.current_dir("/");
        sh
    };
    let said = ordinary(
        "echo 'flanctl lab exec pod1 --name t-rootless -- ping -q -c 1 -W 2 10.244.2.2 && exit 5' |
         exec $FLANCTL lab up --name t-rootless --nodes 2",
    );
    let said = told(5, &{ said }.output().unwrap());
    assert!(said.contains("1 received"), "{said}");
    lab.assert_gone("the shell ended");

    // Even a kill leaves nothing: the agents die with the process whose namespaces they live in.
    let mut up = ordinary("exec $FLANCTL lab up --name t-rootless --nodes 2");
    let mut up = up.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(10);
    while !lab.processes().iter().any(|p| p.contains("run --store")) {
        assert!(Instant::now() < until, "no agent was started");
        std::thread::sleep(Duration::from_millis(5));
    }
    up.kill().unwrap();
    assert_eq!(up.wait().unwrap().signal(), Some(Signal::SIGKILL as i32));
    let until = Instant::now() + Duration::from_secs(3);
    while !lab.processes().is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(lab.processes(), Vec::<String>::new(), "after a kill");
    if !host {
        lab.ends(0, &["down", "--name", lab.0]);
    }
    lab.assert_gone("a kill");
}

/// True if this user namespace knows the user `nobody`.
pub(crate) fn nobody_exists() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap();
    map.lines().any(|line| {
        let mut figures = line.split_whitespace().filter_map(|f| f.parse::<u64>().ok());
        let (first, _, count) = (figures.next().unwrap(), figures.next(), figures.next().unwrap());
        (first..first + count).contains(&u64::from(NOBODY))
    })
}

pub(crate) fn mode(bits: u32) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    std::fs::Permissions::from_mode(bits)
}
