#!/bin/sh
# Replaces one app of the state that runs, and takes another one out.
#   transaction.sh SOCKET FILE.tgz PART
set -eu
socket=$1 file=$2 part=$3
pv() { pvcontrol -s "$socket" "$@"; }
tx() { pvtx -s "$socket" "$@"; }

rc=0; tx add "$file" 2>/dev/null || rc=$?
[ "$rc" -eq 1 ]
tx begin current
tx add - <"$file"
tx remove "$part"
tx show >state.json
rc=0; tx begin 2>/dev/null || rc=$?
[ "$rc" -eq 255 ]
revision=$(tx commit)
rc=0; tx show 2>/dev/null || rc=$?
[ "$rc" -eq 11 ]
case $revision in locals/pvtx-*) ;; *) echo "odd name $revision"; exit 1 ;; esac
pv steps get "$revision" | cmp - state.json

n=0
until pv cmd run "$revision" 2>/dev/null; do
  [ $? -eq 75 ] && [ "$n" -lt 30 ] || exit 1
  n=$((n + 1)); sleep 1
done
n=0
until pv steps show-progress "$revision" | grep -q '"status":"DONE"'; do
  n=$((n + 1)); [ "$n" -lt 60 ] || { pv steps show-progress "$revision"; exit 1; }
  sleep 1
done
echo "runs $revision"
