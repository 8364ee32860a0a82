#!/bin/sh
# Runs a program in the process group that this shell leads, and kills the group when its owner ends, however that ends:
# the owner holds the other end of standard input and never writes to it, so the system closes it together with the owner.
# Usage: with-owner.sh COMMAND [ARGUMENT…]
#
# The program takes this shell's place: its exit code or signal is what the owner sees. Standard input is empty for it. One
# that cannot be started is exit code 126 or 127.
set -u
exec 3<&0 </dev/null
{
  trap '' TERM INT HUP # the program may take its time to stop, and the owner may be killed meanwhile
  read -r _ <&3
  kill -s KILL -- "-$$"
} &
# A shell exports variables of its own; the program gets what this shell was given.
unset PWD OLDPWD SHLVL
exec "$@" 3<&-
