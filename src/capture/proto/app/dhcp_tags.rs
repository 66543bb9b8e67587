//! DHCP's options: their names, and how the value of each is written.

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    /// Text in quotes.
    Text,
    /// IPv4 addresses.
    Addresses,
    /// Pairs of IPv4 addresses.
    Pairs,
    /// Numbers of four bytes.
    Longs,
    /// Numbers of four bytes with a sign.
    Signed,
    /// Numbers of two bytes.
    Shorts,
    /// Bytes with dots between.
    Bytes,
    /// Y or N.
    Truths,
    /// In a way of its own.
    Own,
    /// By its length.
    Unknown,
}

use As::{
    Addresses as I, Bytes as B, Longs as L, Own as O, Pairs as P, Shorts as S, Signed, Text as A, Truths as T,
};

#[rustfmt::skip]
static TAGS: &[(u8, As, &str)] = &[
    (0, B, "PAD"), (1, I, "Subnet-Mask"), (2, Signed, "Time-Zone"), (3, I, "Default-Gateway"), (4, I, "Time-Server"),
    (5, I, "IEN-Name-Server"), (6, I, "Domain-Name-Server"), (7, I, "LOG"), (8, I, "CS"), (9, I, "LPR-Server"),
    (10, I, "IM"), (11, I, "RL"), (12, A, "Hostname"), (13, S, "BS"), (14, A, "DP"), (15, A, "Domain-Name"),
    (16, I, "SS"), (17, A, "RP"), (18, A, "EP"), (19, T, "IPF"), (20, T, "SRT"), (21, P, "PF"), (22, S, "RSZ"),
    (23, B, "TTL"), (24, L, "MTU-Timeout"), (25, S, "MTU-Table"), (26, S, "MTU"), (27, T, "LSN"), (28, I, "BR"),
    (29, T, "MD"), (30, T, "MS"), (31, T, "Router-Discovery"), (32, I, "RSA"), (33, P, "Static-Route"), (34, T, "UT"),
    (35, L, "AT"), (36, T, "IE"), (37, B, "TT"), (38, L, "KI"), (39, T, "KG"), (40, A, "YD"), (41, I, "YS"),
    (42, I, "NTP"), (43, B, "Vendor-Option"), (44, I, "Netbios-Name-Server"), (45, I, "WDD"), (46, O, "Netbios-Node"),
    (47, A, "Netbios-Scope"), (48, I, "XFS"), (49, I, "XDM"), (50, I, "Requested-IP"), (51, L, "Lease-Time"),
    (52, O, "OO"), (53, B, "DHCP-Message"), (54, I, "Server-ID"), (55, B, "Parameter-Request"), (56, A, "MSG"),
    (57, S, "MSZ"), (58, L, "RN"), (59, L, "RB"), (60, A, "Vendor-Class"), (61, O, "Client-ID"), (64, S, "N+D"),
    (65, I, "N+S"), (66, A, "TFTP"), (67, A, "BF"), (68, I, "MH"), (69, I, "SMTP"), (70, I, "POP3"), (71, I, "NNTP"),
    (72, I, "WWW"), (73, I, "FG"), (74, I, "IRC"), (75, I, "STS"), (76, I, "STDA"), (77, O, "User-Class"),
    (78, B, "SLP-DA"), (79, B, "SLP-SCOPE"), (80, A, "SLP-NA"), (81, O, "FQDN"), (82, O, "Agent-Information"),
    (83, B, "ARMT"), (88, A, "TZSTR"), (89, B, "FQDNS"), (90, B, "AUTH"), (91, L, "Last-Transaction-Time"),
    (92, I, "Associated-IP"), (93, S, "ARCH"), (94, B, "NDI"), (95, A, "LDAP"), (97, B, "GUID"), (98, A, "UAP"),
    (100, A, "POSIX-TZ"), (101, A, "TZ-Name"), (112, I, "NI"), (113, A, "NITAG"), (114, A, "URL"), (116, T, "NOAUTO"),
    (117, S, "NSSEARCH"), (118, I, "SUBNET"), (121, O, "Classless-Static-Route"), (150, I, "TFTP-Server-Address"),
    (161, A, "MUD-URL"), (249, O, "Classless-Static-Route-Microsoft"), (255, B, "END"),
];

/// The option's name and form; `new` for what only the newer tcpdump knows.
pub(super) fn tag(number: u8, new: bool) -> (As, &'static str) {
    if number == 108 && new {
        return (L, "IPv6-Only-Preferred");
    }
    if number == 91 && !new {
        return (Signed, "Last-Transaction-Time");
    }
    match TAGS.binary_search_by_key(&number, |(tag, ..)| *tag).ok().and_then(|at| TAGS.get(at)) {
        Some((_, form, name)) => (*form, name),
        None => (As::Unknown, "Unknown"),
    }
}

/// The kind of message that option 53 names.
pub(super) fn message(number: u8, new: bool) -> Option<&'static str> {
    Some(match number {
        1 => "Discover",
        2 => "Offer",
        3 => "Request",
        4 => "Decline",
        5 => "ACK",
        6 => "NACK",
        7 => "Release",
        8 => "Inform",
        9 if new => "ForceRenew",
        10 => "LeaseQuery",
        11 => "LeaseUnassigned",
        12 => "LeaseUnknown",
        13 => "LeaseActive",
        _ => return None,
    })
}
