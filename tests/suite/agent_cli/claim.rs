//! Whose word counts when somebody holds the claim's name, which any user of the namespace may take.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{V4, node, seat};
use crate::lab::nobody_exists;
use crate::support::leases::Leases;
use crate::support::swap::{Place, Running, Seat, until};

/// Listens under the claim's name; as nobody, where there are other users.
fn squatter(place: &Place, seat: &Seat<'_>) -> Running {
    let mut squat = Command::new("setpriv");
    if nobody_exists() {
        squat.args(["--reuid=65534", "--clear-groups"]);
    }
    squat.args(["--", "perl", "-MSocket", "-e"]).arg(
        r#"socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un("\0flanctl/flannel.1")) && listen(S, 9)
           or die $!; $| = 1; print "held\n"; sleep 1000"#,
    );
    let squatter = place.start(&mut squat, &seat.file("squat.log"));
    until("the name is taken", || squatter.said().contains("held").then_some(()));
    squatter
}

/// A start is refused by this pid.
fn refused(seat: &Seat<'_>, pid: u32) {
    let (code, _, said) = seat.output(&mut seat.command(&[]));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains(&format!("flannel.1 is managed by flanctl with pid {pid}")), "{said}");
}

#[test]
fn a_stranger_who_holds_the_name_stops_no_agent_and_lets_no_two_run() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    let seat = seat(&place, &leases);
    let stranger = squatter(&place, &seat);
    let pid = stranger.pid();
    let mut first = if nobody_exists() {
        let first = seat.ready(&[]);
        let words = format!("process {pid} of user 65534 has the name flanctl/flannel.1");
        assert!(seat.said().contains(&words), "{}", seat.said());
        refused(&seat, first.running.pid());
        drop(stranger);
        first
    } else {
        // Our own user is believed.
        refused(&seat, pid);
        drop(stranger);
        seat.ready(&[])
    };
    // The name is free now, or the first one's; the lock is what counts.
    refused(&seat, first.running.pid());
    let (_, plan, _) = seat.output(&mut seat.command(&["--dry-run"]));
    assert!(plan.contains(&format!("pid {}): run needs", first.running.pid())), "{plan}");
    let mut next = seat.ready(&["--takeover"]);
    assert_eq!(first.running.wait().code(), Some(0), "{}", seat.said());
    assert_eq!(next.running.stop().code(), Some(0));
}

#[test]
fn the_lock_is_roots_alone_and_a_killed_agent_leaves_it() {
    let (place, _far) = node();
    let leases = Leases::new(V4);
    let seat = seat(&place, &leases);
    let lock = seat.file(&format!("flanctl-{}-flannel.1.lock", place.inode()));
    for _ in 0..3 {
        let mut agent = seat.ready(&[]);
        assert_eq!(lock.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(std::fs::read_to_string(&lock).unwrap(), format!("{}\n", agent.running.pid()));
        agent.running.kill();
    }
}
