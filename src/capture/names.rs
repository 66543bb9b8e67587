//! Names in place of numbers: hosts, ports, protocols, interfaces. Looks nothing up: hands give a resolver.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use super::nodes::Nodes;
use super::text::Out;

/// Finds a host's name, the domain included.
pub type Resolver = Box<dyn FnMut(IpAddr) -> Option<String> + Send>;

/// Names that are known, and how to find more. Empty with -n.
#[derive(Default)]
pub struct Names {
    /// Whose an address is; told behind it if there are any.
    pub nodes: Nodes,
    /// Asked once an address.
    pub resolver: Option<Resolver>,
    hosts: HashMap<IpAddr, Option<Box<str>>>,
    tcp: HashMap<u16, Box<str>>,
    udp: HashMap<u16, Box<str>>,
    interfaces: HashMap<u32, Box<str>>,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("hosts", &self.hosts.len()).finish_non_exhaustive()
    }
}

/// Addresses are forgotten past this many, so that a long session stays flat.
const MOST_HOSTS: usize = 65_536;

impl Names {
    /// Reads the host's services file: `name port/proto aliases`. The first line of a port counts.
    pub fn services(&mut self, text: &str) {
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let (Some(name), Some((port, proto))) =
                (words.next(), words.next().and_then(|w| w.split_once('/')))
            else {
                continue;
            };
            let table = match proto {
                "tcp" => &mut self.tcp,
                "udp" => &mut self.udp,
                _ => continue,
            };
            if let Ok(port) = port.parse() {
                table.entry(port).or_insert_with(|| name.into());
            }
        }
    }

    /// Names an interface by its index, as SLL2 gives it.
    pub fn interface(&mut self, index: u32, name: &str) {
        self.interfaces.insert(index, name.into());
    }

    /// The interface's name.
    pub fn interface_name(&self, index: u32) -> Option<&str> {
        self.interfaces.get(&index).map(|name| &**name)
    }

    /// The TCP port's name.
    pub fn tcp_port(&self, port: u16) -> Option<&str> {
        self.tcp.get(&port).map(|name| &**name)
    }

    /// The UDP port's name.
    pub fn udp_port(&self, port: u16) -> Option<&str> {
        self.udp.get(&port).map(|name| &**name)
    }

    /// Writes the host's name; false if it has none.
    pub fn host(&mut self, out: &mut Out, addr: IpAddr, short: bool) -> bool {
        let Some(resolver) = &mut self.resolver else { return false };
        if self.hosts.len() > MOST_HOSTS {
            self.hosts.clear();
        }
        let name = self.hosts.entry(addr).or_insert_with(|| resolver(addr).map(Into::into));
        let Some(name) = name else { return false };
        let name: &str = name;
        out.str(if short { name.split('.').next().unwrap_or(name) } else { name });
        true
    }
}
