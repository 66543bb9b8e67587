//! Which subnets a namespace has a route to, read from /proc: enough to tell when every node knows every peer.
#![expect(clippy::disallowed_methods, reason = "a room of hands: reads /proc")]

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::ns;

/// Those of `wanted` that no route of `netns` covers; a default route does not count.
pub fn missing(netns: &str, wanted: &[IpNet]) -> io::Result<Vec<IpNet>> {
    let (v4, v6) = ns::within(netns, || {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/thread-self/net/{file}"));
        // No ipv6_route file: a kernel without IPv6.
        Ok((read("route")?, read("ipv6_route").unwrap_or_default()))
    })?;
    let have: Vec<IpNet> = v4.lines().filter_map(route4).chain(v6.lines().filter_map(route6)).collect();
    Ok(wanted.iter().filter(|net| !have.iter().any(|h| covers(h, net))).copied().collect())
}

fn covers(route: &IpNet, net: &IpNet) -> bool {
    route.prefix_len() > 0 && route.contains(net)
}

/// `flannel.1 0001F40A 0001F40A 0003 0 0 0 00FFFFFF …`: address and mask as the machine stores them.
fn route4(line: &str) -> Option<IpNet> {
    let mut words = line.split_whitespace().skip(1);
    let octets = |word: &str| u32::from_str_radix(word, 16).ok().map(|n| Ipv4Addr::from(n.to_ne_bytes()));
    let addr = octets(words.next()?)?;
    let mask = octets(words.nth(5)?)?;
    Ipv4Net::with_netmask(addr, mask).ok().map(IpNet::V4)
}

/// `fd000010024400010000000000000000 40 000… 00 …`: lo's rejecting rows (flag RTF_REJECT, 0x200) are no routes.
fn route6(line: &str) -> Option<IpNet> {
    let mut words = line.split_whitespace();
    let addr = Ipv6Addr::from_bits(u128::from_str_radix(words.next()?, 16).ok()?);
    let len = u8::from_str_radix(words.next()?, 16).ok()?;
    let flags = u32::from_str_radix(words.nth(6)?, 16).ok()?;
    (flags & 0x200 == 0).then(|| Ipv6Net::new(addr, len).ok().map(IpNet::V6))?
}

#[cfg(test)]
mod tests {
    use super::{route4, route6};

    #[test]
    fn rows_of_proc_are_read() {
        let head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
        let row = "flannel.1\t0002F40A\t0002F40A\t0003\t0\t0\t0\t00FFFFFF\t0\t0\t0";
        assert_eq!(route4(head), None);
        if cfg!(target_endian = "little") {
            assert_eq!(route4(row).unwrap().to_string(), "10.244.2.0/24");
        }
        let base = "fd000010024400020000000000000000 40 00000000000000000000000000000000 00";
        let via = "fd000010024400020000000000000000 00000400 00000001 00000000";
        assert_eq!(
            route6(&format!("{base} {via} 00000003 flannel-")).unwrap().to_string(),
            "fd00:10:244:2::/64"
        );
        assert_eq!(route6(&format!("{base} {via} 00200200       lo")), None);
    }
}
