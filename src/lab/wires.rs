//! Links, addresses and routes inside one namespace, by netlink.
//! Each call states one thing; nothing here knows what a lab is.

use std::io;
use std::net::IpAddr;
use std::os::fd::RawFd;

use ipnet::IpNet;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressHeaderFlags};
use netlink_packet_route::link::{InfoData, InfoVeth};
use rtnetlink::{Handle, LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder};

use super::ns;

/// The netlink socket of one namespace.
#[derive(Debug)]
pub struct Wires(Handle);

/// Runs `work` with a netlink socket of namespace `netns`, on a thread that ends with it.
pub fn wire<T: Send>(netns: &str, work: impl AsyncFnOnce(&Wires) -> io::Result<T> + Send) -> io::Result<T> {
    ns::within(netns, || wire_here(work)).map_err(|e| io::Error::new(e.kind(), format!("in {netns}: {e}")))
}

/// Runs `work` with a netlink socket of the calling thread's namespace.
pub fn wire_here<T>(work: impl AsyncFnOnce(&Wires) -> io::Result<T>) -> io::Result<T> {
    // One thread only: a worker thread would sit in another namespace.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        let pump = tokio::spawn(connection);
        let done = work(&Wires(handle)).await;
        pump.abort();
        done
    })
}

impl Wires {
    /// A bridge, up.
    pub async fn bridge(&self, name: &str) -> io::Result<()> {
        let made = self.0.link().add(LinkBridge::new(name).build()).execute().await;
        made.map_err(|e| told(&e, || format!("bridge {name}")))
    }

    /// A veth pair: `name` here, `peer` in the namespace that `peer_ns` is open on.
    pub async fn veth(&self, name: &str, peer: &str, peer_ns: RawFd) -> io::Result<()> {
        let far = LinkUnspec::new_with_name(peer).setns_by_fd(peer_ns).build();
        let pair = LinkVeth::new(name, peer).set_info_data(InfoData::Veth(InfoVeth::Peer(far))).build();
        self.0.link().add(pair).execute().await.map_err(|e| told(&e, || format!("veth {name} to {peer}")))
    }

    /// Puts a link up.
    pub async fn up(&self, name: &str) -> io::Result<()> {
        self.set(name, |link| link.up()).await
    }

    /// Sets the MTU of a link.
    pub async fn mtu(&self, name: &str, mtu: u32) -> io::Result<()> {
        self.set(name, |link| link.mtu(mtu)).await
    }

    /// Makes a link a port of a bridge.
    pub async fn enslave(&self, name: &str, bridge: &str) -> io::Result<()> {
        let master = index(bridge)?;
        self.set(name, |link| link.controller(master)).await
    }

    /// Adds an address; an IPv6 one without waiting for duplicate detection.
    pub async fn addr(&self, name: &str, addr: IpNet) -> io::Result<()> {
        let mut add = self.0.address().add(index(name)?, addr.addr(), addr.prefix_len());
        if addr.addr().is_ipv6() {
            let message = add.message_mut();
            message.header.flags |= AddressHeaderFlags::Nodad;
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        add.execute().await.map_err(|e| told(&e, || format!("{addr} on {name}")))
    }

    /// Adds a route to `to` by `gateway`.
    pub async fn route(&self, to: IpNet, gateway: IpAddr) -> io::Result<()> {
        let route = RouteMessageBuilder::<IpAddr>::new()
            .destination_prefix(to.network(), to.prefix_len())
            .and_then(|r| r.gateway(gateway))
            .map_err(io::Error::other)?;
        let added = self.0.route().add(route.build()).execute().await;
        added.map_err(|e| told(&e, || format!("route to {to} via {gateway}")))
    }

    async fn set(
        &self,
        name: &str,
        change: impl FnOnce(LinkMessageBuilder<LinkUnspec>) -> LinkMessageBuilder<LinkUnspec>,
    ) -> io::Result<()> {
        let message = change(LinkUnspec::new_with_index(index(name)?)).build();
        self.0.link().set(message).execute().await.map_err(|e| told(&e, || name.to_owned()))
    }
}

/// The index of a link in the calling thread's namespace.
fn index(name: &str) -> io::Result<u32> {
    nix::net::if_::if_nametoindex(name).map_err(|e| io::Error::other(format!("{name}: {e}")))
}

fn told(error: &rtnetlink::Error, what: impl Fn() -> String) -> io::Error {
    match error {
        rtnetlink::Error::NetlinkError(refused) => {
            let cause = refused.to_io();
            io::Error::new(cause.kind(), format!("{}: {cause}", what()))
        }
        other => io::Error::other(format!("{}: {other}", what())),
    }
}
