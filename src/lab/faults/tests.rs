//! The table's own rules.

use std::collections::BTreeSet;

use super::{Mend, all, find, nearest};

#[test]
fn names_are_unique_words_and_every_fault_says_what_it_is() {
    let names: BTreeSet<&str> = all().map(|fault| fault.id).collect();
    assert_eq!(names.len(), all().count());
    for fault in all() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
        assert!(fault.id.chars().all(plain), "{}", fault.id);
        assert!(!fault.about.is_empty() && !fault.about.ends_with('.'), "{}", fault.id);
        assert!(!fault.lines.is_empty(), "{}", fault.id);
        assert!(!fault.trace.is_empty() || !fault.doctor.is_empty(), "{} is seen by nobody", fault.id);
        if let Mend::Nothing(why) = fault.mend {
            assert!(!why.is_empty(), "{}", fault.id);
        }
    }
}

#[test]
fn a_mistyped_name_finds_what_was_meant() {
    for (typed, want) in [
        ("route.mising", "route.missing"),
        ("fdb-wrong", "fdb.wrong"),
        ("vtep.bounce", "vtep.bounced"),
        ("forward", "forward.off"),
    ] {
        assert!(nearest(typed, all().map(|f| f.id)).contains(&want), "{typed}");
    }
    assert!(nearest("xyzzy", all().map(|f| f.id)).is_empty());
    assert!(find("route.missing").is_some() && find("route").is_none());
}
