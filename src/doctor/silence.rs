//! Why a peer does not answer: what was found already that keeps it from it, or how far its packets got. Decides over
//! thousands of silent peers, so that each is asked for in an index.

use std::collections::BTreeMap;

use super::{Ground, Report, Word, underlay};
use crate::finding::{Finding, Level, filter, model};
use crate::readings::Peer;

/// Codes that are about one peer at a time say nothing of the others.
const ONE_PEER: [&str; 7] = ["route.", "neigh.", "fdb.", "peer.", "outer.", "lease.", "remote."];

/// The errors of an examination, by the words in them.
#[derive(Debug)]
pub struct Known<'a> {
    errors: Vec<&'a Finding>,
    /// The first error that speaks of a word.
    words: BTreeMap<&'a str, usize>,
    /// The first one on a node.
    nodes: BTreeMap<&'a str, usize>,
    /// The first one that is about the node as a whole.
    whole: Option<usize>,
}

impl<'a> Known<'a> {
    /// Of these findings, worst first.
    pub fn of(findings: &'a [Finding]) -> Self {
        let errors: Vec<&Finding> = findings.iter().filter(|finding| finding.level == Level::Error).collect();
        let (mut words, mut nodes) = (BTreeMap::new(), BTreeMap::new());
        for (place, finding) in errors.iter().enumerate() {
            let texts = std::iter::once(&finding.cause).chain(&finding.evidence);
            for word in texts.flat_map(|text| split(text)) {
                words.entry(word).or_insert(place);
                words.entry(word.trim_end_matches(['.', ':'])).or_insert(place);
            }
            nodes.entry(finding.node.as_str()).or_insert(place);
        }
        let is_whole = |finding: &&Finding| {
            !ONE_PEER.iter().any(|family| finding.code.starts_with(family))
                || matches!(finding.code, "outer.down" | "outer.filtered")
        };
        let whole = errors.iter().position(is_whole);
        Self { errors, words, nodes, whole }
    }

    /// What keeps this peer from answering: the first that names it, else the worst that is about the whole node.
    pub fn why(&self, peer: &Peer) -> Option<&'a Finding> {
        let (net, public) = (peer.net.to_string(), peer.public.to_string());
        let names = [peer.node.as_str(), &net, &public];
        let named =
            names.iter().filter_map(|name| self.words.get(name)).chain(self.nodes.get(peer.node.as_str()));
        let place = named.min().copied().or(self.whole)?;
        self.errors.get(place).copied()
    }
}

/// The words of a text that may be a name, an address or a net.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '/');
    text.split(move |c: char| !word(c)).filter(|part| !part.is_empty())
}

/// What is to be said of a silent peer that nothing here explains; `looked_at` if its own snapshot explains nothing,
/// either. Only what is known to have left can have been lost between the nodes.
pub fn unexplained(ground: &Ground<'_>, report: &Report, peer: &Peer, looked_at: bool) -> (Finding, String) {
    let node = ground.node();
    if ground.is_direct(peer) {
        let cause = format!("nothing comes back by the direct route to {}", peer.node);
        return (model::lost(node, peer.gateway(), &cause, &[]), "no answer by the direct route".to_owned());
    }
    let port = ground.vxlan().map_or(8472, |conf| conf.port);
    let fine = |id: &str| report.answers.iter().any(|said| said.id == id && said.answer == Word::Fine);
    let open = fine("firewall.seen") && fine("firewall.tunnel");
    let why = match underlay::leaves(ground, peer.public) {
        Some(dev) if open => {
            let lost = filter::between(node, &peer.node, peer.public, port, looked_at);
            let told = format!("outer.filtered: UDP {port} left by {dev}, none came back: a security group?");
            return (lost, told);
        }
        Some(_) => format!("whether a firewall here drops UDP {port} was not seen"),
        None => format!("whether UDP {port} left for {} was not seen", peer.public),
    };
    let told = format!("no answer: {why}");
    (model::lost(node, peer.gateway(), &why, &[]), told)
}
