#!/bin/sh
# What a script does when the device is full, and when nobody is there.
#   no-room.sh SOCKET DIRECTORY
set -u
socket=$1
cd "$2" || exit 1
echo something >object
pvcontrol -s "$socket" objects put object "$(sha256sum object | cut -d' ' -f1)" 2>error
case $? in
  48) echo "no space left on the device" ;;
  *) cat error; exit 1 ;;
esac
pvcontrol -s /nowhere/pv-ctrl ls >out 2>/dev/null
[ $? -eq 1 ] && [ "$(cat out)" = "ERROR: /nowhere/pv-ctrl not found" ] && echo "nobody there"
