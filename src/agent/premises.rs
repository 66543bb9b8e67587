//! What the overlay takes for granted of its host, and the words if it is not so. Decides only; nothing is mended,
//! because these settings are the whole host's.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::{NetConf, Uplink};
use crate::state::State;

/// One line for each premise that does not hold.
pub(super) fn warnings(have: &State, conf: &NetConf, uplink: &Uplink) -> Vec<String> {
    let families =
        [(conf.v4.is_some(), "net.ipv4.ip_forward"), (conf.v6.is_some(), "net.ipv6.conf.all.forwarding")];
    let off = |name: &str| have.fact(&format!("sysctl:{name}")) == Some("0");
    let forwarding = families.into_iter().filter(|(on, name)| *on && off(name)).map(|(_, name)| {
        format!("{name} is 0: pods cannot reach other nodes; run: sysctl -w {name}=1 (and keep it in /etc/sysctl.d)")
    });
    forwarding.chain(swallowed(have, conf, uplink)).collect()
}

/// The uplink's network inside the overlay's: whoever draws a subnet there cuts its node off.
fn swallowed(have: &State, conf: &NetConf, uplink: &Uplink) -> Option<String> {
    let own = [uplink.v4.map(IpAddr::V4), uplink.v6.map(IpAddr::V6)];
    let connected =
        have.addrs_of(uplink.dev).map(|(net, _)| net).filter(|net| own.contains(&Some(net.addr())));
    let overlays = || {
        let v4 = conf.v4.iter().map(|range| IpNet::V4(range.network));
        v4.chain(conf.v6.iter().map(|range| IpNet::V6(range.network)))
    };
    let mut pairs = connected.flat_map(|net| overlays().map(move |overlay| (net.trunc(), overlay)));
    let (net, overlay) = pairs.find(|(net, overlay)| overlay.contains(net))?;
    let dev = uplink.dev;
    Some(format!(
        "the overlay's Network {overlay} contains {net}, the network of {dev}: nodes and pods can get the same \
         addresses; choose a Network that no node is in"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Addr, AddrKey};

    #[test]
    fn forwarding_that_is_off_and_a_network_that_holds_the_nodes_are_told() {
        let dev = "eth0".parse().unwrap();
        let uplink =
            Uplink { dev, mtu: 1500, v4: Some([10, 0, 0, 7].into()), v6: None, ext_v4: None, ext_v6: None };
        let mut have = State::default();
        have.addrs.insert(AddrKey { dev, net: "10.0.0.7/24".parse().unwrap() }, Addr::default());
        let conf = |network: &str| {
            NetConf::parse(&format!(r#"{{"Network":"{network}","Backend":{{"Type":"vxlan"}}}}"#)).unwrap()
        };
        assert_eq!(warnings(&have, &conf("10.244.0.0/16"), &uplink), Vec::<String>::new());
        let said = warnings(&have, &conf("10.0.0.0/16"), &uplink);
        assert!(said.len() == 1 && said[0].contains("10.0.0.0/16 contains 10.0.0.0/24"), "{said:?}");
        for (value, lines) in [("1", 0), ("0", 1)] {
            have.facts.insert("sysctl:net.ipv4.ip_forward".into(), value.into());
            have.facts.insert("sysctl:net.ipv6.conf.all.forwarding".into(), "0".into());
            let said = warnings(&have, &conf("10.244.0.0/16"), &uplink);
            assert_eq!(said.len(), lines, "IPv6 is not in use: {said:?}");
        }
    }
}
