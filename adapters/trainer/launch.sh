#!/bin/sh
# Runs a trainer as a foreground child and leaves, in its folder, who it is (trainer.json) and how it ended (exit.json).
# The folder has `launch`, with the token of the launch that is wanted, and lease.json.
# Usage: launch.sh FOLDER TOKEN LEASE_SECONDS COMMAND [ARGUMENT…]
#
# Its variables have a prefix, for the trainer gets every exported one of the same name.
# It must be the leader of its process group and outlive the trainer: `trap :` keeps signals to the group from ending
# this shell and, unlike an ignored signal, is not inherited by the trainer.
#
# Whoever supervises the trainer keeps writing lease.json. When nobody has for LEASE_SECONDS (its host is gone, its run
# was terminated, no worker came back, the folder was removed), the trainer is told to save and end, and killed two
# minutes later: no GPU is held for a run that nobody follows. Ages are taken between two files of one folder, so that
# the clocks of several hosts do not matter.
set -u
regraft_folder=$1 regraft_token=$2 regraft_lease_seconds=$3
shift 3
# A launch that comes late (its worker died, its job waited) finds another one's name here and leaves all as it is.
[ "$(cat "$regraft_folder/launch")" = "$regraft_token" ] || exit 76
regraft_told=
trap 'regraft_told=yes' TERM
trap : INT HUP USR1
regraft_stat=$(cat "/proc/$$/stat")
# shellcheck disable=SC2086 # word splitting wanted: fields after the last ')'
set_fields() { regraft_start_ticks=${20}; }
set_fields ${regraft_stat##*) }
leave() {
  printf '%s\n' "$2" >"$regraft_folder/$1.partial" && mv "$regraft_folder/$1.partial" "$regraft_folder/$1"
}
is_lease_over() {
  touch "$regraft_folder/lease.now" 2>/dev/null
  regraft_now=$(stat -c %Y "$regraft_folder/lease.now" 2>/dev/null) && regraft_renewed=$(stat -c %Y "$regraft_folder/lease.json" 2>/dev/null) || return 0
  [ $((regraft_now - regraft_renewed)) -gt "$regraft_lease_seconds" ]
}
watch_lease() {
  regraft_nap=
  trap : TERM INT HUP USR1
  trap 'kill "$regraft_nap" 2>/dev/null; exit' ALRM
  until is_lease_over; do
    sleep $((regraft_lease_seconds / 20 + 1)) &
    regraft_nap=$!
    wait "$regraft_nap"
  done
  echo "launch.sh: nobody has renewed the lease for more than $regraft_lease_seconds s; the trainer is told to save and end."
  kill -s TERM -- "-$$"
  sleep 120 &
  regraft_nap=$!
  wait "$regraft_nap"
  kill -s KILL -- "-$$"
}
# Told while it leaves its name, it has no name: no trainer may run that nobody finds.
leave trainer.json "{\"pid\":$$,\"startTicks\":$regraft_start_ticks,\"bootId\":\"$(cat /proc/sys/kernel/random/boot_id)\",\"host\":\"$(uname -n)\",\"token\":\"$regraft_token\"}" || regraft_told=yes
watch_lease &
regraft_watcher=$!
# A shell exports variables of its own; the trainer gets what this shell was given.
unset PWD OLDPWD SHLVL
regraft_code=75
# One that was told to end before its trainer was there has nothing to save.
if [ -z "$regraft_told" ]; then
  "$@"
  regraft_code=$?
fi
kill -ALRM "$regraft_watcher" 2>/dev/null
# From here on also what this shell runs is deaf: Slurm tells every process of a job, more than once.
trap '' TERM INT HUP USR1
leave exit.json "{\"token\":\"$regraft_token\",\"exitCode\":$regraft_code}"
