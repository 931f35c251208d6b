#!/bin/sh
# User and device metadata, as setup scripts of products handle them.
set -eu
socket=$1
pv() { pvcontrol -s "$socket" "$@"; }

pv usrmeta save my.key 'value with blanks and "quotes"'
pv usrmeta ls | grep -qF '"my.key":"value with blanks and \"quotes\""'
pv usrmeta save my.json '{"a":[1,2]}'
pv usrmeta list | grep -qF '"my.json":{"a":[1,2]}'
pv usrmeta delete my.key
pv usrmeta delete my.json

# Deleting what is not there, and saving nothing, are errors with a code of 255 and the reason on stderr.
rc=0; error=$(pv usrmeta delete my.key 2>&1 >/dev/null) || rc=$?
[ "$rc" -eq 255 ] && [ "$error" = '{"Error":"User meta does not exist"}' ]
rc=0; pv devmeta save nothing 2>/dev/null || rc=$?
[ "$rc" -eq 255 ]

pv devmeta upload my.state ready
case $(pv devmeta ls) in
  *'"my.state":"ready"'*) ;;
  *) echo "not there"; exit 1 ;;
esac
pv devmeta delete my.state
! pv devmeta ls | grep -q my.state
echo "metadata works"
