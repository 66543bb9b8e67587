//! Repairs that a trace prints: of the row that is in the way, and of no other.

use super::kinds::node;
use crate::state::Rule;
use crate::trace::{Query, trace};

#[test]
fn a_rule_that_refuses_the_outer_packet_is_what_goes() {
    let mut node = node();
    let to = "192.168.50.12/32".parse().ok();
    let refuses = Rule { priority: 100, to, action: 8, ..Rule::default() };
    node.state.rules.insert(1, refuses.clone());
    let fix = |node: &crate::snapshot::Snapshot| {
        let path = trace(node, &Query::to("10.5.2.3".parse().unwrap()));
        let finding = path.findings.iter().find(|finding| finding.code == "outer.noroute").unwrap();
        finding.fix.as_ref().unwrap().command.clone()
    };
    assert_eq!(fix(&node), "ip rule del pref 100");
    let other = Rule { iif: Some("eth7".to_owned()), table: 7, action: 1, to: None, ..refuses };
    node.state.rules.insert(1, other);
    assert_eq!(fix(&node), "ip rule del pref 100 from all to 192.168.50.12/32 type prohibit");
}
