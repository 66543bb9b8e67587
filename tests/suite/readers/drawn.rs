//! A packet's path as graphviz text and as a picture.

use super::{golden, run, text};

/// Where a healthy packet and one without a route go, drawn.
#[test]
fn a_path_is_drawn_for_graphviz_and_as_a_picture() {
    for form in ["dot", "svg"] {
        golden("trace", "path", form, &["10.5.2.3"]);
        golden("trace", "path", form, &["10.5.7.3"]);
    }
}

#[test]
fn only_a_path_can_be_drawn() {
    for verb in ["route", "fdb", "arp", "lease", "doctor"] {
        let output = run(&["-o", "svg", verb]);
        assert_eq!(output.status.code(), Some(2), "{verb}");
        assert_eq!(text(&output.stdout), "", "{verb}");
        assert!(text(&output.stderr).contains("draw a packet's path: trace alone"), "{verb}");
    }
}
