//! Numbers of the kernel's interface that rows carry as they are.

/// Neighbour states, `include/uapi/linux/neighbour.h`.
pub mod nud {
    /// Resolution under way.
    pub const INCOMPLETE: u16 = 0x01;
    /// Confirmed.
    pub const REACHABLE: u16 = 0x02;
    /// Not confirmed lately.
    pub const STALE: u16 = 0x04;
    /// Waiting before a probe.
    pub const DELAY: u16 = 0x08;
    /// Probing.
    pub const PROBE: u16 = 0x10;
    /// Resolution failed.
    pub const FAILED: u16 = 0x20;
    /// Needs no resolution (also: a static bridge entry).
    pub const NOARP: u16 = 0x40;
    /// Never expires.
    pub const PERMANENT: u16 = 0x80;
}

/// Routing table numbers, `include/uapi/linux/rtnetlink.h`.
pub mod table {
    /// The main table, where flannel's routes live.
    pub const MAIN: u32 = 254;
    /// Addresses of this host.
    pub const LOCAL: u32 = 255;
}

/// Route protocol numbers.
pub mod proto {
    /// Written by the kernel itself.
    pub const KERNEL: u8 = 2;
    /// What flannel's routes carry.
    pub const BOOT: u8 = 3;
    /// Written by an administrator.
    pub const STATIC: u8 = 4;
    /// Ours: on routes outside our own device and on nexthop objects. Unassigned in iproute2's rt_protos.
    pub const FLANCTL: u8 = 142;
}
