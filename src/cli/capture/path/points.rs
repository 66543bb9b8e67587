//! Which devices a packet passes on this node, and what is known of its way: read from the tables, the leases and the
//! pods, as `trace` reads them. Opens nothing.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::capture::pairing::scope::{Net, Scope, Way};
use crate::capture::pairing::{Point, Stage};
use crate::cli::gather::Look;
use crate::error::Failure;
use crate::lease::Lease;
use crate::net::IfName;
use crate::readings::{flannel_devices, own_lease};
use crate::state::fib::{self, Answer, Flow};
use crate::state::{LinkKind, Pod, State};

/// More veths are not opened one by one: each has a buffer.
const MOST_VETHS: usize = 32;

/// What is opened, and what is known.
#[derive(Debug)]
pub struct Plan {
    /// The devices.
    pub points: Vec<Point>,
    /// What is known of packets' ways.
    pub scope: Scope,
    /// Networks of tunnels of this host that are not followed: number and port.
    pub others: HashSet<(u32, u16)>,
    /// The network of flannel's device; of the first, if there are several.
    pub vni: Option<u32>,
    /// Nets of the overlay, for the filter in the kernel.
    pub nets: Vec<Net>,
    /// How many pods there are, if they are too many.
    pub crowd: Option<usize>,
}

/// The points of this node, or those of one of its pods.
pub fn plan(look: &Look, only: Option<&Pod>) -> Result<Plan, Failure> {
    let state = &look.snapshot.state;
    let mut made = Making { look, state, points: Vec::new(), scope: Scope::default() };
    made.scope.own = state.addrs.keys().map(|key| key.net.addr()).collect();
    let tunnels = made.tunnels()?;
    let local = made.local();
    let bridge = bridge(state, &local);
    let local =
        if local.is_empty() { bridge.map(|dev| nets_of(state, dev)).unwrap_or_default() } else { local };
    let mut veths = made.veths(bridge);
    if let Some(pod) = only {
        veths.retain(|(_, behind)| behind.is_some_and(|behind| behind.inode == pod.inode));
        if veths.is_empty() {
            return Err(Failure::found(format!("no veth of this node's pods leads to pod {}", pod.name)));
        }
        made.scope.only = global(&pod.state).collect();
        if made.scope.only.is_empty() {
            let failure = Failure::unreadable(format!("the addresses of pod {} could not be read", pod.name));
            return Err(failure.hint("looking into a pod's namespace needs root"));
        }
    }
    let crowd = (veths.len() > MOST_VETHS && only.is_none()).then_some(veths.len());
    if crowd.is_none() {
        made.pods(&veths);
    }
    made.scope.bridge = bridge.map(|dev| made.point(dev, Stage::Bridge, None));
    made.ways_out(&tunnels);
    made.scope.local = local.iter().map(plain).collect();
    let mut nets: Vec<Net> = look.conf.iter().flat_map(networks).collect();
    if nets.is_empty() {
        nets =
            made.scope.local.iter().copied().chain(made.scope.remote.iter().map(|(net, _)| *net)).collect();
    }
    let others = others(state, &tunnels);
    let vni = flannel_devices(state).first().map(|(_, vni)| *vni);
    let Making { points, scope, .. } = made;
    Ok(Plan { points, scope, others, vni, nets, crowd })
}

fn plain(net: &IpNet) -> Net {
    (net.network(), net.prefix_len())
}

fn networks(conf: &crate::config::NetConf) -> Vec<Net> {
    let four = conf.v4.map(|range| IpNet::V4(range.network));
    let six = conf.v6.map(|range| IpNet::V6(range.network));
    [four, six].iter().flatten().map(plain).collect()
}

/// Addresses that are known beyond their link.
fn global(state: &State) -> impl Iterator<Item = IpAddr> {
    let near = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local(),
    };
    state.addrs.keys().map(|key| key.net.addr()).filter(move |ip| !near(ip))
}

fn nets_of(state: &State, dev: IfName) -> Vec<IpNet> {
    let far = |net: &IpNet| match net {
        IpNet::V4(net) => !net.addr().is_link_local(),
        IpNet::V6(net) => !net.addr().is_unicast_link_local(),
    };
    state.addrs_of(dev).map(|(net, _)| net.trunc()).filter(far).collect()
}

