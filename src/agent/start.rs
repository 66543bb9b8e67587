//! From settings to a running node: config, uplink, claim, lease. In flanneld's order and with its words, because
//! operators grep for them.
#![expect(
    clippy::disallowed_methods,
    reason = "reads capabilities and the old subnet file, asks the time, rolls dice"
)]

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;

use rand::Rng;

use super::file::{self, AgentFile};
use super::premises;
use super::single::{self, Claim};
use super::trouble::{Trouble, passes, store_failure, words};
use super::uplink;
use crate::config::{Backend, NetConf, Settings, StoreChoice, SubnetEnv, Uplink, VxlanConf};
use crate::error::Failure;
use crate::kernel::{Kernel, LinuxKernel, netns};
use crate::lease::{Attrs, Expiry, Identity, Lease, VxlanData};
use crate::net::{IfName, Mac, Subnet};
use crate::overlay::{Own, vxlan};
use crate::plan::{self, kept_mac};
use crate::state::State;
use crate::store::{self, AcquireError, LeaseStore, StoreError};

/// A node that holds its lease and knows its uplink; nothing in the kernel has been changed yet.
pub struct Started {
    /// The way to the leases.
    pub store: Rc<dyn LeaseStore>,
    /// The way to the kernel.
    pub kernel: LinuxKernel,
    /// The kernel's tables.
    pub have: State,
    /// The network config, verbatim and read.
    pub config: String,
    /// Ditto.
    pub conf: NetConf,
    /// The chosen uplink.
    pub uplink: Uplink,
    /// Who we are.
    pub id: Identity,
    /// Our lease.
    pub lease: Lease,
    /// Our side of the overlay.
    pub own: Own,
    /// Peers known from the last run, if the store is out of reach.
    pub peers: Option<Vec<Lease>>,
    /// The overlay's first device: names the state file and the claim.
    pub device: IfName,
    /// The inode of our namespace.
    pub netns: u64,
    /// The subnet file of the last run.
    pub previous: SubnetEnv,
    /// Held for as long as the process lives.
    pub claim: Option<Claim>,
}

/// Everything up to the lease.
pub async fn start(settings: &Settings) -> Result<Started, Failure> {
    let netns =
        netns::inode().map_err(|e| Failure::unreadable("reading the network namespace").because(e))?;
    let previous =
        fs::read_to_string(&settings.subnet_file).map(|t| SubnetEnv::parse(&t)).unwrap_or_default();
    uplink::named(settings)?;
    let store: Rc<dyn LeaseStore> = Rc::from(store::open(&settings.store).await.map_err(store_failure)?);
    tracing::info!("Created subnet manager: {}", manager_name(settings, &previous));
    tracing::info!("Installing signal handlers");

    let (config, conf, past) = network_config(settings, &*store, netns).await?;
    tracing::info!("Found network config - Backend type: {}", conf.backend_type());

    may_write_kernel()?;
    let mut kernel =
        LinuxKernel::open().map_err(|e| Failure::unreadable("opening a netlink socket").because(e))?;
    let have = kernel.observe().map_err(|e| Failure::unreadable("reading the kernel's tables").because(e))?;
    let uplink = uplink::chosen(&have, settings, &conf, &mut kernel)?;
    let Backend::Vxlan(vxlan) = &conf.backend;
    vxlan_line(&config, vxlan);
    premises::warnings(&have, &conf, &uplink).iter().for_each(|line| tracing::warn!("{line}"));
    let device = device_of(&conf, vxlan)?;
    let claim = if settings.dry_run { None } else { Some(claim(device, settings, netns).await?) };
    // A predecessor may have worked until this very moment.
    let have = match &claim {
        Some(_) if settings.takeover => {
            kernel.observe().map_err(|e| Failure::unreadable("reading the kernel's tables").because(e))?
        }
        _ => have,
    };

    let id = Identity {
        node: settings.node.clone(),
        public_ip: conf.v4.and(uplink.ext_v4),
        public_ipv6: conf.v6.and(uplink.ext_v6),
    };
    let dice = Own {
        subnet: Subnet { v4: None, v6: None },
        mac: Mac::local_from(rand::rng().random()),
        mac6: Mac::local_from(rand::rng().random()),
    };
    let draft = Draft { conf: &conf, vxlan, id: &id, have: &have, dice: &dice };
    let (lease, peers) = lease(settings, &*store, &draft, &previous, past).await?;
    let own = draft.own(lease.subnet, Some(&lease.attrs));
    let started = Started {
        store,
        kernel,
        have,
        config,
        uplink,
        lease,
        own,
        peers,
        device,
        netns,
        previous,
        claim,
        id,
        conf,
    };
    started.refuse_foreign_device()?;
    Ok(started)
}

