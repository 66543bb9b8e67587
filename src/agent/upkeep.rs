//! What the loop keeps up beside the tables: the firewall, subnet.env, the state file, readiness, the uplink.
#![expect(clippy::disallowed_methods, reason = "writes subnet.env and the state file, with the time in it")]

use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::file::{self, AgentFile, StoreNote};
use super::node::Touched;
use super::run::Agent;
use super::start::advert;
use crate::config::{Backend, NetConf, Settings, SubnetEnv, Uplink, choose};
use crate::error::Failure;
use crate::kernel::firewall::{Ensured, Firewall, FirewallError, at_first, bridge_warnings};
use crate::net::{IfName, Subnet};
use crate::overlay::masq::{self, Ask, Ruleset};
use crate::overlay::{World, vxlan};
use crate::state::{Hops, State, table};

/// With fewer peers than this the state file is written for every change.
const AT_ONCE: usize = 200;

/// A finished look at the firewall.
pub(super) type Looked = (Firewall, Result<Ensured, FirewallError>);

/// The firewall rules and who looks after them. Programs run beside the loop, so that a slow one delays nothing.
pub(super) struct Guard {
    idle: Option<Firewall>,
    want: Vec<Ruleset>,
    ask: Ask,
    networks: Subnet,
    previous: Option<(Subnet, Subnet)>,
    tell: mpsc::UnboundedSender<Looked>,
    done: mpsc::UnboundedReceiver<Looked>,
    said: Option<String>,
}

/// Which rules the operator wants.
pub(super) fn ask(settings: &Settings) -> Ask {
    let Settings { ip_masq, forward_rules, fully_random, .. } = settings;
    Ask { ip_masq: *ip_masq, forward: *forward_rules, fully_random: *fully_random }
}

/// The way that the network config chooses.
pub(super) fn firewall(conf: &NetConf) -> Firewall {
    if conf.nftables { Firewall::nft() } else { Firewall::iptables() }
}

/// What subnet.env says.
pub(super) fn subnet_env(world: &World, settings: &Settings) -> String {
    let Backend::Vxlan(conf) = &world.conf.backend;
    let mtu = vxlan::pod_mtu(&world.conf, conf, world.uplink.mtu);
    SubnetEnv::of(&world.conf, &world.own.subnet, mtu, settings.ip_masq).render()
}

impl Guard {
    pub(super) fn new(settings: &Settings, conf: &NetConf, previous: &SubnetEnv) -> Self {
        let (tell, done) = mpsc::unbounded_channel();
        let (ask, idle) = (ask(settings), firewall(conf));
        let network =
            Subnet { v4: previous.networks.first().copied(), v6: previous.ipv6_networks.first().copied() };
        let previous = previous.previous().map(|subnet| (network, subnet));
        Self {
            idle: Some(idle),
            want: Vec::new(),
            ask,
            networks: masq::networks(conf),
            previous,
            tell,
            done,
            said: None,
        }
    }

    /// The first look, at once: rules stand before pods come.
    fn first(&mut self, own: &Subnet) {
        let Ask { ip_masq, forward, .. } = self.ask;
        self.want = masq::rulesets(&self.networks, own, self.ask);
        if ip_masq {
            tracing::info!("Setting up masking rules");
            let old = self.previous.as_ref().map(|(network, subnet)| (network, subnet));
            if let Some(line) = old.and_then(|old| masq::recycled(old, (&self.networks, own))) {
                tracing::info!("{line}");
            }
        }
        if forward {
            // flannel's line; no policy is changed, accept rules are added.
            tracing::info!("Changing default FORWARD chain policy to ACCEPT");
        }
        if let Some(firewall) = &self.idle {
            let families: Vec<_> = self.want.iter().map(|r| r.family).collect();
            bridge_warnings(Path::new("/proc/sys"), &families).iter().for_each(|w| tracing::warn!("{w}"));
            match firewall.cleanup_other_mode() {
                Ok(cleaned) => cleaned.notes.iter().for_each(|note| tracing::info!("{note}")),
                Err(e) => tracing::warn!("cleaning up the other firewall mode's rules: {e}"),
            }
        }
        if let (true, Some(mut firewall)) = (ip_masq || forward, self.idle.take()) {
            let answer = firewall.ensure(&self.want).map(|ensured| {
                let notes = ensured.notes.iter().map(|note| at_first(note)).collect();
                Ensured { notes, ..ensured }
            });
            self.take((firewall, answer));
        }
    }

