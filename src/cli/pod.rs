//! Which pod a user means: a process, a namespace, a lab's pod, a container or a sandbox by name or by the beginning
//! of its id. Several that fit are listed, never chosen from.

use std::os::unix::fs::MetadataExt;

use crate::error::Failure;
use crate::kernel::{exec, processes};
use crate::lab::manifest;
use crate::state::Pod;

/// Fewer characters of an id fit too many.
const SHORTEST_ID: usize = 4;

/// Programs that know the first process of a container by its name, and how they are asked; the last word is the name.
const RUNTIMES: &[(&str, &[&str])] = &[
    ("docker", &["inspect", "--format", "{{.State.Pid}}"]),
    ("podman", &["inspect", "--format", "{{.State.Pid}}"]),
    ("nerdctl", &["inspect", "--format", "{{.State.Pid}}"]),
    ("crictl", &["inspectp", "--output", "go-template", "--template", "{{.info.pid}}"]),
    ("crictl", &["inspect", "--output", "go-template", "--template", "{{.info.pid}}"]),
];

/// The pod that `name` means. `live` is the inode of the node's namespace if this machine can be asked; a snapshot's
/// pods go by what it says of them.
pub fn resolve<'a>(pods: &'a [Pod], name: &str, live: Option<u64>) -> Result<&'a Pod, Failure> {
    match *fitting(pods, name) {
        [one] => return Ok(one),
        [] => {}
        ref several => {
            let several: Vec<String> = several.iter().map(|pod| told(pod)).collect();
            return Err(Failure::usage(format!("{name} means several pods: {}", several.join("; ")))
                .hint("name one by its namespace or a process: --pod PID"));
        }
    }
    let inode = live.and_then(|_| inode(name));
    if inode.is_some() && inode == live {
        return Err(Failure::usage(format!("{name} is in the node's own network namespace"))
            .hint("leave --pod out: the packet starts on the host"));
    }
    pods.iter().find(|pod| inode == Some(pod.inode)).ok_or_else(|| none(pods, name, inode.is_some()))
}

fn none(pods: &[Pod], name: &str, exists: bool) -> Failure {
    let failure = if exists {
        Failure::unreadable(format!("{name} has a network namespace, but no veth of this node leads there"))
    } else {
        Failure::unreadable(format!("no pod {name} behind a veth of this node"))
    };
    let known: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    failure.hint(if known.is_empty() {
        "no namespace was found behind this node's veths; other users' need root".to_owned()
    } else {
        format!("there are: {}", known.join(", "))
    })
}

/// The pods that `name` fits, by the first way in which any does: its name or another that it goes by, a process, the
/// last part of a name (`web-0` of `prod/web-0`), the beginning of an id.
fn fitting<'a>(pods: &'a [Pod], name: &str) -> Vec<&'a Pod> {
    let names = |pod: &'a Pod| std::iter::once(&pod.name).chain(&pod.aliases);
    let process = format!("pid {name}");
    let id = name.len() >= SHORTEST_ID && name.chars().all(|c| c.is_ascii_hexdigit());
    let ways: [&dyn Fn(&str) -> bool; 4] = [
        &|known| known == name,
        &|known| known == process,
        &|known| !known.starts_with('/') && known.rsplit_once('/').is_some_and(|(_, last)| last == name),
        &|known| id && known.len() == 64 && known.starts_with(name),
    ];
    let found = ways.iter().map(|way| pods.iter().filter(|pod| names(pod).any(|known| way(known))).collect());
    found.into_iter().find(|found: &Vec<_>| !found.is_empty()).unwrap_or_default()
}

/// A pod and what else it goes by, for a list.
fn told(pod: &Pod) -> String {
    let more: Vec<&str> = pod.aliases.iter().take(2).map(String::as_str).collect();
    if more.is_empty() { pod.name.clone() } else { format!("{} ({})", pod.name, more.join(", ")) }
}

/// The namespace of a process, of a path, or of a container that only its runtime knows.
fn inode(name: &str) -> Option<u64> {
    let ino = |path: &std::path::Path| std::fs::metadata(path).ok().map(|seen| seen.ino());
    if name.contains('/') && std::path::Path::new(name).exists() {
        return ino(std::path::Path::new(name));
    }
    if let Ok(pid) = name.parse() {
        return ino(&processes::netns_file(pid));
    }
    // A name that begins with a dash would be a flag.
    let asked = RUNTIMES.iter().filter(|_| !name.starts_with('-')).find_map(|(program, args)| {
        let line: Vec<&str> = args.iter().copied().chain([name]).collect();
        let left = exec::run(program, &line, "").ok().filter(|left| left.fine)?;
        left.out.trim().parse::<u32>().ok().filter(|pid| *pid > 0)
    });
    ino(&processes::netns_file(asked?))
}

/// Gives the pods of labs the names that the lab has for them: `pod1`, `node1/pod1`.
pub fn name_lab_pods(pods: &mut [Pod]) {
    for (_, home) in manifest::homes() {
        let Ok(manifest) = home.manifest() else { continue };
        for node in manifest.shape.layout().nodes {
            if let Some(pod) = pods.iter_mut().find(|pod| pod.name == node.pod_netns) {
                pod.aliases.insert(0, node.pod.clone());
                pod.aliases.insert(1, format!("{}/{}", node.name, node.pod));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::resolve;
    use crate::state::Pod;

    fn pods() -> Vec<Pod> {
        let id = |c: char| c.to_string().repeat(64);
        let pod = |name: &str, aliases: &[&str]| Pod {
            name: name.to_owned(),
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            ..Pod::default()
        };
        vec![
            pod("prod/web-0", &["cni-1", &id('a'), "pid 70", "/run/netns/cni-1"]),
            pod("test/web-0", &["cni-2", &format!("aaaa{}", "b".repeat(60)), "pid 71"]),
            pod("blue", &["pid 72", "/run/netns/blue"]),
        ]
    }

    #[test]
    fn a_pod_goes_by_many_names() {
        let pods = pods();
        for (name, want) in [
            ("prod/web-0", "prod/web-0"),
            ("cni-2", "test/web-0"),
            ("71", "test/web-0"),
            ("aaaaa", "prod/web-0"),
            ("aaaab", "test/web-0"),
            ("/run/netns/blue", "blue"),
            ("blue", "blue"),
        ] {
            assert_eq!(resolve(&pods, name, None).unwrap().name, want, "{name}");
        }
    }

    #[test]
    fn what_fits_several_is_listed_and_what_fits_none_is_told() {
        let pods = pods();
        for (name, want) in [
            ("web-0", "web-0 means several pods: prod/web-0 (cni-1, aaaa"),
            ("aaaa", "aaaa means several pods"),
            ("aaa", "no pod aaa behind a veth of this node"),
            ("green", "no pod green"),
        ] {
            let failure = resolve(&pods, name, None).unwrap_err();
            assert!(failure.chain().starts_with(want), "{name}: {}", failure.chain());
        }
        assert!(
            resolve(&pods, "green", None).unwrap_err().hint.unwrap().contains("prod/web-0, test/web-0, blue")
        );
    }

    #[test]
    fn a_process_of_the_node_itself_is_no_pod() {
        let own = std::fs::metadata("/proc/self/ns/net").unwrap();
        let own = std::os::unix::fs::MetadataExt::ino(&own);
        let failure = resolve(&pods(), &std::process::id().to_string(), Some(own)).unwrap_err();
        assert!(failure.chain().contains("node's own network namespace"), "{}", failure.chain());
    }
}