/// Beside the loop, because a predecessor may take its time and a signal must still be heard.
async fn claim(device: IfName, settings: &Settings, netns: u64) -> Result<Claim, Failure> {
    let (lock, takeover) = (lock_file(settings, netns, device), settings.takeover);
    let work = tokio::task::spawn_blocking(move || single::claim(device, &lock, takeover));
    work.await.map_err(|e| Failure::found(format!("claiming {device}")).because(e))?
}

/// Beside the state file.
pub(super) fn lock_file(settings: &Settings, netns: u64, device: IfName) -> PathBuf {
    file::path(&settings.run_dir, netns, device).with_extension("lock")
}

impl Started {
    /// A device with our name that is something else is not ours to delete.
    fn refuse_foreign_device(&self) -> Result<(), Failure> {
        let mut want = crate::state::Want::default();
        let Backend::Vxlan(vxlan) = &self.conf.backend;
        for device in vxlan::devices(&self.conf, vxlan) {
            let wanted = crate::state::WantLink {
                vxlan: vxlan::attributes(vxlan, &self.uplink, device.v6),
                mac: self.own.mac,
                mtu: 0,
            };
            want.links.insert(device.name, wanted);
        }
        match plan::blocked(&self.have, &want).first() {
            None => Ok(()),
            Some((name, kind)) => Err(Failure::found(format!(
                "{name} exists and is a {kind}, not a vxlan device"
            ))
            .hint(format!(
                "rename or delete it (ip link del {name}), or choose another VNI in the network config"
            ))),
        }
    }
}

/// What the lease's value is made of.
struct Draft<'a> {
    conf: &'a NetConf,
    vxlan: &'a VxlanConf,
    id: &'a Identity,
    have: &'a State,
    dice: &'a Own,
}

impl Draft<'_> {
    /// The VTEP MACs: those of our lease (so they survive a reboot), else those of a device that is there (so a
    /// flanneld's is adopted), else random ones.
    fn own(&self, subnet: Subnet, old: Option<&Attrs>) -> Own {
        let leased = |data: Option<&str>| {
            let mac = data.and_then(|text| VxlanData::parse(text).ok()).map(|d| d.mac);
            mac.filter(|m| !m.is_zero() && !m.is_multicast())
        };
        let device = |v6: bool| {
            let found = vxlan::devices(self.conf, self.vxlan).find(|d| d.v6 == v6);
            found.and_then(|d| kept_mac(self.have, d.name, self.vxlan.vni))
        };
        Own {
            subnet,
            mac: leased(old.and_then(|a| a.backend_data.as_deref()))
                .or(device(false))
                .unwrap_or(self.dice.mac),
            mac6: leased(old.and_then(|a| a.backend_v6_data.as_deref()))
                .or(device(true))
                .unwrap_or(self.dice.mac6),
        }
    }

    fn attrs(&self, subnet: Subnet, old: Option<&Lease>) -> Attrs {
        let own = self.own(subnet, old.map(|l| &l.attrs));
        advert(self.conf, self.id, &own, old.map(|l| &l.attrs))
    }
}

/// The value of our lease.
pub fn advert(conf: &NetConf, id: &Identity, own: &Own, old: Option<&Attrs>) -> Attrs {
    let Backend::Vxlan(vxlan) = &conf.backend;
    let data = |mac| Box::from(VxlanData { vni: vxlan.vni, mac }.to_json());
    Attrs {
        public_ip: id.public_ip,
        public_ipv6: id.public_ipv6,
        backend_type: conf.backend_type().into(),
        backend_data: conf.v4.map(|_| data(own.mac)),
        backend_v6_data: conf.v6.map(|_| data(own.mac6)),
        node: Some(id.node.as_str().into()),
        unknown: old.map(|a| a.unknown.clone()).unwrap_or_default(),
    }
}

/// Acquires the lease; with the store out of reach the lease of the last run is used for as long as it lives.
async fn lease(
    settings: &Settings,
    store: &dyn LeaseStore,
    draft: &Draft<'_>,
    previous: &SubnetEnv,
    past: Option<AgentFile>,
) -> Result<(Lease, Option<Vec<Lease>>), Failure> {
    if let Some(AgentFile { own: Some(own), peers, .. }) = past {
        return Ok((own, Some(peers)));
    }
    if settings.dry_run {
        return super::dry::lease(store, draft.id, draft.conf, previous.previous(), &|s, o| {
            draft.attrs(s, o)
        })
        .await;
    }
    let mut trouble = Trouble::new();
    loop {
        let got = crate::store::acquire(
            store,
            draft.id,
            draft.conf,
            previous.previous(),
            &|subnet, old| draft.attrs(subnet, old),
            &SystemTime::now,
            &mut rand::rng(),
        )
        .await;
        match got {
            Ok(acquired) => return Ok((acquired.lease, None)),
            Err(AcquireError::Store(e)) if passes(&e) && !settings.once => trouble.wait(&e).await,
            Err(e) => {
                let hint = e.hint();
                return Err(Failure::found("failed to acquire lease").because(e).hinted(hint));
            }
        }
    }
}

