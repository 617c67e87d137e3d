#!/bin/sh
# Runs a command in a network, a process tree and mounts of its own: what it starts and sets up ends with it, and no packet finds a
# way out. Who may not have them runs it as it is: then no pod runs, and the tests say so.
alone="unshare --net --pid --mount --mount-proc --fork --kill-child"
if ! command -v ip >/dev/null || ! $alone true 2>/dev/null; then exec "$@"; fi
TMPDIR=$(mktemp -d) && export TMPDIR
# Only from here are its mounts gone; places that programs of a node know by name were hidden from them.
trap 'rm -rf --one-file-system "$TMPDIR"; rmdir /var/lib/kubelet 2>/dev/null' EXIT
trap 'exit 130' INT TERM HUP # a run that is broken off tidies up as well
mkdir -p /var/lib/kubelet
$alone sh -c 'ip link set lo up && for place in /run /var/log /var/lib/kubelet; do mount -t tmpfs none $place; done && "$@"; exit $?' alone "$@"
