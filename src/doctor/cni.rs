//! What container runtimes go by: subnet.env and the CNI configuration.

use ipnet::IpNet;

use super::Outcome;
use super::ground::{Ground, NO_CONF, NO_LEASES};
use crate::config::SubnetEnv;
use crate::finding::manager;
use crate::overlay::vxlan::device_mtu;

/// Where the agent writes it, unless told otherwise.
const PATH: &str = "/run/flannel/subnet.env";

/// Is subnet.env there?
pub(super) fn subnet_env_there(ground: &Ground<'_>) -> Outcome {
    match (ground.subnet_env(), ground.fact("file:/run/flannel/subnet.env:missing")) {
        (Some(_), _) => Outcome::Fine,
        (None, Some(path)) => Outcome::Found(vec![manager::no_subnet_env(ground.node(), path)]),
        (None, None) => Outcome::unseen(format!("{PATH} was not seen")),
    }
}

/// Does subnet.env say what the lease and the config say?
pub(super) fn subnet_env(ground: &Ground<'_>) -> Outcome {
    let Some(env) = ground.subnet_env() else { return Outcome::unseen(format!("{PATH} was not seen")) };
    let Some(own) = ground.own else { return Outcome::unseen(NO_LEASES) };
    let Some(conf) = &ground.conf else { return Outcome::unseen(NO_CONF) };
    let SubnetEnv { networks, subnets, ipv6_networks, ipv6_subnets, mtu, ip_masq: _ } = env;
    let nets = |v4: Vec<ipnet::Ipv4Net>, v6: Vec<ipnet::Ipv6Net>| -> Vec<IpNet> {
        v4.into_iter()
            .map(|net| IpNet::V4(net.trunc()))
            .chain(v6.into_iter().map(|net| IpNet::V6(net.trunc())))
            .collect()
    };
    let mut differs = Vec::new();
    let mut compare = |what: &str, file: Vec<IpNet>, want: Vec<IpNet>, whose: &str| {
        if file != want {
            differs.push(format!("{what} {} in the file, {} in the {whose}", list(&file), list(&want)));
        }
    };
    compare("network", nets(networks, ipv6_networks), conf.networks(), "config");
    compare("subnet", nets(subnets, ipv6_subnets), own.subnet.nets().collect(), "lease");
    let vxlan = ground.vxlan();
    // As the agent saw it when it wrote the file; what the uplink has become since is the tunnel's matter.
    let uplink = ground.near.uplink.as_ref().map(|uplink| uplink.mtu);
    if let Some(((file, vxlan), uplink)) = mtu.zip(vxlan).zip(uplink) {
        let most = device_mtu(&vxlan, uplink, conf.v6.is_some());
        // A smaller one only wastes room, and stays until the agent is told of a new uplink.
        if file > most {
            differs.push(format!("MTU {file} in the file, the tunnel carries {most}"));
        }
    }
    match differs.is_empty() {
        true => Outcome::Fine,
        false => Outcome::Found(vec![manager::subnet_env(ground.node(), PATH, &differs)]),
    }
}

fn list(nets: &[IpNet]) -> String {
    match nets {
        [] => "none".to_owned(),
        nets => nets.iter().map(IpNet::to_string).collect::<Vec<_>>().join(","),
    }
}

/// Is there one CNI only?
pub(super) fn one_cni(ground: &Ground<'_>) -> Outcome {
    if !ground.is_machine() {
        return Outcome::unseen(
            "this is not the machine's own network namespace: its runtimes are no matter here",
        );
    }
    let Some(text) = ground.fact("cni:conf") else { return Outcome::unseen("/etc/cni/net.d was not seen") };
    let mut files: Vec<String> = text
        .split_whitespace()
        .filter(|file| [".conf", ".conflist", ".json"].iter().any(|end| file.ends_with(end)))
        .map(str::to_owned)
        .collect();
    files.sort();
    match files.as_slice() {
        [first, _, ..] => Outcome::Found(vec![manager::two_cnis(ground.node(), &files, first)]),
        _ => Outcome::Fine,
    }
}