/// The pods' bridge: the one with an address in this node's subnet, else the one that CNI calls so, else the one with
/// most ports that are pods'.
fn bridge(state: &State, local: &[IpNet]) -> Option<IfName> {
    let is = |dev: &IfName| state.links.get(dev).is_some_and(|link| link.kind == LinkKind::Bridge);
    let held = state.addrs.keys().filter(|key| is(&key.dev));
    let within = |ip: IpAddr| local.iter().any(|net| net.contains(&ip));
    let by_address = held.filter(|key| within(key.net.addr())).map(|key| key.dev).min();
    let cni = || "cni0".parse().ok().filter(is);
    let ports = |dev: &IfName| {
        let pods = state.links.values().filter(|link| link.master == Some(*dev));
        pods.filter(|link| matches!(link.kind, LinkKind::Veth { netns: Some(_), .. })).count()
    };
    let busiest = || state.links.keys().copied().filter(|dev| is(dev) && ports(dev) > 0).max_by_key(ports);
    by_address.or_else(cni).or_else(busiest)
}

/// Tunnels of this host that somebody else made.
fn others(state: &State, tunnels: &[(IfName, Option<IfName>)]) -> HashSet<(u32, u16)> {
    let ours = |dev: &IfName| tunnels.iter().any(|(tunnel, _)| tunnel == dev);
    let rest = state.links.iter().filter(|(dev, _)| !ours(dev));
    rest.filter_map(|(_, link)| link.vxlan().map(|vxlan| (vxlan.vni, vxlan.port))).collect()
}

/// A plan that is being made.
struct Making<'a> {
    look: &'a Look,
    state: &'a State,
    points: Vec<Point>,
    scope: Scope,
}

impl<'a> Making<'a> {
    fn point(&mut self, dev: IfName, stage: Stage, pod: Option<&str>) -> usize {
        let known = self.points.iter().position(|point| point.dev == dev.as_str());
        known.unwrap_or_else(|| {
            self.points.push(Point { dev: dev.to_string(), stage, pod: pod.map(str::to_owned) });
            self.points.len() - 1
        })
    }

    /// The tunnels and what each leaves by.
    fn tunnels(&self) -> Result<Vec<(IfName, Option<IfName>)>, Failure> {
        let named = flannel_devices(self.state);
        if named.is_empty() {
            return Err(Failure::found(
                "no flannel device here: there is no tunnel to follow packets through",
            )
            .hint("look into the node's own namespace (--netns NAME), and see flanctl doctor"));
        }
        let uplink = self.look.snapshot.uplink.as_ref().map(|uplink| uplink.dev);
        let lower = |dev: IfName| self.state.links.get(&dev)?.vxlan()?.lower;
        Ok(named.into_iter().map(|(dev, _)| (dev, lower(dev).or(uplink))).collect())
    }

    /// This node's own subnet.
    fn local(&self) -> Vec<IpNet> {
        let own = self.look.snapshot.own.or_else(|| own_lease(&self.look.sight()).map(|lease| lease.subnet));
        own.iter().flat_map(crate::net::Subnet::nets).collect()
    }

    /// The node's ends of pods' veths: the ports of the bridge, or where there is none, all that lead to a pod.
    fn veths(&self, bridge: Option<IfName>) -> Vec<(IfName, Option<&'a Pod>)> {
        let pods = &self.look.snapshot.pods;
        let led = self.state.links.iter().filter(|(_, link)| {
            let veth = matches!(link.kind, LinkKind::Veth { netns: Some(_), .. });
            veth && if bridge.is_some() { link.master == bridge } else { Pod::behind(pods, link).is_some() }
        });
        led.map(|(dev, link)| (*dev, Pod::behind(pods, link))).collect()
    }

    fn pods(&mut self, veths: &[(IfName, Option<&Pod>)]) {
        for (dev, pod) in veths {
            let point = self.point(*dev, Stage::Pod, pod.map(|pod| pod.name.as_str()));
            let addrs = pod.iter().flat_map(|pod| global(&pod.state));
            self.scope.pods.extend(addrs.map(|addr| (addr, point)));
        }
    }

