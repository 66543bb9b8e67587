#!/bin/sh
# Stands in for the agent where a test is about the lab itself: a fixed subnet by the node's number, a vxlan
# device, and entries for every peer that has left its address in the store.
# STAND_IN=hang never gets a lease, =fail ends at once.
[ "$STAND_IN" = fail ] && { echo "no such store"; exit 7; }
[ "$STAND_IN" = hang ] && { echo "waiting for the store"; exec sleep 600; }
while [ $# -gt 0 ]; do
    case $1 in
    --subnet-file) subnet_file=$2 ;;
    --public-ip) public=$2 ;;
    esac
    shift
done
me=${NODE_NAME#node}
store=${subnet_file%/*}/../store/nodes
mac() { printf '0e:00:00:00:00:%02x' "$1"; }
own=$(ip -4 -o addr show dev eth0 | sed 's|.* inet \([0-9.]*\)/.*|\1|')
ip link add flannel.1 mtu 1450 address "$(mac "$me")" type vxlan id 1 local "$own" dev eth0 dstport 8472 nolearning
ip addr add "10.244.$me.0/32" dev flannel.1
ip link set flannel.1 up
mkdir -p "$store"
echo "${public:-$own}" >"$store/.$me"
mv "$store/.$me" "$store/$me"
printf 'FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.%s.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n' "$me" >"$subnet_file.new"
mv "$subnet_file.new" "$subnet_file"
while sleep 0.05; do
    for peer in "$store"/*; do
        peer=${peer##*/}
        [ "$peer" = "$me" ] && continue
        bridge fdb replace "$(mac "$peer")" dev flannel.1 dst "$(cat "$store/$peer")" self permanent
        ip neigh replace "10.244.$peer.0" lladdr "$(mac "$peer")" dev flannel.1 nud permanent
        ip route replace "10.244.$peer.0/24" via "10.244.$peer.0" dev flannel.1 onlink
    done
done
