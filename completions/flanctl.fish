# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_flanctl_global_optspecs
    string join \n o/output= color= netns= h/help V/version
end

function __fish_flanctl_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_flanctl_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_flanctl_using_subcommand
    set -l cmd (__fish_flanctl_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c flanctl -n "__fish_flanctl_needs_command" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_needs_command" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_needs_command" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_needs_command" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_needs_command" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "run" -d 'The node agent: takes a lease and keeps the kernel as the leases say'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "capture" -d 'Packets, decoded as tcpdump does, that know the overlay'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "lab" -d 'A whole cluster in network namespaces on this machine'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "lease" -d 'The leases and the network config in the store'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "route" -d 'The overlay\'s routes, each beside its lease'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "fdb" -d 'The overlay\'s device and forwarding entries, each beside its lease'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "arp" -d 'The overlay\'s neighbours, each beside its lease'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "trace" -d 'Follows one packet: rules, routes, firewall, tunnel, underlay, the other node'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "snapshot" -d 'This node\'s tables, leases and facts in one file, to look at elsewhere'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "doctor" -d 'What is wrong with this node, and the command that mends it'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "docs" -d 'Writes the man pages and the shell completions'
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l iface -d 'Interface to use for traffic between hosts: an address or a name. Repeatable; the first that exists is taken' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l iface-regex -d 'Pattern matched against the addresses, then the names, of all interfaces. Repeatable; tried after --iface' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l iface-can-reach -d 'Use the interface by which the kernel would reach this address; tried last' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l public-ip -d 'IPv4 address that other nodes reach this one at; alone, it also selects the interface' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l public-ipv6 -d 'IPv6 address that other nodes reach this one at; alone, it also selects the interface' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l subnet-file -d 'File that tells container runtimes this node\'s subnet and MTU [default: /run/flannel/subnet.env]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l subnet-lease-renew-margin -d 'Renew the lease this many minutes before it ends, 1 to 1439 [default: 60]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l ip-masq -d 'Masquerade traffic that leaves the overlay' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l ip-masq-fully-random-disable -d 'Do not randomise the source ports of masqueraded connections fully' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l iptables-forward-rules -d 'Accept overlay traffic in the forward chain [default: true]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l iptables-resync -d 'Seconds between two checks of the firewall rules [default: 5]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l ip-blackhole-route -d 'Keep a blackhole route for the node\'s own subnet (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l kube-subnet-mgr -d 'Keep leases in Kubernetes\' node objects (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l kube-api-url -d 'URL of the Kubernetes API server (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l kubeconfig-file -d 'kubeconfig file (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l kube-annotation-prefix -d 'Prefix of the node annotations (not built yet) [default: flannel.alpha.coreos.com]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l net-config-path -d 'Network config file of the Kubernetes mode (not built yet) [default: /etc/kube-flannel/net-conf.json]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l set-node-network-unavailable -d 'Clear NetworkUnavailable once ready; of no effect without Kubernetes' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l healthz-ip -d 'Address of the health server; of no effect while --healthz-port is 0 [default: 0.0.0.0]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l healthz-port -d 'Port of the health server, 0 for none (others are not built yet) [default: 0]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -s v -l v -d 'Verbosity: 0 says what happens, 1 to 3 why, more every message [default: 0]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l vmodule -d 'Accepted for flanneld\'s sake, does nothing: there is no verbosity by source file here' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l log_backtrace_at -d 'Accepted for flanneld\'s sake, does nothing: no stack trace is logged at a source line' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l log-format -d 'How log lines look [default: text]' -r -f -a "text\t'Time, level, message'
glog\t'klog\'s `I0102 15:04:05.000000 pid file:line] message`, as flanneld writes'
json\t'One JSON object a line'"
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l run-dir -d 'Directory of the agent\'s state files [default: /run/flannel, or FLANCTL_RUN_DIR]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l dry-run -d 'Print what would be done to the kernel, do nothing' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l once -d 'Apply one full round and end' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l takeover -d 'Adopt the device and the lease that another agent on this node holds' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s i -l interface -d 'Capture on this interface, or on any; may be repeated [default: the uplink, tunnel ports only]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s r -l read -d 'Read packets from a file (pcap or pcapng, also packed by gzip or zstd), - for standard input' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s w -l write -d 'Write packets to a file, - for standard output; pcapng if its name ends in .pcapng' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s c -l packets -d 'End after so many packets' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l inner -d 'Only packets whose inner packet matches: the filter language, and vni N, node NAME' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s o -l output -d 'One JSON object a packet instead of text; with --flows, json is one document' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l netns -d 'Capture in this network namespace' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l pod -d 'Capture in the namespace of this pod; with --path, follow its packets alone' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l compat -d 'Print what that tcpdump prints, to the byte' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s B -l buffer-size -d 'The kernel\'s buffer' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s C -d 'Begin another file after so many millions of bytes (k, m, g: KiB, MiB, GiB)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s F -d 'Take the filter from a file' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s G -d 'Begin another file every so many seconds; the name is strftime\'s' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s j -l time-stamp-type -d 'Who stamps the packets' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l max-flows -d 'Flows that --flows remembers; the longest idle goes [default: 10000]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l print-sampling -d 'Print every Nth packet' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s Q -l direction -d 'Only packets that come in, or that go out' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s s -l snapshot-length -d 'Bytes of each packet [default: 262144]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l skip -d 'Pass over so many packets first' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l time-stamp-precision -d 'Digits of times' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l timeout -d 'With --path: how long a packet may take before it is told as lost [default: 1000]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s T -d 'Take payloads for this: domain, vxlan, radius, rpc, rtp, rtcp, snmp, tftp, …' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s V -d 'Read the files that are listed in this one' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s W -d 'How many files -C and -G write' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s y -l linktype -d 'The link type to capture with' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s z -d 'Run this on each file that is complete' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s Z -l relinquish-privileges -d 'Become this user once everything is open' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l color -d 'When to colour the text; NO_COLOR is honoured' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s n -d 'Numbers instead of names of hosts and ports'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s e -l link -d 'Print the link header, outer and inner'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s v -l verbose -d 'More of each header; repeat for still more'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s q -l quick -d 'Less of each packet; tunnels stay closed'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l path -d 'Follow each packet through this node: a line a packet, with its time at the pod\'s veth, the bridge, the tunnel and the uplink, or where it was lost'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l flows -d 'Instead of packets a table of their flows: bytes each way, retransmissions, round trips, ICMP errors'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s t -d 'No time; -tt seconds since 1970, -ttt since the line before, -tttt with the date, -ttttt since the first line'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s x -d 'Print the packet in hex; -xx with its link header'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s X -d 'Print the packet in hex and ASCII; -XX with its link header'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s D -l list-interfaces -d 'List the interfaces'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s A -d 'Print the packet in ASCII; -AA with its link header'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s b -d 'AS numbers with dots'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l count -d 'Print only how many packets there are'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s d -d 'Print the compiled filter; -dd as C, -ddd as numbers'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s f -d 'Foreign addresses as numbers'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s g -l ip-oneline -d 'Keep the IPv4 header of -v on its line'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l immediate-mode -d 'Take each packet as it comes; so it is on a terminal'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s K -l dont-verify-checksums -d 'Leave checksums alone'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s l -d 'Write each line as it is made'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s L -l list-data-link-types -d 'List the interface\'s link types'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l lengths -d 'Print captured and original length'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s N -d 'No domain behind host names'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s # -l number -d 'Number the packets'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s O -l no-optimize -d 'Compile the filter as it stands'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s p -l no-promiscuous-mode -d 'Only what the interface takes anyway'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l print -d 'Print also with -w'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l quiet -d 'No remarks on standard error'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s S -l absolute-tcp-sequence-numbers -d 'TCP sequence numbers as they are'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l micro -d 'Six digits of times'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l nano -d 'Nine digits of times'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s u -d 'NFS handles as they are'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s U -l packet-buffered -d 'Write each packet as it comes'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l pcapng -d 'Write pcapng, with interfaces, leases and drop counts'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -l no-annotate -d 'No node names behind addresses on a terminal'
complete -c flanctl -n "__fish_flanctl_using_subcommand capture" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -f -a "up" -d 'Make a lab: nodes, pods, a switch between them, one agent a node'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -f -a "down" -d 'Remove a lab, whole or half made'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -f -a "list" -d 'The labs of this machine: nodes, agents, subnets'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -f -a "exec" -d 'Run a command inside a node (node1), a pod (pod1), or the world outside (world)'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -f -a "break" -d 'Break a node, to see what it looks like and what finds it'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -f -a "heal" -d 'Take back what is broken, on every node'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -f -a "demo" -d 'Make a lab, ping every pod from every pod, show node1\'s tables, remove the lab'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -f -a "launch" -d 'Becomes an agent, inside its namespace'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and not __fish_seen_subcommand_from up down list exec break heal demo launch relay" -f -a "relay" -d 'Carries the nodes\' connections to an etcd outside'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -l name -d 'Name of the lab, and prefix of its namespaces' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -l nodes -d 'How many nodes' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -l segments -d 'How many L2 segments the nodes alternate over; two are joined by a router' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -l config -d 'A net-conf.json instead of the lab\'s own (10.244.0.0/16, vxlan)' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -l store -d 'Where the leases live: a directory of the lab, or an etcd outside (under a prefix of the lab\'s own)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -l nat -d 'Put each node behind a 1:1 NAT of its own, as most clouds do'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -l ipv6 -d 'IPv6 beside IPv4'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from up" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from down" -l name -d 'Name of the lab' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from down" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from down" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from down" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from down" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from down" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from list" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from list" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from list" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from exec" -l name -d 'Name of the lab' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from exec" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from exec" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from exec" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from exec" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from exec" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from break" -l name -d 'Name of the lab' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from break" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from break" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from break" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from break" -l list -d 'Show the faults there are'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from break" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from break" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from heal" -l name -d 'Name of the lab' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from heal" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from heal" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from heal" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from heal" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from heal" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -l name -d 'Name of the lab, and prefix of its namespaces' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -l nodes -d 'How many nodes' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -l segments -d 'How many L2 segments the nodes alternate over; two are joined by a router' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -l config -d 'A net-conf.json instead of the lab\'s own (10.244.0.0/16, vxlan)' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -l store -d 'Where the leases live: a directory of the lab, or an etcd outside (under a prefix of the lab\'s own)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -l nat -d 'Put each node behind a 1:1 NAT of its own, as most clouds do'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -l ipv6 -d 'IPv6 beside IPv4'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from demo" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from launch" -l into -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from launch" -l pid-file -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from launch" -l die-with -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from launch" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from launch" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from launch" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from launch" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from launch" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from relay" -l into -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from relay" -l listen -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from relay" -l to -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from relay" -l pid-file -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from relay" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from relay" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from relay" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from relay" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab; and __fish_seen_subcommand_from relay" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l snapshot -d 'Read a snapshot file instead of a store' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -s q -l quiet -d 'No remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "list" -d 'Every lease; this is what happens without a word, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "show" -d 'One lease: by its subnet, by any address in it, by its node\'s address or name'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "watch" -d 'Tells of leases as they come and go, until interrupted'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "release" -d 'Gives a lease back, for a node that is gone'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "config" -d 'The network config'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l snapshot -d 'Read a snapshot file instead of a store' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s q -l quiet -d 'No remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of a store' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l snapshot -d 'Read a snapshot file instead of a store' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l snapshot -d 'Read a snapshot file instead of a store' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l yes -d 'Although the node may be alive (its lease has more than an hour left)'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l snapshot -d 'Read a snapshot file instead of a store' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -f -a "get" -d 'Prints it as it stands in the store'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -f -a "set" -d 'Checks it, then writes it'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -f -a "show" -d 'Shows the table; this is what happens without a word, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l dev -d 'The ports of this bridge, and the pod behind each, instead of the overlay\'s device' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -f -a "show" -d 'Shows the table; this is what happens without a word, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l dev -d 'The ports of this bridge, and the pod behind each, instead of the overlay\'s device' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -f -a "show" -d 'Shows the table; this is what happens without a word, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l pod -d 'The pod that it starts in: a process, a namespace, a container or sandbox, a lab\'s pod' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l from -d 'Its source: a pod\'s starts in that pod, another that is not this host\'s comes in from outside [default: as the kernel chooses]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l iif -d 'The device that it comes in by [default: the one that leads back to the source]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l proto -d 'icmp, tcp, udp or a number [default: icmp; tcp if a port is given]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l sport -d 'Source port' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l dport -d 'Destination port' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l size -d 'Bytes of the IP packet' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l mark -d 'Firewall mark' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l peer -d 'The other node\'s side and the way back, too: its snapshot as a file, ssh:HOST, or a lab node\'s namespace (may be given again)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l expect -d 'Exit 0 if this code or verdict (or verdict:code) comes out, else 1' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l resolve -d 'Ask the resolver for DST where it is a name'
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l df -d 'The packet must not be fragmented: the default, as where the kernel finds out the path\'s MTU'
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l no-df -d 'The packet may be fragmented, as where the path\'s MTU is not looked for (ping -M dont)'
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l live -d 'Send one real echo request, and say where the kernel was seen to pass or drop it (tracefs; needs root); from a pod with --pod, not with --from'
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l strict -d 'Exit 1 also if a stage was not seen'
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -l minimal -d 'Verdict and codes alone, on one line'
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -s v -l verbose -d 'Say also what almost matched, and what to type to see it'
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand trace" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l map -d 'Write here what stands for what; a map that is there already is gone by, so that two nodes\' snapshots fit' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -l redact -d 'Put other addresses, MACs and names in place of the real ones, so that every verdict stays'
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand snapshot" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l store -d 'Where leases live: `dir:PATH`, `etcd` (the default) or `kube` (not built yet)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l etcd-endpoints -d 'etcd endpoints, comma-separated [default: http://127.0.0.1:4001,http://127.0.0.1:2379]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l etcd-prefix -d 'Root of all keys in etcd [default: /coreos.com/network]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l etcd-keyfile -d 'Private key of the TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l etcd-certfile -d 'TLS client certificate (PEM)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l etcd-cafile -d 'Certificate authority that signs etcd\'s certificate (PEM) [default: the system\'s]' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l etcd-username -d 'User name for etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l etcd-password -d 'Password for etcd; FLANNELD_ETCD_PASSWORD keeps it out of the process list' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l only -d 'Mend this code alone, whoever\'s it is (may be given again)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l peer -d 'Another node, whose side is then seen too: its snapshot as a file, ssh:HOST, or a lab node\'s namespace (may be given again)' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l fix -d 'Mend what is flannel\'s own, show each operation, and look again'
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -l peers -d 'Ping every node through the tunnel, and measure the largest packet that passes'
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -s v -l verbose -d 'Say every check\'s question and answer, and every finding in full'
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -s q -l quiet -d 'Codes and causes alone, nothing where nothing is wrong'
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand doctor" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -f -a "man" -d 'One page a verb'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -f -a "completions" -d 'For bash, zsh, fish, elvish and powershell'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from man" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from man" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from man" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from man" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from man" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from completions" -s o -l output -d 'How to write the answer; wide has every column, json is one document (or one a line where records stream); trace draws its path with dot and svg' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'
dot\t'A path in graphviz\'s language'
svg\t'A path as a picture'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from completions" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from completions" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from completions" -s h -l help -d 'Print help'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from completions" -s V -l version -d 'Print version'