    /// Tunnels, uplinks, and which of them leads to which node.
    fn ways_out(&mut self, tunnels: &[(IfName, Option<IfName>)]) {
        let mut by_dev: HashMap<IfName, usize> = HashMap::new();
        for (dev, _) in tunnels {
            by_dev.insert(*dev, self.point(*dev, Stage::Tunnel, None));
        }
        for (dev, lower) in tunnels {
            if let (Some(lower), Some(tunnel)) = (lower, by_dev.get(dev).copied()) {
                let uplink = self.point(*lower, Stage::Uplink, None);
                self.scope.below.insert(tunnel, uplink);
            }
        }
        let own = self.look.snapshot.own.or_else(|| own_lease(&self.look.sight()).map(|lease| lease.subnet));
        let leases: Vec<&Lease> = self.look.snapshot.leases.iter().flatten().collect();
        for lease in leases.iter().filter(|lease| Some(lease.subnet) != own) {
            for net in lease.subnet.nets() {
                let way = self.direct(lease, net).or_else(|| self.tunnel(net, tunnels, &by_dev));
                self.scope.remote.extend(way.map(|way| (plain(&net), way)));
            }
        }
        if leases.is_empty() {
            let routes = self
                .state
                .routes
                .iter()
                .flat_map(|(key, routes)| routes.iter().map(move |route| (key, route)));
            let led = routes.filter_map(|(key, route)| match route.hops {
                crate::state::Hops::One(hop) if hop.via.is_some() => Some((key.dst, *by_dev.get(&hop.dev?)?)),
                _ => None,
            });
            let led: Vec<_> = led.map(|(net, point)| (plain(&net), Way::Tunnel(point))).collect();
            self.scope.remote.extend(led);
        }
    }

    /// The uplink, if packets to a peer's pods go to the peer itself rather than into the tunnel.
    fn direct(&self, lease: &Lease, net: IpNet) -> Option<Way> {
        let publics = [lease.attrs.public_ip.map(IpAddr::V4), lease.attrs.public_ipv6.map(IpAddr::V6)];
        let flow = Flow::to(net.hosts().next().unwrap_or_else(|| net.addr()));
        let Answer::Route { legs, .. } = fib::lookup(self.state, &flow).answer else { return None };
        let hop = legs.first()?.hop;
        let dev = hop.dev.filter(|_| hop.via.is_some() && publics.contains(&hop.via))?;
        let uplink =
            self.points.iter().position(|point| point.dev == dev.as_str() && point.stage == Stage::Uplink);
        uplink.map(Way::Direct)
    }

