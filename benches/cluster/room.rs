//! Network namespaces: one a measurement, gone when its thread ends.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// A /run of our own, in memory.
pub fn private_run() {
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
