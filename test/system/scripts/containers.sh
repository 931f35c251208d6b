#!/bin/sh
# Stops and starts a container; one of policy "system" refuses.
#   containers.sh SOCKET CONTAINER SYSTEM_CONTAINER
set -eu
socket=$1 name=$2 system=$3
pv() { pvcontrol -s "$socket" "$@"; }

status_of() { pv ls | tr '{' '\n' | sed -n "s/^\"name\":\"$1\".*\"status\":\"\([A-Z]*\)\".*/\1/p"; }
await() {
  n=0
  until [ "$(status_of "$name")" = "$1" ]; do
    n=$((n + 1)); [ "$n" -lt 60 ] || { echo "$name is $(status_of "$name"), not $1"; exit 1; }
    sleep 1
  done
}

await STARTED
out=$(pv containers stop "$name"); [ -z "$out" ]
await STOPPED
pv container ls | grep -q "\"name\":\"$name\".*\"user_stopped\":\"true\""
pv containers start "$name"
await STARTED
pv containers restart "$name"
sleep 1
await STARTED

rc=0; error=$(pv containers stop "$system" 2>&1) || rc=$?
[ "$rc" -eq 255 ]
[ "$error" = "{\"Error\":\"Container has restart_policy 'system' and cannot be controlled via API\"}" ]
rc=0; pv containers start nobody 2>/dev/null || rc=$?
[ "$rc" -eq 255 ]
pv groups ls | grep -q '"name":"app"'
echo "containers work"