    /// The tunnel that is to lead to a net: the one that the route names, else the one of its version.
    fn tunnel(
        &self,
        net: IpNet,
        tunnels: &[(IfName, Option<IfName>)],
        by_dev: &HashMap<IfName, usize>,
    ) -> Option<Way> {
        let flow = Flow::to(net.hosts().next().unwrap_or_else(|| net.addr()));
        let routed = match fib::lookup(self.state, &flow).answer {
            Answer::Route { legs, .. } => legs.first().and_then(|leg| by_dev.get(&leg.hop.dev?)).copied(),
            _ => None,
        };
        let six = |dev: &IfName| dev.as_str().starts_with("flannel-v6.");
        let of_version = || {
            let six_net = matches!(net, IpNet::V6(_));
            let fit = tunnels.iter().find(|(dev, _)| six(dev) == six_net);
            fit.and_then(|(dev, _)| by_dev.get(dev)).copied()
        };
        routed.or_else(of_version).map(Way::Tunnel)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::gather::{Depth, gather};
    use crate::cli::look::{LookArgs, Near};
    use crate::cli::{Color, Global, Output};
    use crate::config::StoreArgs;
    use crate::state::Hops;

    /// A node with two pods, and a peer that has 10.5.2.0/24.
    fn look() -> Look {
        let global = Global { output: Output::Text, color: Color::Never, netns: None };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/trace/pods.json");
        let near = Near { run_dir: None, store: StoreArgs::default() };
        let args = LookArgs { snapshot: Some(file), device: None, near };
        gather(&global, &args, Depth::TABLES).unwrap()
    }

    fn told(plan: &Plan) -> Vec<String> {
        let pod = |point: &Point| point.pod.clone().unwrap_or_default();
        plan.points.iter().map(|point| format!("{} {:?} {}", point.dev, point.stage, pod(point))).collect()
    }

    fn net(text: &str) -> Net {
        plain(&text.parse().unwrap())
    }

    #[test]
    fn the_points_are_the_veths_the_bridge_the_tunnel_and_what_is_below_it() {
        let look = look();
        let all = plan(&look, None).unwrap();
        let points =
            ["veth0 Pod lab-pod1", "veth1 Pod web", "cni0 Bridge ", "flannel.1 Tunnel ", "eth0 Uplink "];
        assert_eq!(told(&all), points);
        assert_eq!((all.scope.bridge, all.scope.below.get(&3)), (Some(2), Some(&4)));
        assert_eq!(all.scope.local, [net("10.5.1.0/24")]);
        assert_eq!(all.scope.remote, [(net("10.5.2.0/24"), Way::Tunnel(3))]);
        assert_eq!(
            all.scope.pods,
            HashMap::from([("10.5.1.2".parse().unwrap(), 0), ("10.5.1.3".parse().unwrap(), 1)])
        );
        assert_eq!((all.nets, all.vni, all.scope.only.len()), (vec![net("10.5.0.0/16")], Some(1), 0));

        let one = plan(&look, look.snapshot.pods.get(1)).unwrap();
        assert_eq!(told(&one), ["veth1 Pod web", "cni0 Bridge ", "flannel.1 Tunnel ", "eth0 Uplink "]);
        assert_eq!(one.scope.only, HashSet::from(["10.5.1.3".parse().unwrap()]));
    }

    #[test]
    fn leases_and_routes_say_the_same_and_one_of_them_is_enough() {
        let mut look = look();
        let way = |look: &Look| plan(look, None).unwrap().scope.remote;
        let routes = look.snapshot.state.routes.clone();
        look.snapshot.state.routes.clear();
        assert_eq!(way(&look), [(net("10.5.2.0/24"), Way::Tunnel(3))], "where it is to go");
        look.snapshot.state.routes = routes;
        (look.snapshot.leases, look.snapshot.own, look.conf) = (None, None, None);
        let bare = plan(&look, None).unwrap();
        assert_eq!(bare.scope.remote, [(net("10.5.2.0/24"), Way::Tunnel(3))]);
        assert_eq!((bare.scope.local, bare.nets.len()), (vec![net("10.5.1.0/24")], 2));
    }

    #[test]
    fn a_peer_that_is_a_neighbour_is_reached_by_the_uplink_and_no_other_detour_is_meant() {
        for (via, way) in [("192.168.50.12", Way::Direct(4)), ("192.168.50.2", Way::Tunnel(3))] {
            let mut look = look();
            for (key, routes) in &mut look.snapshot.state.routes {
                if key.dst.to_string() == "10.5.2.0/24"
                    && let Some(route) = routes.first_mut()
                {
                    let dev = "eth0".parse().ok();
                    route.hops =
                        Hops::One(crate::state::Hop { via: via.parse().ok(), dev, ..Default::default() });
                }
            }
            assert_eq!(plan(&look, None).unwrap().scope.remote, [(net("10.5.2.0/24"), way)], "{via}");
        }
    }

    #[test]
    fn a_node_without_a_tunnel_and_a_pod_without_a_veth_are_told() {
        let mut look = look();
        let strange = Pod { name: "strange".to_owned(), inode: 7, ..Pod::default() };
        let failure = plan(&look, Some(&strange)).unwrap_err();
        assert!(failure.chain().contains("leads to pod strange"), "{}", failure.chain());
        look.snapshot.state.links.remove(&"flannel.1".parse().unwrap());
        let failure = plan(&look, None).unwrap_err();
        assert!(failure.chain().contains("no flannel device here"), "{}", failure.chain());
    }
}
