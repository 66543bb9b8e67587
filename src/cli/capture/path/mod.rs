//! `--path`: one packet at every device of its way through this node. Opens the devices, reads them side by side, and
//! writes what the pairing makes of it.

mod counts;
mod filter;
mod points;

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use counts::Counts;
use filter::{Filter, in_kernel};
use points::Plan;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::consume;
use super::flags::Flags;
use super::{annotates, leases, names};
use crate::capture::inner;
use crate::capture::json::Records;
use crate::capture::nodes::{Nodes, addresses};
use crate::capture::packet::Link;
use crate::capture::pairing::order::Order;
use crate::capture::pairing::record::{Fate, Record};
use crate::capture::pairing::table::Table;
use crate::capture::pairing::words::Words;
use crate::capture::pairing::{Point, Stage};
use crate::capture::text::Out;
use crate::cli::look::now;
use crate::error::{Failure, exit};
use crate::kernel::netns::{self, InNetns};
use crate::tap::live::{How, Tap, wait};
use crate::tap::shed::shed;

/// Bytes of each packet: the headers of both packets, and enough of the payload to know it again.
const SNAPLEN: u32 = 512;

/// The kernel's buffer of a device, and of a pod's veth, of which there may be many.
const BUFFER: u32 = 4 << 20;
const BUFFER_POD: u32 = 1 << 20;

/// Packets that are under way at most.
const MOST: usize = 16_384;

/// Packets that wait for their turn at most.
const WAITING: usize = 16_384;

/// Packets that are taken from one device before the others have their turn.
const TURN: usize = 256;

/// Nanoseconds between a packet's stamp and the moment at which its device shows it.
const SLACK: i64 = 3_000_000;

/// What was told.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    told: u64,
    lost: u64,
    unsure: u64,
    /// From where to where the last that was lost on its way out.
    last: Option<(IpAddr, IpAddr)>,
}

/// Follows packets until `-c`, a signal, or the end of a device.
pub fn run(flags: &Flags, expr: &str) -> Result<u8, Failure> {
    let look = leases::tables(flags, leases::WITH_PODS)?;
    let only = match &flags.pod {
        Some(name) => {
            let live = flags.netns.is_none().then(|| netns::inode().ok()).flatten();
            Some(leases::named(&look.snapshot.pods, name, live)?)
        }
        None => None,
    };
    let plan = points::plan(&look, only)?;
    let mut flags = flags.clone();
    flags.print.tunnels.add(&leases::ports(leases::devices(&look).iter().map(|(_, line)| line)));
    let nodes = leases::nodes(&look);
    let filter = Filter::new(&flags, expr, &nodes, &plan)?;
    let inside = match &flags.netns {
        Some(name) => Some(InNetns::enter(name).map_err(|e| {
            Failure::found(format!("network namespace {name}")).because(e).hint("see `ip netns list`")
        })?),
        None => None,
    };
    let taps = plan.points.iter().map(|point| open(point, &flags, &plan)).collect::<Result<Vec<Tap>, _>>()?;
    let counts = Counts::open(clock(), &plan.points);
    let words = words(&flags, &nodes);
    drop(inside);
    told(&flags, &plan);
    shed(flags.user.as_deref(), false)?;
    let Plan { points, scope, .. } = plan;
    let live = (0..points.len()).collect();
    let table = Table::new(points, scope, flags.timeout.saturating_mul(1_000_000), MOST);
    let walk = Walk {
        flags: &flags,
        filter,
        taps,
        live,
        dropped: Vec::new(),
        begin: clock(),
        order: Order::default(),
        table,
        counts,
        words,
        tally: Tally::default(),
        out: Out::default(),
        to: consume::stdout(),
    };
    walk.follow()
}