    /// Takes a changed config in: the networks of the rules. The mode stays until the next start.
    pub(super) fn adopt(&mut self, conf: &NetConf, own: &Subnet) {
        self.networks = masq::networks(conf);
        self.want = masq::rulesets(&self.networks, own, self.ask);
        self.check();
    }

    /// Starts a look, unless one is under way or there is nothing to look after.
    pub(super) fn check(&mut self) {
        if !(self.ask.ip_masq || self.ask.forward) || self.want.is_empty() {
            return;
        }
        let Some(mut firewall) = self.idle.take() else { return };
        let (want, tell) = (self.want.clone(), self.tell.clone());
        tokio::task::spawn_blocking(move || {
            let answer = firewall.ensure(&want);
            let _ = tell.send((firewall, answer));
        });
    }

    /// The next finished look.
    pub(super) async fn done(&mut self) -> Option<Looked> {
        self.done.recv().await
    }

    /// Says what was found, once.
    pub(super) fn take(&mut self, (firewall, answer): Looked) {
        self.idle = Some(firewall);
        match answer {
            Ok(ensured) => {
                self.said = None;
                ensured.notes.iter().for_each(|note| tracing::info!("{note}"));
            }
            Err(e) => {
                let hint = e.hint().map(|h| format!(" (hint: {h})")).unwrap_or_default();
                let line = format!("Failed to ensure firewall rules: {e}{hint}");
                if self.said.as_ref() != Some(&line) {
                    tracing::error!("{line}");
                    self.said = Some(line);
                }
            }
        }
    }
}

impl Agent {
    /// The first full round: device, peers, firewall, subnet.env, READY. True if the kernel took everything.
    pub(super) fn first_round(&mut self) -> Result<bool, Failure> {
        self.write_file();
        let fine = self.settle(Touched::Everything, false)?;
        if !self.node.have.links.contains_key(&self.device) {
            return Ok(false);
        }
        let own = self.node.world.own.clone();
        for device in self.node.world.ours().devices {
            if let Some(mac) = self.node.have.links.get(&device).and_then(|l| l.mac) {
                tracing::info!("Interface {device} mac address set to: {mac}");
            }
        }
        self.guard.first(&own.subnet);
        if !self.write_subnet_env() {
            self.timers.retry = Some(Instant::now() + Duration::from_secs(5));
            return Ok(false);
        }
        self.ready = true;
        tracing::info!("flannel is ready");
        tracing::info!("Running backend.");
        tracing::info!("watching for new subnet leases");
        self.arm_renewal();
        if let Some(at) = self.timers.renew {
            let wait = at.saturating_duration_since(Instant::now());
            tracing::info!("Waiting for {} to renew lease", crate::clock::span(wait));
        }
        self.write_file();
        self.notifier.send("READY=1");
        self.status();
        Ok(fine)
    }

    /// One line for `systemctl status`.
    pub(super) fn status(&self) {
        let subnet = self.hold.lease.subnet.cidrs();
        let peers = self.node.world.peers.len();
        let store = if self.store_down.is_some() { ", lease store out of reach" } else { "" };
        self.notifier.send(&format!("STATUS={subnet} on {}, {peers} peers{store}", self.device));
    }

    /// subnet.env: temporary name, then rename, mode 0644, as flannel writes it.
    pub(super) fn write_subnet_env(&self) -> bool {
        let env = subnet_env(&self.node.world, &self.settings);
        let path = &self.settings.subnet_file;
        match replace_file(path, env.as_bytes()) {
            Ok(()) => {
                tracing::info!("Wrote subnet file to {}", path.display());
                true
            }
            Err(e) => {
                tracing::error!("Failed to write subnet file: {}: {e}", path.display());
                false
            }
        }
    }

