#!/bin/sh
# Objects from files and from a pipe, and a revision put together by hand.
#   objects.sh SOCKET DIRECTORY
set -eu
socket=$1 directory=$2
pv() { pvcontrol -s "$socket" "$@"; }
cd "$directory"

head -c 300000 /dev/urandom >blob
sha=$(sha256sum blob | cut -d' ' -f1)
size=$(wc -c <blob | tr -d ' ')

# From a pipe, whose size has to be told.
cat blob | pv objects put "-$size" "$sha"
pv objects ls | grep -q "\"sha256\":\"$sha\",\"size\":\"$size\""
pv objects put blob "$sha" # again: it is there
pv objects get "$sha" >copy && cmp blob copy
pv -f copy2 objects get "$sha" && cmp blob copy2

# Content that is not what its name says.
echo other >other
wrong=$(echo another | sha256sum | cut -d' ' -f1)
rc=0; error=$(pv objects put other "$wrong" 2>&1) || rc=$?
[ "$rc" -eq 60 ]
[ "$error" = '{"Error":"Object has bad checksum"}' ]
rc=0; pv objects put other short 2>/dev/null || rc=$?
[ "$rc" -eq 255 ]
# What is missing is told on stdout, and is no failure.
[ "$(pv objects get "$wrong")" = '{"Error":"Request has bad object name"}' ]

printf '{"#spec":"pantavisor-service-system@1","README.md":"%s"}' "$sha" >state.json
pv -m 'by hand' steps put state.json locals/by-hand
pv steps get locals/by-hand >state.copy
printf '%s\n' "$(cat state.json)" | cmp - state.copy
pv steps show-progress locals/by-hand | grep -q '"status":"NEW"'
echo '{"no":"state"' >bad.json
rc=0; error=$(pv steps put bad.json locals/bad 2>&1) || rc=$?
[ "$rc" -eq 255 ]
[ "$error" = '{"Error":"Parser: State JSON has bad format"}' ]
rc=0; pv steps get locals/bad 2>/dev/null || rc=$?
[ "$rc" -eq 255 ]
pv storage gc | grep -q '"reclaimed": *[0-9]'
echo "objects work"
