//! What every printer is given: the options, the names, and the few things that outlive one packet.

use super::names::Names;
use super::proto::tcp_seq::Connections;

/// Whose text is printed, to the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Compat {
    /// Debian 12's tcpdump 4.99.3.
    V499,
    /// tcpdump 5.0.
    V50,
    /// tcpdump 5.0's text with what an overlay operator wants besides.
    #[default]
    Ours,
}

/// What stands before each line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Time {
    /// The time of day.
    #[default]
    Day,
    /// Nothing.
    None,
    /// Seconds since 1970.
    Unix,
    /// Since the line before.
    SincePrevious,
    /// Date and time of day.
    Date,
    /// Since the first line.
    SinceFirst,
}

/// What a UDP or TCP payload is, whatever its ports say: `-T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the word behind -T")]
pub enum Force {
    Aodv,
    Carp,
    Cnfp,
    Domain,
    Lmp,
    Pgm,
    PgmZmtp1,
    Ptp,
    Quic,
    Radius,
    Resp,
    Rpc,
    Rtcp,
    Rtp,
    Snmp,
    Someip,
    Tftp,
    Vat,
    Vxlan,
    Wb,
    Zmtp1,
}

/// The UDP ports behind which a tunnel is expected, as destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tunnels {
    /// VXLAN.
    pub vxlan: Vec<u16>,
    /// OTV, which is how an older tcpdump reads 8472.
    pub otv: Vec<u16>,
    /// VXLAN-GPE.
    pub gpe: Vec<u16>,
    /// Geneve.
    pub geneve: Vec<u16>,
    /// flannel's UDP backend: a bare IP packet.
    pub bare: Vec<u16>,
    /// WireGuard, either end.
    pub wireguard: Vec<u16>,
}

impl Tunnels {
    /// The well-known ports, as `compat` reads them.
    pub fn known(compat: Compat) -> Self {
        let old = compat == Compat::V499;
        let ours = compat == Compat::Ours;
        Self {
            vxlan: if old { vec![4789] } else { vec![4789, 8472] },
            otv: if old { vec![8472] } else { Vec::new() },
            gpe: vec![4790],
            geneve: vec![6081],
            bare: if ours { vec![8285] } else { Vec::new() },
            wireguard: if ours { vec![51820] } else { Vec::new() },
        }
    }

    /// Adds ports of VXLAN devices to those that are known anyway.
    pub fn add(&mut self, ports: &[u16]) {
        for port in ports {
            if !self.vxlan.contains(port) && !self.otv.contains(port) {
                self.vxlan.push(*port);
            }
        }
    }
}

/// The flags that change text.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "one a flag of the command line")]
pub struct Opts {
    /// Whose text.
    pub compat: Compat,
    /// `-v`, how often.
    pub v: u8,
    /// `-n`: no names.
    pub n: bool,
    /// `-N`: no domains behind names.
    pub short_names: bool,
    /// `-e`: the link header.
    pub e: bool,
    /// `-q`, how often.
    pub q: u8,
    /// `-S`: absolute sequence numbers.
    pub absolute: bool,
    /// `-K`: checksums are not looked at.
    pub no_sums: bool,
    /// `-g`: the IPv4 header of -v stays on its line.
    pub one_line: bool,
    /// `-u`: NFS handles undecoded.
    pub u: bool,
    /// `-#`: the packet's number.
    pub number: bool,
    /// `--lengths`.
    pub lengths: bool,
    /// The time before a line.
    pub time: Time,
    /// Fractions are nanoseconds.
    pub nano: bool,
    /// `-x`, how often.
    pub x: u8,
    /// `-X`, how often.
    pub xx: u8,
    /// `-A`, how often.
    pub a: u8,
    /// `-T`.
    pub force: Option<Force>,
    /// Ports of tunnels.
    pub tunnels: Tunnels,
}

impl Opts {
    /// No flag given.
    pub fn new(compat: Compat) -> Self {
        Self {
            compat,
            v: 0,
            n: false,
            short_names: false,
            e: false,
            q: 0,
            absolute: false,
            no_sums: false,
            one_line: false,
            u: false,
            number: false,
            lengths: false,
            time: Time::Day,
            nano: false,
            x: 0,
            xx: 0,
            a: 0,
            force: None,
            tunnels: Tunnels::known(compat),
        }
    }
}

/// What a printer is given beside its bytes.
#[derive(Debug)]
pub struct Cx {
    /// The flags.
    pub o: Opts,
    /// The protocol that ` [|proto]` names, set by each printer as it begins.
    pub proto: &'static str,
    /// Names of hosts, ports and interfaces.
    pub names: Names,
    /// Relative sequence numbers.
    pub tcp: Connections,
    /// How many packets lie around the one being printed.
    pub depth: u8,
    /// Length of the link header, for -x; stays 0 if the bytes ended within the packet.
    pub link_len: usize,
}

impl Cx {
    /// Ready for the first packet.
    pub fn new(o: Opts, names: Names) -> Self {
        Self { o, proto: "", names, tcp: Connections::default(), depth: 0, link_len: 0 }
    }

    /// True if text is tcpdump 5.0's or ours.
    #[inline(always)]
    pub fn v50(&self) -> bool {
        self.o.compat != Compat::V499
    }

    /// True if addresses and ports are numbers, with nothing behind them.
    #[inline(always)]
    pub fn plain(&self) -> bool {
        self.o.n && self.names.nodes.0.is_empty()
    }

    /// True if our own additions are wanted.
    #[inline(always)]
    pub fn ours(&self) -> bool {
        self.o.compat == Compat::Ours
    }
}
