//! A network namespace for one test: its own thread in a fresh, unnamed namespace. It goes away with the thread,
//! whatever the test does; nothing on the host changes.

#![allow(dead_code, reason = "not every area needs every helper")]

use std::process::Command;

use nix::sched::{CloneFlags, unshare};

/// Runs `test` on a thread of its own in a fresh namespace and hands its result over; a panic goes through.
pub(crate) fn fresh<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().name(name()).spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root (or `unshare -Urnm`)");
        test()
    });
    match thread.unwrap().join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// The same, with `lo` up and a veth `eth0` (192.168.0.1/24, its other end `far0`) as the lower device of a tunnel.
pub(crate) fn scratch<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    fresh(move || {
        ip("link set lo up");
        ip("link add eth0 type veth peer name far0");
        ip("addr add 192.168.0.1/24 dev eth0");
        ip("addr add fd01::1/64 dev eth0 nodad");
        ip("link set far0 up");
        ip("link set eth0 up");
        test()
    })
}

/// The same with a current-thread runtime: sockets of a multi-thread one would be opened somewhere else.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn name() -> String {
    std::thread::current().name().unwrap_or("netns").to_owned()
}

/// `ip ARGS` in the namespace of this thread; must succeed.
pub(crate) fn ip(args: &str) -> String {
    run("ip", args)
}

/// `bridge ARGS`; must succeed.
pub(crate) fn bridge(args: &str) -> String {
    run("bridge", args)
}

/// A command line in the namespace of this thread; must succeed.
pub(crate) fn run(program: &str, args: &str) -> String {
    let out = Command::new(program).args(args.split_whitespace()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program} {args}: {said}");
    String::from_utf8(out.stdout).unwrap()
}

/// The same, whether it succeeds or not.
pub(crate) fn try_ip(args: &str) -> bool {
    Command::new("ip").args(args.split_whitespace()).output().unwrap().status.success()
}

/// JSON rows of `ip -j …` or `bridge -j …`.
pub(crate) fn rows(program: &str, args: &str) -> Vec<serde_json::Value> {
    let text = run(program, args);
    if text.trim().is_empty() { Vec::new() } else { serde_json::from_str(&text).unwrap() }
}
