#!/bin/sh
# A daemon and a look into its container "web", with cgroups laid out in one way. In a mount namespace of its own.
#   layout.sh v1|hybrid|v2 DIRECTORY     with DIRECTORY/incoming/app.tgz
set -eu
layout=$1 directory=$2
case $layout in
  v2) umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup ;;
  v1) umount /sys/fs/cgroup/unified ;;
esac
pv() { pvcontrol -s "$directory/run/pv-ctrl" "$@"; }

PV_SYSTEM_INIT_MODE=appengine PV_STORAGE_MNTPOINT=$directory/storage PV_SYSTEM_RUNDIR=$directory/run \
  PV_WATCH_DIR=$directory/incoming PV_UPDATER_REBOOT=0 pantavisor run >"$directory/daemon.log" 2>&1 &
daemon=$!
trap 'kill $daemon; wait $daemon || true' EXIT
n=0
until pv ls 2>/dev/null | grep -q '"status":"STARTED"'; do
  n=$((n + 1)); [ "$n" -lt 200 ] || { cat "$directory/daemon.log"; exit 1; }
  sleep 0.1
done

rc=0; pv enter web 'exit 42' || rc=$?
echo "exit $rc"
pv enter web 'ask GET /containers'
pv enter web 'cat /proc/self/cgroup' | sed 's/^/cgroup /'
pv --json top
