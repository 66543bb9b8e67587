//! A pod's own firewall: the rules of its namespace, on what it sends and on what it gets.

use super::local::End;
use super::walls::{self, word};
use super::{Mark, Walk};
use crate::finding::filter::{self, At, Traffic};
use crate::firewall::{AddrType, Conn, Hook, Packet, Verdict as Fate, walk};

impl Walk<'_> {
    /// The rules that the pod's packet meets before it leaves by the pair.
    pub(super) fn pod_sends(&mut self, end: &End<'_>) {
        self.pod_hooks(end, At::Output, [Hook::Output, Hook::Postrouting]);
    }

    /// The rules that a packet meets once it came in by the pair.
    pub(super) fn pod_takes(&mut self, end: &End<'_>) {
        self.pod_hooks(end, At::Input, [Hook::Prerouting, Hook::Input]);
    }

    /// Where they were read; a pod's own table may drop the packet, or send it to somebody inside.
    fn pod_hooks(&mut self, end: &End<'_>, at: At, hooks: [Hook; 2]) {
        let (Some(rules), Some(src)) = (&end.pod.state.firewall, self.src) else { return };
        let command = end.inside("nft list ruleset");
        if rules.tables.is_empty() && rules.unseen.is_empty() {
            self.pass("pod-firewall", format!("{} has no rules of its own", end.pod.name), command);
            return;
        }
        let dst = self.query.dst;
        let (leaves, dev) = (at == At::Output, Some(end.dev));
        let own = if leaves { src } else { dst };
        let mut packet = Packet {
            src_type: Some(if leaves { AddrType::Local } else { AddrType::Unicast }),
            dst_type: Some(if leaves { AddrType::Unicast } else { AddrType::Local }),
            own: Some(own),
            mark: 0,
            conn: Conn { reply: Some(self.role.reply), ..Conn::default() },
            ..self.packet(src, dev.filter(|_| !leaves), dev.filter(|_| leaves))
        };
        let mut told = Vec::new();
        for hook in hooks {
            let outcome = walk(rules, hook, &packet);
            told.extend(outcome.matched.iter().map(walls::line));
            match (&outcome.verdict, outcome.by.as_ref()) {
                (Fate::Accept, _) => {}
                (Fate::Unsure(what), _) => {
                    let why = format!("{}'s {} depends on {}", end.pod.name, word(hook), what.join(", "));
                    return self.unseen("pod-firewall", &why, &command);
                }
                (Fate::Drop | Fate::Reject(_), Some(by)) => {
                    let traffic = Traffic::Pair(src, dst);
                    let how = end.how();
                    let name = &end.pod.name;
                    let finding = filter::inside(self.host(), name, (at, traffic), by, how.as_deref());
                    let verdict = walls::fate(&outcome.verdict);
                    return self.fail("pod-firewall", walls::line(by), finding, verdict);
                }
                (Fate::Drop | Fate::Reject(_), None) => {}
            }
            if (outcome.packet.src, outcome.packet.dst) != (packet.src, packet.dst) {
                let (src, dst) = (outcome.packet.src, outcome.packet.dst);
                let why = format!("rules inside {} make it a packet from {src} to {dst}", end.pod.name);
                return self.unseen("pod-firewall", &why, &command);
            }
            packet = outcome.packet;
        }
        if !rules.unseen.is_empty() {
            let why = rules.unseen.join("; ");
            return self.unseen("pod-firewall", &why, &command);
        }
        let [first, second] = hooks.map(word);
        let object = format!("{first} and {second} of {} accept", end.pod.name);
        self.step("pod-firewall", Mark::Ok, object, command).more = told;
    }
}
