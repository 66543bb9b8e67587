//! Faults of the leases. The node whose lease it is stands still, or it would put it right; the other ones go on.

use super::{At, Fault, Line, Mend};

/// A change to the node's lease in the lab's own store.
const fn lease(run: &'static str) -> Line {
    Line { at: At::Node, run, undo: "cp {home}/{name}/lease.kept {store}/subnets/{key}" }
}

/// The rows.
pub(super) const ROWS: &[Fault] = &[
    Fault::far(
        "lease.none",
        "the node's lease is gone, and with it every way to its pods",
        &["lease.none"],
        &["lease.lost"],
        &[
            lease("cp {store}/subnets/{key} {home}/{name}/lease.kept && rm {store}/subnets/{key}"),
            Line { at: At::Other, run: "for i in $(seq 50); do ip route | grep -qF {subnet} || break; sleep 0.1; done", undo: "" },
        ],
    )
    .mended(Mend::Nothing("the node's own agent has to take its lease again")),
    Fault::far(
        "lease.expired",
        "the node's lease runs out in two minutes, and it was not renewed for a day",
        &["lease.expired"],
        &["lease.expired"],
        &[lease(
            "cp {store}/subnets/{key} {home}/{name}/lease.kept && \
             sed -i \"s/\\\"expires_ms\\\":[0-9]*/\\\"expires_ms\\\":$(($(date +%s) + 120))000/\" {store}/subnets/{key}",
        )],
    )
    .lives()
    // The store tells when a lease ends; what an agent has heard may be older.
    .flags("", "--store dir:{store}")
    .mended(Mend::Nothing("the node's agent has to renew it, and stands still")),
    Fault::far(
        "lease.dup",
        "the node's lease announces the other node's public address, as behind a NAT that all share",
        &["lease.dup"],
        &["lease.dup"],
        &[lease(
            "cp {store}/subnets/{key} {home}/{name}/lease.kept && sed -i 's/{ip}/{other.ip}/' {store}/subnets/{key}",
        )],
    )
    .lives()
    // The other node's agent goes on with what it had heard before.
    .flags("", "--store dir:{store}")
    .mended(Mend::Nothing("the node's agent needs another --public-ip")),
];
