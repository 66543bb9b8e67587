//! What a container is called: its id from the cgroup of a process, its names from the files of its runtime.
//! No runtime is asked, and of its files only names are kept.

#![expect(clippy::disallowed_methods, reason = "runtimes keep files")]

use std::path::Path;

use serde_json::Value;

/// Length of a container's id.
const ID: usize = 64;

/// Where runtimes keep what they know of one container, below the root; `ID` stands for its id, `*` for any folder.
const FILES: &[(&str, &[&str])] = &[
    ("var/lib/docker/containers/ID/config.v2.json", &["Name"]),
    (
        "run/containerd/io.containerd.runtime.v2.task/*/ID/config.json",
        &[
            "annotations/io.kubernetes.cri.sandbox-namespace+io.kubernetes.cri.sandbox-name",
            "annotations/nerdctl~1name",
        ],
    ),
    (
        "run/containers/storage/overlay-containers/ID/userdata/config.json",
        &[
            "annotations/io.kubernetes.pod.namespace+io.kubernetes.pod.name",
            "annotations/io.podman.annotations.container-name",
        ],
    ),
];

/// Podman's list of all containers.
const PODMAN: &str = "var/lib/containers/storage/overlay-containers/containers.json";

/// The container id in a cgroup file: `0::/system.slice/docker-ID.scope`, `…/kubepods/…/cri-containerd-ID.scope`,
/// `/docker/ID`, `…/libpod-ID.scope`. The innermost, where containers are nested.
pub(super) fn container(cgroup: &str) -> Option<&str> {
    let hex = |c: char| !c.is_ascii_hexdigit();
    cgroup.split(hex).rfind(|run| run.len() == ID)
}

/// True for a name that nobody chose: `cni-` and a UUID, a hash.
pub(super) fn drawn(name: &str) -> bool {
    let uuid = name.strip_prefix("cni-").unwrap_or(name);
    uuid.len() >= 12 && uuid.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// What the runtimes below `root` call a container.
pub(super) fn of(root: &Path, id: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (place, keys) in FILES {
        for file in spread(root, &place.replace("ID", id)) {
            let Some(json) = json(&file) else { continue };
            names.extend(keys.iter().filter_map(|key| named(&json, key)));
        }
    }
    if let Some(Value::Array(all)) = json(&root.join(PODMAN)) {
        let ours = all.iter().filter(|one| one.get("id").and_then(Value::as_str) == Some(id));
        let given = ours.filter_map(|one| one.get("names")?.as_array()).flatten();
        names.extend(given.filter_map(Value::as_str).map(str::to_owned));
    }
    names
}

/// The paths that a pattern with one `*` stands for.
fn spread(root: &Path, place: &str) -> Vec<std::path::PathBuf> {
    let Some((dir, rest)) = place.split_once("/*/") else { return vec![root.join(place)] };
    let entries = std::fs::read_dir(root.join(dir)).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join(rest)).collect()
}

fn json(file: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// `key`, `object/key`, or `object/key+key`, joined by a slash; a slash inside a key is `~1`.
fn named(json: &Value, key: &str) -> Option<String> {
    let (inside, keys) = match key.split_once('/') {
        Some((object, keys)) => (json.get(object)?, keys),
        None => (json, key),
    };
    let parts: Option<Vec<&str>> =
        keys.split('+').map(|key| inside.get(key.replace("~1", "/"))?.as_str()).collect();
    let name = parts?.join("/");
    Some(name.trim_start_matches('/').to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{container, drawn, of};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_id_is_found_in_the_cgroup_of_every_runtime() {
        for line in [
            format!("0::/system.slice/docker-{ID}.scope\n"),
            format!("12:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}\n"),
            format!("0::/kubepods.slice/kubepods-pod2f3a_77.slice/cri-containerd-{ID}.scope\n"),
            format!("0::/kubepods/besteffort/pod2f3a/crio-{ID}.scope/container\n"),
            format!("0::/machine.slice/libpod-{ID}.scope/container\n"),
        ] {
            assert_eq!(container(&line), Some(ID), "{line}");
        }
        assert_eq!(container("0::/user.slice/user-0.slice/session-1.scope\n"), None);
    }

    #[test]
    fn names_that_nobody_chose_are_known() {
        for (name, want) in [
            ("cni-5f4dcc3b-5aa7-65d6-1d83-27deb882cf99", true),
            ("8f14e45fceea", true),
            ("lab-pod1", false),
            ("blue", false),
            ("deadbeef", false),
        ] {
            assert_eq!(drawn(name), want, "{name}");
        }
    }

    #[test]
    fn only_names_are_taken_from_a_runtimes_files() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path.replace("ID", ID));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "var/lib/docker/containers/ID/config.v2.json",
            r#"{"Name":"/web","Config":{"Env":["TOKEN=hunter2"]}}"#,
        );
        write(
            "run/containerd/io.containerd.runtime.v2.task/k8s.io/ID/config.json",
            r#"{"annotations":{"io.kubernetes.cri.sandbox-name":"db-0","io.kubernetes.cri.sandbox-namespace":"prod"}}"#,
        );
        write(
            "run/containers/storage/overlay-containers/ID/userdata/config.json",
            r#"{"annotations":{"io.kubernetes.pod.name":"half"}}"#,
        );
        let list = format!(r#"[{{"id":"{ID}","names":["cache"]}},{{"id":"77","names":["other"]}}]"#);
        write("var/lib/containers/storage/overlay-containers/containers.json", &list);
        assert_eq!(of(root.path(), ID), ["web", "prod/db-0", "cache"]);
        assert_eq!(of(root.path(), &ID.replace('0', "1")), Vec::<String>::new());
        write("var/lib/docker/containers/ID/config.v2.json", "{ cut");
        assert_eq!(of(root.path(), ID), ["prod/db-0", "cache"]);
    }
}
