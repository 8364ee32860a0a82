#!/bin/sh
# Runs a trainer as a foreground child and leaves, in its folder, who it is (trainer.json) and how it ended (exit.json).
# The folder has `launch`, with the token of the launch that is wanted, and lease.json.
# Usage: launch.sh FOLDER TOKEN LEASE_SECONDS COMMAND [ARGUMENT…]
#
# It must be the leader of its process group and outlive the trainer: `trap :` keeps signals to the group from ending
# this shell and, unlike an ignored signal, is not inherited by the trainer.
#
# Whoever supervises the trainer keeps writing lease.json. When nobody has for LEASE_SECONDS (its host is gone, its run
# was terminated, no worker came back, the folder was removed), the trainer is told to save and end, and killed two
# minutes later: no GPU is held for a run that nobody follows. Ages are taken between two files of one folder, so that
# the clocks of several hosts do not matter.
set -u
folder=$1 token=$2 lease_seconds=$3
shift 3
# A launch that comes late (its worker died, its job waited) finds another one's name here and leaves all as it is.
[ "$(cat "$folder/launch")" = "$token" ] || exit 76
trap : TERM INT HUP USR1
stat=$(cat "/proc/$$/stat")
# shellcheck disable=SC2086 # word splitting wanted: fields after the last ')'
set_fields() { start_ticks=${20}; }
set_fields ${stat##*) }
leave() {
  printf '%s\n' "$2" >"$folder/$1.partial" && mv "$folder/$1.partial" "$folder/$1"
}
is_lease_over() {
  touch "$folder/lease.now" 2>/dev/null
  now=$(stat -c %Y "$folder/lease.now" 2>/dev/null) && renewed=$(stat -c %Y "$folder/lease.json" 2>/dev/null) || return 0
  [ $((now - renewed)) -gt "$lease_seconds" ]
}
watch_lease() {
  nap=
  trap : TERM INT HUP USR1
  trap 'kill "$nap" 2>/dev/null; exit' ALRM
  until is_lease_over; do
    sleep $((lease_seconds / 20 + 1)) &
    nap=$!
    wait "$nap"
  done
  echo "launch.sh: nobody has renewed the lease for more than $lease_seconds s; the trainer is told to save and end."
  kill -s TERM -- "-$$"
  sleep 120 &
  nap=$!
  wait "$nap"
  kill -s KILL -- "-$$"
}
leave trainer.json "{\"pid\":$$,\"startTicks\":$start_ticks,\"bootId\":\"$(cat /proc/sys/kernel/random/boot_id)\",\"host\":\"$(uname -n)\",\"token\":\"$token\"}"
watch_lease &
watcher=$!
# A shell exports variables of its own; the trainer gets what this shell was given.
unset PWD OLDPWD SHLVL
"$@"
code=$?
kill -ALRM "$watcher" 2>/dev/null
leave exit.json "{\"token\":\"$token\",\"exitCode\":$code}"
