#!/bin/sh
# Runs a trainer as a foreground child and leaves, in its folder, who it is (trainer.json) and how it ended (exit.json).
# Usage: launch.sh FOLDER TOKEN COMMAND [ARGUMENT…]   Being the leader of the process group, it must outlive the trainer:
# `trap :` keeps TERM from ending this shell and, unlike an ignored signal, is not inherited by the trainer.
set -u
folder=$1 token=$2
shift 2
trap : TERM INT HUP
stat=$(cat "/proc/$$/stat")
# shellcheck disable=SC2086 # word splitting wanted: fields after the last ')'
set_fields() { start_ticks=${20}; }
set_fields ${stat##*) }
leave() {
  printf '%s\n' "$2" >"$folder/$1.partial" && mv "$folder/$1.partial" "$folder/$1"
}
leave trainer.json "{\"pid\":$$,\"startTicks\":$start_ticks,\"bootId\":\"$(cat /proc/sys/kernel/random/boot_id)\",\"token\":\"$token\"}"
# A shell exports variables of its own; the trainer gets what this shell was given.
unset PWD OLDPWD SHLVL
"$@"
leave exit.json "{\"token\":\"$token\",\"exitCode\":$?}"