/// Nanoseconds since 1970: the clock by which the kernel stamps packets.
fn clock() -> i64 {
    let since = now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

fn open(point: &Point, flags: &Flags, plan: &Plan) -> Result<Tap, Failure> {
    let buffer = if point.stage == Stage::Pod { BUFFER_POD } else { BUFFER };
    let how = How {
        snaplen: SNAPLEN,
        buffer: flags.buffer.or(Some(buffer)),
        // A promiscuous bridge hands itself what it only forwards.
        promiscuous: false,
        immediate: true,
        nano: true,
        direction: None,
        link: None,
        // One clock for all of them.
        stamp: None,
    };
    let mut tap = Tap::open(&point.dev, &how)?;
    tap.filter(&in_kernel(point, flags, plan), flags.optimize)?;
    Ok(tap)
}

fn words(flags: &Flags, nodes: &Nodes) -> Words {
    let mut names = names(flags);
    if annotates(flags) {
        names.nodes = nodes.clone();
    }
    let nano = flags.print.nano;
    let mut print = flags.print.clone();
    // The lines of one header are one line here.
    print.one_line = true;
    Words::new(consume::printer(print, names), Records { nodes: nodes.clone(), nano, ..Records::default() })
}

/// Says what is watched.
fn told(flags: &Flags, plan: &Plan) {
    if flags.quiet {
        return;
    }
    let named = |point: &Point| match &point.pod {
        Some(pod) => format!("{} ({pod})", point.dev),
        None => point.dev.clone(),
    };
    let all: Vec<String> = plan.points.iter().map(named).collect();
    if let Some(pods) = plan.crowd {
        consume::remark(&format!("flanctl: {pods} pods are too many to watch each: name one with --pod"));
    }
    consume::remark(&format!("flanctl: following packets at {}", all.join(", ")));
}

/// Everything that following takes.
struct Walk<'a> {
    flags: &'a Flags,
    filter: Filter,
    taps: Vec<Tap>,
    /// The point of each tap.
    live: Vec<usize>,
    /// What each tap had dropped when it was last asked.
    dropped: Vec<u64>,
    /// What was on its way before all devices were open is not followed.
    begin: i64,
    order: Order,
    table: Table,
    counts: Counts,
    words: Words,
    tally: Tally,
    out: Out,
    to: Box<dyn Write>,
}

