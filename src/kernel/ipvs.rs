//! IPVS services from `/proc/net/ip_vs` of the calling thread's namespace (net/netfilter/ipvs/ip_vs_ctl.c,
//! `ip_vs_info_seq_show`). A kernel without IPVS has no such file, and no services.

#![expect(clippy::disallowed_methods, reason = "the table is a file")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::state::ipvs::{Matches, Server, Service};

/// The services; `None` where IPVS is there and may not be read.
pub fn read() -> Option<Vec<Service>> {
    match std::fs::read_to_string("/proc/thread-self/net/ip_vs") {
        Ok(text) => Some(parse(&text)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Some(Vec::new()),
        Err(_) => None,
    }
}

/// Lines of three kinds behind the heads: `TCP  0A600001:0050 rr`, `FWM  00000007 wlc`, and, below their service,
/// `  -> 0AF40103:1F90      Masq    1      0          0`.
fn parse(text: &str) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["->", at, forward, weight, ..] => {
                if let (Some((ip, port)), Ok(weight), Some(service)) =
                    (address(at), weight.parse(), services.last_mut())
                {
                    service.servers.push(Server { ip, port, forward: (*forward).to_owned(), weight });
                }
            }
            [kind, at, scheduler, ..] => {
                if let Some(matches) = matched(kind, at) {
                    services.push(Service {
                        matches,
                        scheduler: (*scheduler).to_owned(),
                        servers: Vec::new(),
                    });
                }
            }
            _ => {}
        }
    }
    services
}

fn matched(kind: &str, at: &str) -> Option<Matches> {
    let proto = match kind {
        "TCP" => 6,
        "UDP" => 17,
        "SCTP" => 132,
        "FWM" => return u32::from_str_radix(at, 16).ok().map(Matches::Mark),
        _ => return None,
    };
    address(at).map(|(ip, port)| Matches::Address { proto, ip, port })
}

/// `0A600001:0050`, or `[fd00:0000:…:0001]:0050`.
fn address(text: &str) -> Option<(IpAddr, u16)> {
    let (ip, port) = text.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let ip = match ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')) {
        Some(v6) => IpAddr::V6(v6.parse::<Ipv6Addr>().ok()?),
        None if ip.len() == 8 => IpAddr::V4(Ipv4Addr::from_bits(u32::from_str_radix(ip, 16).ok()?)),
        None => return None,
    };
    Some((ip, port))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::state::ipvs::Matches;

    const TEXT: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600001:01BB rr
  -> C0A8320B:192B      Masq    1      2          0
UDP  0A60000A:0035 rr
  -> 0AF40103:0035      Masq    1      0          4
  -> 0AF40203:0035      Masq    0      0          0
TCP  [fd96:0000:0000:0000:0000:0000:0000:0001]:01BB wlc persistent 10800
  -> [fd00:0005:0000:0001:0000:0000:0000:0003]:192B      Route   3      0          0
FWM  00000007 rr
  -> 0AF40103:0000      Tunnel  1      0          0
";

    #[test]
    fn services_and_their_servers_are_read() {
        let services = parse(TEXT);
        let seen: Vec<String> = services
            .iter()
            .map(|s| {
                let what = match s.matches {
                    Matches::Address { proto, ip, port } => format!("{proto} {ip} {port}"),
                    Matches::Mark(mark) => format!("mark {mark}"),
                };
                let to = s.servers.iter().map(|r| format!("{} {} {} {}", r.ip, r.port, r.forward, r.weight));
                format!("{what} {} -> {}", s.scheduler, to.collect::<Vec<_>>().join(", "))
            })
            .collect();
        let want = [
            "6 10.96.0.1 443 rr -> 192.168.50.11 6443 Masq 1",
            "17 10.96.0.10 53 rr -> 10.244.1.3 53 Masq 1, 10.244.2.3 53 Masq 0",
            "6 fd96::1 443 wlc -> fd00:5:0:1::3 6443 Route 3",
            "mark 7 rr -> 10.244.1.3 0 Tunnel 1",
        ];
        assert_eq!(seen, want);
        let dns = services.get(1).unwrap();
        let (ip, other) = ("10.96.0.10".parse().unwrap(), "10.96.0.1".parse().unwrap());
        assert!(dns.is_at(ip) && dns.takes(ip, 17, Some(53)));
        assert!(!dns.takes(ip, 6, Some(53)) && !dns.takes(ip, 17, Some(54)) && !dns.is_at(other));
    }

    #[test]
    fn lines_that_make_no_sense_are_left_out() {
        assert!(parse("TCP zz:0050 rr\n  -> 0AF40103:0035 Masq 1 0 0\nTCP\n\n").is_empty());
    }
}