/// Reads the config until there is one; with the store out of reach, that of the last run.
async fn network_config(
    settings: &Settings,
    store: &dyn LeaseStore,
    netns: u64,
) -> Result<(String, NetConf, Option<AgentFile>), Failure> {
    let mut trouble = Trouble::new();
    loop {
        match store.network_config().await {
            Ok(text) => match NetConf::parse(&text) {
                Ok(conf) => return Ok((text, conf, None)),
                Err(e) if settings.once || settings.dry_run => {
                    let hint = e.hint();
                    return Err(Failure::unreadable("reading the network config").because(e).hinted(hint));
                }
                Err(e) => {
                    let hint = e.hint().map(|h| format!(" (hint: {h})")).unwrap_or_default();
                    trouble.say(&format!("Couldn't fetch network config: {e}{hint}")).await;
                }
            },
            Err(e) if !passes(&e) => return Err(store_failure(e)),
            Err(e) => {
                if matches!(e, StoreError::Unreachable { .. })
                    && let Some(past) = past_run(settings, netns)
                    && let Ok(conf) = NetConf::parse(&past.config)
                {
                    tracing::warn!(
                        "{}; going on with what the last run knew ({} peers)",
                        words(&e),
                        past.peers.len()
                    );
                    return Ok((past.config.clone(), conf, Some(past)));
                }
                if settings.once || settings.dry_run {
                    return Err(store_failure(e));
                }
                trouble.wait(&e).await;
            }
        }
    }
}

/// The state file of an earlier agent of this store here, while its lease lives. Another overlay's stands beside it.
fn past_run(settings: &Settings, netns: u64) -> Option<AgentFile> {
    let lives = |own: &Lease| match own.expires {
        Expiry::At(end) => end > SystemTime::now(),
        Expiry::Never => true,
        Expiry::Unknown => false,
    };
    let same_store = |past: &AgentFile| match (&settings.store, &past.store) {
        (StoreChoice::Dir(a), file::StoreNote::Dir { path }) => a == path,
        (StoreChoice::Etcd(a), file::StoreNote::Etcd { prefix, .. }) => a.prefix == *prefix,
        _ => false,
    };
    let ours = |own: &Lease| own.attrs.node.as_deref() == Some(settings.node.as_str()) && lives(own);
    let fits = |past: &AgentFile| same_store(past) && past.own.as_ref().is_some_and(ours);
    let all = file::paths(&settings.run_dir, netns).ok()?;
    // One that cannot be read is no help, and no hindrance to the others.
    let readable = all.iter().filter_map(|path| file::read(path).ok().flatten());
    readable.filter(fits).max_by_key(|past| past.written_at)
}

fn device_of(conf: &NetConf, vxlan: &VxlanConf) -> Result<IfName, Failure> {
    let first = vxlan::devices(conf, vxlan).next();
    first.map(|d| d.name).ok_or_else(|| Failure::found("none defined stack"))
}

/// flannel's line; `Port` is shown as configured.
fn vxlan_line(config: &str, vxlan: &VxlanConf) {
    let port = serde_json::from_str::<serde_json::Value>(config)
        .ok()
        .and_then(|v| v.pointer("/Backend/Port").and_then(serde_json::Value::as_u64))
        .unwrap_or_default();
    let VxlanConf { vni, port: _, mtu: _, gbp, learning, direct_routing } = vxlan;
    tracing::info!(
        "VXLAN config: VNI={vni} Port={port} GBP={gbp} Learning={learning} DirectRouting={direct_routing}"
    );
}

fn manager_name(settings: &Settings, previous: &SubnetEnv) -> String {
    let previous = previous.previous().map_or("None".to_owned(), |s| s.cidrs());
    match &settings.store {
        StoreChoice::Etcd(_) => format!("Etcd Local Manager with Previous Subnet: {previous}"),
        StoreChoice::Dir(path) => format!("Directory {} with Previous Subnet: {previous}", path.display()),
    }
}

/// Without CAP_NET_ADMIN every change would be refused one by one; better to say it once.
fn may_write_kernel() -> Result<(), Failure> {
    const CAP_NET_ADMIN: u64 = 1 << 12;
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|l| l.strip_prefix("CapEff:"));
    let bits = effective.and_then(|t| u64::from_str_radix(t.trim(), 16).ok()).unwrap_or(u64::MAX);
    if bits & CAP_NET_ADMIN != 0 {
        return Ok(());
    }
    Err(Failure::unreadable("changing devices and routes needs CAP_NET_ADMIN")
        .hint("start it as root, grant the capability in the service unit, or try `flanctl lab demo`"))
}
