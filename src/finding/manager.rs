//! The wording of what other programs on the host do to the overlay: network managers, other CNIs, other tunnels.

use super::{Confidence, Finding};

/// systemd would give the device another MAC.
pub fn mac_policy(node: &str, dev: &str, file: &str) -> Finding {
    let cause = format!(
        "systemd-udevd gives {dev} a MAC of its own whenever it is made (MACAddressPolicy in {file}), after the lease \
         announced another"
    );
    Finding::new(
        "vtep.macpolicy",
        node,
        cause,
        format!("udevadm test-builtin net_setup_link /sys/class/net/{dev}"),
    )
    .evidence(format!("{file} applies to {dev}"))
    .script(
        "printf '[Match]\\nOriginalName=flannel*\\n\\n[Link]\\nMACAddressPolicy=none\\n' > \
             /etc/systemd/network/10-flannel.link",
    )
    .confidence(Confidence::Likely)
}

/// A network manager has the overlay's device among its own.
pub fn managed(node: &str, dev: &str, manager: &str, evidence: &str) -> Finding {
    let cause = format!("{manager} looks after {dev}: it may take its addresses and routes away at any time");
    let (see, fix, lasting) = match manager {
        "NetworkManager" => (
            "nmcli device status".to_owned(),
            format!("nmcli device set {dev} managed no"),
            "[keyfile] unmanaged-devices=interface-name:flannel*;interface-name:cni0;interface-name:veth* in \
             /etc/NetworkManager/conf.d/flannel.conf",
        ),
        "dhcpcd" => (
            format!("ip addr show dev {dev}"),
            "printf 'denyinterfaces flannel* cni0 veth*\\n' >> /etc/dhcpcd.conf".to_owned(),
            "restart dhcpcd",
        ),
        _ => (
            "networkctl status".to_owned(),
            "printf '[Match]\\nName=flannel* cni0 veth*\\n\\n[Link]\\nUnmanaged=yes\\n' > \
             /etc/systemd/network/10-flannel.network"
                .to_owned(),
            "networkctl reload",
        ),
    };
    let found = Finding::new("vtep.managed", node, cause, see).evidence(evidence);
    let found = if manager == "NetworkManager" { found.fix(fix) } else { found.script(fix) };
    found.lasting(lasting).confidence(Confidence::Likely)
}

/// Another tunnel device speaks on our port, in our network. Where it keeps ours from being made, `again` makes it.
pub fn rival_device(node: &str, dev: &str, other: &str, evidence: &str, again: Option<&str>) -> Finding {
    let what = match again {
        Some(_) => format!("{dev} cannot be made beside it"),
        None => "which of the two hears a packet is chance".to_owned(),
    };
    let cause = format!("{other} is a tunnel device on the port and VNI of {dev}: {what}");
    let fix = match again {
        Some(again) => format!("ip link del {other} && {again}"),
        None => format!("ip link del {other}"),
    };
    Finding::new("vtep.rival", node, cause, "ip -d link show type vxlan")
        .evidence(evidence)
        .fix(fix)
        .lasting(format!("remove the program that makes {other}"))
        .confidence(Confidence::Likely)
}

/// More than one CNI is configured on the host.
pub fn two_cnis(node: &str, files: &[String], first: &str) -> Finding {
    let cause = format!(
        "{} CNI configurations stand in /etc/cni/net.d; the runtime takes {first}, the first by name",
        files.len()
    );
    Finding::new("cni.two", node, cause, "ls /etc/cni/net.d")
        .evidence(files.join(" "))
        .confidence(Confidence::Likely)
}

/// subnet.env is not there.
pub fn no_subnet_env(node: &str, path: &str) -> Finding {
    let cause = format!("{path} is not there: the runtimes cannot set up pods");
    Finding::new("subnetenv.missing", node, cause, format!("cat {path}"))
        .evidence("the agent writes it once it has a lease")
        .lasting("restart the agent")
}

/// subnet.env and the lease, the config or the device differ.
pub fn subnet_env(node: &str, path: &str, differs: &[String]) -> Finding {
    let cause = format!(
        "{path} is not what this node's lease and config say: new pods get wrong addresses or a wrong MTU"
    );
    let found = Finding::new("subnetenv.stale", node, cause, format!("cat {path}"));
    differs.iter().fold(found, |found, line| found.evidence(line))
}
