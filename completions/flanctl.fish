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

complete -c flanctl -n "__fish_flanctl_needs_command" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_needs_command" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_needs_command" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_needs_command" -s V -l version -d 'Print version'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "run" -d 'The node agent: takes a lease and keeps the kernel as the leases say'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "lab" -d 'A whole cluster in network namespaces on this machine'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "lease" -d 'The leases and the network config in the store'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "route" -d 'The overlay\'s routes, each beside its lease'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "fdb" -d 'The overlay\'s device and forwarding entries, each beside its lease'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "arp" -d 'The overlay\'s neighbours, each beside its lease'
complete -c flanctl -n "__fish_flanctl_needs_command" -f -a "docs" -d 'Writes the man pages and the shell completions'
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lab" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lab" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lab" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "list" -d 'Every lease; this is what happens without a word, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "show" -d 'One lease: by its subnet, by any address in it, by its node\'s address or name'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "watch" -d 'Tells of leases as they come and go, until interrupted'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "release" -d 'Gives a lease back, for a node that is gone'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and not __fish_seen_subcommand_from list show watch release config" -f -a "config" -d 'The network config'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -l yes -d 'Although the node may be alive (its lease has more than an hour left)'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from release" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -f -a "get" -d 'Prints it as it stands in the store'
complete -c flanctl -n "__fish_flanctl_using_subcommand lease; and __fish_seen_subcommand_from config" -f -a "set" -d 'Checks it, then writes it'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and not __fish_seen_subcommand_from show" -f -a "show" -d 'Shows the table; this is what happens without a word, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand route; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and not __fish_seen_subcommand_from show" -f -a "show" -d 'Shows the table; this is what happens without a word, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand fdb; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and not __fish_seen_subcommand_from show" -f -a "show" -d 'Shows the table; this is what happens without a word, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l snapshot -d 'Read a snapshot file instead of this node' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l device -d 'The overlay device, where several agents run' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l run-dir -d 'Where running agents keep their state files [default: FLANCTL_RUN_DIR, else /run/flannel]' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l store -d 'dir:PATH, or etcd' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-endpoints -d 'A comma-separated list of etcd endpoints' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-prefix -d 'etcd prefix' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-keyfile -d 'Key file of the client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-certfile -d 'Client certificate' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-cafile -d 'Certificate authority of the servers' -r -F
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-username -d 'etcd user' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l etcd-password -d 'etcd password' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s a -l all -d 'Show the rest of the host\'s rows, too'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -l check -d 'Exit 1 if anything drifts'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Say also where the leases come from'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Only what drifts, and no remarks'
complete -c flanctl -n "__fish_flanctl_using_subcommand arp; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -f -a "man" -d 'One page a verb'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and not __fish_seen_subcommand_from man completions" -f -a "completions" -d 'For bash, zsh, fish, elvish and powershell'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from man" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from man" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from man" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from completions" -s o -l output -d 'How to write the answer' -r -f -a "text\t'A table'
wide\t'A table with every column'
json\t'One JSON document, or one a line where records stream'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from completions" -l color -d 'When to colour the text; NO_COLOR is honoured' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from completions" -l netns -d 'Look into, or run in, this network namespace: a name, a path or a process id' -r
complete -c flanctl -n "__fish_flanctl_using_subcommand docs; and __fish_seen_subcommand_from completions" -s h -l help -d 'Print help (see more with \'--help\')'
