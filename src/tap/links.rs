//! Link types: their numbers in files, their names, and how the filter compiler numbers them.

/// A link type that has a name: number in files, name, what it is.
const LINKS: &[(u32, &str, &str)] = &[
    (0, "NULL", "BSD loopback"),
    (1, "EN10MB", "Ethernet"),
    (6, "IEEE802", "Token ring"),
    (7, "ARCNET", "BSD ARCNET"),
    (8, "SLIP", "SLIP"),
    (9, "PPP", "PPP"),
    (10, "FDDI", "FDDI"),
    (50, "PPP_SERIAL", "PPP over serial"),
    (51, "PPP_ETHER", "PPPoE"),
    (100, "ATM_RFC1483", "RFC1483 LLC-encapsulated ATM"),
    (101, "RAW", "Raw IP"),
    (104, "C_HDLC", "Cisco HDLC"),
    (105, "IEEE802_11", "802.11"),
    (107, "FRELAY", "Frame Relay"),
    (108, "LOOP", "OpenBSD loopback"),
    (113, "LINUX_SLL", "Linux cooked v1"),
    (117, "PFLOG", "OpenBSD pflog file"),
    (119, "PRISM_HEADER", "802.11 plus Prism header"),
    (127, "IEEE802_11_RADIO", "802.11 plus radiotap header"),
    (138, "APPLE_IP_OVER_IEEE1394", "Apple IP-over-IEEE 1394"),
    (143, "DOCSIS", "DOCSIS"),
    (166, "PPP_PPPD", "PPP for pppd, with direction flag"),
    (189, "USB_LINUX", "USB with Linux header"),
    (192, "PPI", "Per-Packet Information"),
    (195, "IEEE802_15_4", "IEEE 802.15.4 with FCS"),
    (220, "USB_LINUX_MMAPPED", "USB with padded Linux header"),
    (226, "IPNET", "Solaris ipnet"),
    (227, "CAN_SOCKETCAN", "CAN-bus with SocketCAN headers"),
    (228, "IPV4", "Raw IPv4"),
    (229, "IPV6", "Raw IPv6"),
    (231, "DBUS", "D-Bus"),
    (239, "NFLOG", "Linux netfilter log messages"),
    (240, "NETANALYZER", "Ethernet with Hilscher netANALYZER pseudo-header"),
    (253, "NETLINK", "Linux netlink"),
    (271, "VSOCK", "Linux vsock"),
    (276, "LINUX_SLL2", "Linux cooked v2"),
];

/// `EN10MB (Ethernet)`, or the bare number.
pub fn described(link: u32) -> String {
    match LINKS.iter().find(|(number, ..)| *number == link) {
        Some((_, name, what)) => format!("{name} ({what})"),
        None => link.to_string(),
    }
}

/// As `-L` lists it.
pub fn offered(link: u32) -> String {
    // libpcap offers it for every Ethernet; nobody prints it.
    let silent = if link == 143 { " (printing not supported)" } else { "" };
    format!("{}{silent}", described(link))
}

/// The name alone, if there is one.
pub fn name(link: u32) -> Option<&'static str> {
    LINKS.iter().find(|(number, ..)| *number == link).map(|(_, name, _)| *name)
}

/// The link type of a name, as `-y` gives it.
pub fn named(name: &str) -> Option<u32> {
    LINKS.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name)).map(|(number, ..)| *number)
}

/// The number that the running system uses for a link type of a file (`DLT_…`); they differ for a few.
pub const fn dlt(link: u32) -> i32 {
    match link {
        100 => 11,
        101 => 12,
        104 => 104,
        link => link.cast_signed(),
    }
}

/// The link type, as files number it, of the running system's number.
pub const fn of_dlt(dlt: i32) -> u32 {
    match dlt {
        11 => 100,
        12 | 14 => 101,
        dlt => dlt.cast_unsigned(),
    }
}
