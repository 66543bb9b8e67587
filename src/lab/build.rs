//! Makes a layout true: namespaces, wires, addresses, NAT; later the pods behind their nodes.
#![expect(clippy::disallowed_methods, reason = "a room of hands: writes sysctls, runs nft or iptables")]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};

use super::interrupt::Interrupt;
use super::layout::{Layout, NatBox, Nic, Node, Peer};
use super::ns;
use super::subnet_env::SubnetEnv;
use super::wires::wire;
use crate::error::Failure;

/// Everything below the overlay.
pub fn underlay(plan: &Layout, interrupt: &Interrupt) -> Result<(), Failure> {
    for name in plan.namespaces() {
        interrupt.check()?;
        made(&name, ns::create(&name))?;
        made(&name, wire(&name, async |w| w.up("lo").await))?;
    }
    for name in plan.forwarding() {
        made(name, sysctl(name, &[("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1")]))?;
    }
    made(&plan.switch, switch(plan))?;
    for nic in &plan.nics {
        interrupt.check()?;
        made(&nic.netns, attach(&plan.switch, nic))?;
    }
    let world = wire(&plan.world, async |w| {
        for addr in &plan.world_addrs {
            w.addr("lo", *addr).await?;
        }
        Ok(())
    });
    made(&plan.world, world)?;
    for nat in &plan.nat {
        interrupt.check()?;
        translate(nat)?;
    }
    Ok(())
}

/// cni0 and the pod behind it, as a CNI bridge plugin would make them.
pub fn pod(node: &Node, lease: &SubnetEnv) -> Result<(), Failure> {
    let (bridge, pod, mtu) = (&lease.bridge, lease.pod(), lease.mtu);
    let far = made(&node.pod_netns, File::open(ns::path(&node.pod_netns)))?;
    let on_node = wire(&node.netns, async |w| {
        w.bridge("cni0").await?;
        w.veth("veth0", "eth0", far.as_raw_fd()).await?;
        w.mtu("veth0", mtu).await?;
        w.enslave("veth0", "cni0").await?;
        w.mtu("cni0", mtu).await?;
        for addr in bridge {
            w.addr("cni0", *addr).await?;
        }
        w.up("veth0").await
    });
    made(&node.netns, on_node)?;
    let in_pod = wire(&node.pod_netns, async |w| {
        w.mtu("eth0", mtu).await?;
        w.up("eth0").await?;
        for (addr, gateway) in pod.iter().zip(bridge) {
            w.addr("eth0", *addr).await?;
            let all = if addr.addr().is_ipv4() {
                ipnet::Ipv4Net::default().into()
            } else {
                ipnet::Ipv6Net::default().into()
            };
            w.route(all, gateway.addr()).await?;
        }
        Ok(())
    });
    made(&node.pod_netns, in_pod)
}

fn switch(plan: &Layout) -> io::Result<()> {
    wire(&plan.switch, async |w| {
        for bridge in &plan.bridges {
            w.bridge(bridge).await?;
        }
        Ok(())
    })?;
    // On by default in every namespace: with it a FORWARD DROP that somebody tries out here would stop frames
    // between two ports. Absent where br_netfilter is not loaded, which is as good.
    for key in ["bridge/bridge-nf-call-iptables", "bridge/bridge-nf-call-ip6tables"] {
        match sysctl(&plan.switch, &[(key, "0")]) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(())
}

fn attach(switch: &str, nic: &Nic) -> io::Result<()> {
    let Nic { netns, name, peer, addrs, routes } = nic;
    let here = File::open(ns::path(netns))?;
    match peer {
        Peer::Port { port, bridge } => wire(switch, async |w| {
            w.veth(port, name, here.as_raw_fd()).await?;
            w.enslave(port, bridge).await?;
            w.up(port).await
        })?,
        Peer::Wire { netns, name: far, addrs } => wire(netns, async |w| {
            w.veth(far, name, here.as_raw_fd()).await?;
            w.up(far).await?;
            for addr in addrs {
                w.addr(far, *addr).await?;
            }
            Ok(())
        })?,
    }
    wire(netns, async |w| {
        w.up(name).await?;
        for addr in addrs {
            w.addr(name, *addr).await?;
        }
        for (to, gateway) in routes {
            w.route(*to, *gateway).await?;
        }
        Ok(())
    })
}

/// 1:1 NAT, with whichever of the two firewall tools there is.
fn translate(nat: &NatBox) -> Result<(), Failure> {
    let NatBox { netns, public, private } = nat;
    let rules = format!(
        "table ip lab {{\n\
         chain in {{ type nat hook prerouting priority -100\n ip daddr {public} dnat to {private}\n }}\n\
         chain out {{ type nat hook postrouting priority 100\n oifname wan ip saddr {private} snat to {public}\n }}\n}}\n"
    );
    let done = match feed(netns, "nft", &["-f", "-"], &rules) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let rules = format!(
                "*nat\n-A PREROUTING -d {public} -j DNAT --to-destination {private}\n\
                 -A POSTROUTING -o wan -s {private} -j SNAT --to-source {public}\nCOMMIT\n"
            );
            feed(netns, "iptables-restore", &[], &rules)
        }
        other => other,
    };
    done.map_err(|e| {
        let missing = e.kind() == io::ErrorKind::NotFound;
        let failure = Failure::unreadable(format!("1:1 NAT in {netns}")).because(e);
        if missing { failure.hint("--nat needs nft or iptables: apt-get install nftables") } else { failure }
    })
}

fn feed(netns: &str, program: &str, args: &[&str], input: &str) -> io::Result<()> {
    ns::within(netns, || {
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(()) } else { Err(io::Error::other(format!("{program}: {words}"))) }
    })
}

fn sysctl(netns: &str, settings: &[(&str, &str)]) -> io::Result<()> {
    ns::within(netns, || {
        settings.iter().try_for_each(|(key, value)| std::fs::write(format!("/proc/sys/net/{key}"), value))
    })
}

fn made<T>(netns: &str, done: io::Result<T>) -> Result<T, Failure> {
    done.map_err(|e| {
        let denied = e.kind() == io::ErrorKind::PermissionDenied;
        let failure = Failure::unreadable(format!("making {netns}")).because(e);
        if denied {
            failure.hint("a lab needs CAP_SYS_ADMIN and CAP_NET_ADMIN: sudo, or a container that has them")
        } else {
            failure
        }
    })
}