impl Walk<'_> {
    fn follow(mut self) -> Result<u8, Failure> {
        let (stop, tell) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        for (signal, flag) in [(SIGINT, &stop), (SIGTERM, &stop), (SIGHUP, &stop), (SIGUSR1, &tell)] {
            signal_hook::flag::register(signal, Arc::clone(flag))
                .map_err(|e| Failure::found("signals").because(e))?;
        }
        let mut ended = Ok(());
        while !stop.load(Ordering::Relaxed) && !self.is_over() {
            if let Err(failure) = self.turn() {
                ended = Err(failure);
                break;
            }
            if tell.swap(false, Ordering::Relaxed) {
                self.summary();
            }
        }
        self.summary();
        ended.map(|()| exit::FINE)
    }

    fn is_over(&self) -> bool {
        self.flags.count.is_some_and(|count| self.tally.told >= count)
    }

    /// Every device has its turn; then what is certain is told.
    fn turn(&mut self) -> Result<(), Failure> {
        let begun = clock();
        let (mut upto, mut any) = (begun.saturating_sub(SLACK), false);
        let mut place = 0;
        while let Some(point) = self.live.get(place).copied() {
            match self.read(place, point) {
                Ok((read, last)) => {
                    any |= read > 0;
                    // More may wait behind what was read.
                    upto = if read == TURN { upto.min(last) } else { upto };
                    place += 1;
                }
                Err(failure) => self.lose(place, point, failure)?,
            }
        }
        // Past that, order gives way: what is certain does not.
        let due = if self.order.len() > WAITING { i64::MAX } else { upto };
        while let Some(sighting) = self.order.next(due) {
            self.table.take(sighting);
        }
        self.counts.sample(clock(), self.table.points());
        self.missed();
        self.tell(upto)?;
        if !any {
            // What is under way becomes certain by the clock alone.
            wait(&self.taps, if self.table.size() + self.order.len() > 0 { 10 } else { 100 });
        }
        Ok(())
    }

    /// Packets of one device, and the stamp of the last.
    fn read(&mut self, place: usize, point: usize) -> Result<(usize, i64), Failure> {
        let (Some(tap), Some(known)) = (self.taps.get_mut(place), self.table.points().get(point)) else {
            return Ok((0, 0));
        };
        let link = tap.link;
        let mut last = 0;
        for read in 0..TURN {
            let Some(seen) = tap.take()? else { return Ok((read, last)) };
            let at = seen.sec.saturating_mul(1_000_000_000).saturating_add(seen.frac.into());
            last = at;
            let packet = seen.packet(link, 0);
            let sighting =
                if at < self.begin { None } else { self.filter.sighting(&packet, at, point, known) };
            if let Some(sighting) = sighting {
                let inward = self.table.scope().ends_here(sighting.seen.ends.dst);
                self.order.push(sighting, known.stage, inward);
            }
        }
        Ok((TURN, last))
    }

    /// A device is gone: a pod of several may go, and no other.
    fn lose(&mut self, place: usize, point: usize, failure: Failure) -> Result<(), Failure> {
        let dev = self.table.points().get(point).map(|known| (known.dev.clone(), known.stage));
        match dev {
            Some((dev, Stage::Pod)) if self.flags.pod.is_none() => {
                consume::remark(&format!(
                    "flanctl: {dev} is gone; its pod's packets are followed without it"
                ));
                self.table.gone(point);
                self.taps.remove(place);
                self.live.remove(place);
                self.dropped.clear();
                Ok(())
            }
            Some((dev, _)) => {
                Err(Failure::found(format!("{dev} cannot be watched any more")).because(failure))
            }
            None => Err(failure),
        }
    }

    /// What a device's buffer had no room for is not lost.
    fn missed(&mut self) {
        let now = clock();
        let counts: Vec<u64> = self.taps.iter_mut().map(|tap| tap.counts().dropped).collect();
        for ((point, count), before) in self.live.iter().zip(&counts).zip(&self.dropped) {
            if count > before {
                self.table.missed(*point, now);
            }
        }
        self.dropped = counts;
    }

    fn tell(&mut self, upto: i64) -> Result<(), Failure> {
        let mut records: Vec<Record> = Vec::new();
        self.table.tick(upto, |record| records.push(record));
        if records.is_empty() {
            return Ok(());
        }
        self.out.clear();
        for mut record in records {
            if self.is_over() {
                break;
            }
            self.counts.explain(&mut record, self.table.points(), clock());
            self.tally.told += 1;
            match record.fate {
                Fate::Through => {}
                Fate::Lost(_) => {
                    self.tally.lost += 1;
                    self.tally.last = ends(&record).or(self.tally.last);
                }
                Fate::Unsure(_) => self.tally.unsure += 1,
            }
            let points = self.table.points();
            if self.flags.json {
                self.words.json(self.tally.told, &record, points, &mut self.out);
            } else {
                self.words.text(self.tally.told, &record, points, &mut self.out);
            }
        }
        self.to.write_all(self.out.bytes()).and_then(|()| self.to.flush()).map_err(consume::unwritten)
    }

    /// What was told, and what was not.
    fn summary(&self) {
        if self.flags.quiet {
            return;
        }
        let Tally { told, lost, unsure, last } = self.tally;
        let mut parts = vec![
            format!("{told} packet{} followed", if told == 1 { "" } else { "s" }),
            format!("{lost} lost"),
        ];
        for (count, what) in [
            (unsure, "not certain"),
            (self.table.under_way() as u64, "still under way"),
            (self.table.forgotten(), "given up: too many at once"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        consume::remark(&format!("flanctl: {}", parts.join(", ")));
        if let Some((src, dst)) = last {
            let place = self.flags.netns.as_ref().map(|name| format!("--netns {name} ")).unwrap_or_default();
            let trace = format!("flanctl trace {place}--from {src} {dst}");
            consume::remark(&format!("hint: {trace} says what such a packet meets"));
        }
    }
}

/// From where to where a packet goes, if it goes out.
fn ends(record: &Record) -> Option<(IpAddr, IpAddr)> {
    let ip = inner::ip(Link::RAW, &record.bytes).ok().filter(|_| !record.inward)?;
    Some(addresses(ip.ends))
}