    /// Says what is about to change in the kernel: until the state file has it, readers call a new peer's rows stale.
    /// It is written whole, which costs by the peer, so in large clusters changes gather first.
    pub(super) fn announce(&mut self) {
        let pause = match self.node.world.peers.len() {
            n if n < AT_ONCE => return self.write_file(),
            n if n < 1_000 => Duration::from_millis(100),
            _ => Duration::from_secs(1),
        };
        self.timers.file.get_or_insert(Instant::now() + pause);
    }

    /// The state file that readers and the next start use.
    pub(super) fn write_file(&mut self) {
        self.timers.file = None;
        if !self.listed {
            return;
        }
        let world = &self.node.world;
        let file = AgentFile {
            pid: std::process::id(),
            started: self.started_at,
            written_at: SystemTime::now(),
            host: self.id.node.clone(),
            netns: self.netns,
            device: self.device,
            store: StoreNote::of(&self.settings.store),
            config: self.config.clone(),
            own: Some(self.hold.lease.clone()),
            uplink: world.uplink.clone(),
            peers: &world.peers,
        };
        if let Err(e) = file::write(&self.settings.run_dir, &file) {
            tracing::warn!("writing the state file: {e}");
        }
    }

    /// Chooses the uplink again when the present one is gone, re-addressed or resized; tells peers where to find us.
    /// True if it moved.
    pub(super) fn review_uplink(&mut self) -> bool {
        let have = &self.node.have;
        let now = &self.node.world.uplink;
        if stands(have, now) {
            return false;
        }
        let reach = |to: IpAddr| reach(have, to);
        let Ok((new, lines)) = choose(have, &self.settings, &self.node.world.conf, &reach) else {
            // Nothing to go on with yet; the next notice brings us here again.
            return false;
        };
        if new == *now {
            return false;
        }
        tracing::info!("the uplink changed: {now:?} is {new:?} now");
        lines.iter().for_each(|line| tracing::info!("{line}"));
        let mtu_changed = new.mtu != now.mtu;
        let conf = &self.node.world.conf;
        self.id.public_ip = conf.v4.and(new.ext_v4);
        self.id.public_ipv6 = conf.v6.and(new.ext_v6);
        let advert = advert(conf, &self.id, &self.node.world.own, Some(&self.hold.lease.attrs));
        self.node.world.uplink = new;
        self.hold.moved();
        if advert != self.hold.advert {
            self.hold.advert = advert;
            let held = self.hold.lease.clone();
            self.hold.rewrite(&held);
        }
        if mtu_changed && self.ready {
            self.write_subnet_env();
        }
        true
    }
}

/// The uplink is there, with its addresses and its MTU.
fn stands(have: &State, uplink: &Uplink) -> bool {
    let Uplink { dev, mtu, v4, v6, ext_v4: _, ext_v6: _ } = uplink;
    let on_it = |ip: IpAddr| have.addrs_of(*dev).any(|(net, _)| net.addr() == ip);
    have.links.get(dev).is_some_and(|l| l.mtu == *mtu)
        && v4.is_none_or(|ip| on_it(IpAddr::V4(ip)))
        && v6.is_none_or(|ip| on_it(IpAddr::V6(ip)))
}

/// The main table's answer for `to`: longest prefix, lowest metric.
fn reach(have: &State, to: IpAddr) -> Option<(IfName, Option<IpAddr>)> {
    let fits = have.routes.iter().filter(|(k, _)| k.table == table::MAIN && k.dst.contains(&to));
    let (_, twins) = fits.min_by_key(|(k, _)| (std::cmp::Reverse(k.dst.prefix_len()), k.metric))?;
    let route = twins.first()?;
    match &route.hops {
        Hops::One(hop) => hop.dev.map(|dev| (dev, route.src)),
        Hops::None | Hops::Object(_) | Hops::Multi(_) => None,
    }
}

/// Writes whole or not at all.
fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = dir.join(format!(".{name}.{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&temporary)?;
    // Whatever the umask: container runtimes read it.
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}
