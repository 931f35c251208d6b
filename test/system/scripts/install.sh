#!/bin/sh
# Installs an export and waits until it is the rollback point, trying again while the device is busy.
#   install.sh SOCKET FILE.tgz REVISION
set -u
socket=$1 file=$2 revision=$3

busy_retry() {
  tries=0
  while :; do
    "$@" && return 0
    rc=$?
    [ "$rc" -eq 75 ] || return "$rc"
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || return 75
    sleep 1
  done
}

field() { # of a flat JSON object, without jq
  sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"
}

answer=$(pvcontrol -s "$socket" -m "installed by a script" steps install "$file" "$revision") || exit 1
[ "$(echo "$answer" | field revision)" = "$revision" ] || { echo "unexpected answer: $answer"; exit 1; }

busy_retry pvcontrol -s "$socket" cmd run "$revision" || { echo "cannot run: $?"; exit 1; }

n=0
while [ "$n" -lt 60 ]; do
  progress=$(pvcontrol -s "$socket" steps show-progress "$revision") || exit 1
  case $(echo "$progress" | field status) in
    DONE | UPDATED) echo "installed $revision"; break ;;
    WONTGO | ERROR) echo "failed: $(echo "$progress" | field status-msg)"; exit 2 ;;
  esac
  n=$((n + 1))
  sleep 1
done

# It is listed with its message, and it is what runs.
pvcontrol -s "$socket" steps ls | grep -q "\"name\":\"$revision\", .*\"commitmsg\":\"installed by a script\"" || exit 3
pvcontrol -s "$socket" steps get current >/tmp/current.$$ || exit 4
pvcontrol -s "$socket" steps get "$revision" | cmp -s - /tmp/current.$$ || { rm -f /tmp/current.$$; exit 5; }
rm -f /tmp/current.$$
