//! Network namespaces: those of the whole bench, and one a measurement, gone when its thread ends.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Set once the process is inside its own namespaces.
const INSIDE: &str = "FLANCTL_BENCH_INSIDE";

/// Runs `bench` in network, mount and process namespaces of its own: whatever happens, they end with it. The program
/// starts itself again in them, and there it has a /run of its own.
pub fn inside(bench: impl FnOnce()) -> ExitCode {
    if std::env::var_os(INSIDE).is_some() {
        private_run();
        bench();
        return ExitCode::SUCCESS;
    }
    let user: &[&str] = if nix::unistd::geteuid().is_root() { &[] } else { &["-Ur"] };
    let cause = Command::new("unshare")
        .args(user)
        .args(["-nmpf", "--kill-child", "--mount-proc"])
        .arg(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .exec();
    eprintln!("unshare: {cause}");
    ExitCode::FAILURE
}

/// A /run of our own, in memory.
fn private_run() {
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>).unwrap();
}

/// Runs `work` in a fresh namespace with a loopback device and the uplink eth0, 192.168.0.1/24.
pub fn fresh<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            let lines = "link set lo up\nlink add eth0 type veth peer name far0\n\
                         addr add 192.168.0.1/24 dev eth0\nlink set far0 up\nlink set eth0 up\n\
                         route add default via 192.168.0.254\n";
            feed("ip", lines);
            work()
        });
        inside.join().unwrap()
    })
}

/// Feeds a batch to `ip` or `bridge`; every line must be taken.
pub fn feed(program: &str, lines: &str) {
    let mut child = Command::new(program).args(["-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{program} -batch");
}
