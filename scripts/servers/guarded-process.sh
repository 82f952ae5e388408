#!/bin/sh
# Runs a process that cannot outlive the script that started this shell.
#
# Arguments: the directory to remove if that script dies; the maximum life of the process in
# seconds; the process's command. Standard input is a pipe that ends with the script. Standard
# output gets the pid of the process, in one line. Descriptor 4 is the log of the process.
directory=$1 life=$2; shift 2
exec 3<&0
"$@" </dev/null >&4 2>&4 3<&- & child=$!
exec 4>&-
echo "$child"
exec >&-
( read -r _ <&3
  trap '' TERM
  kill -9 "$child" 2>/dev/null
  while kill -0 "$child" 2>/dev/null; do sleep 0.1; done
  rm -rf -- "$directory" ) & orphaned=$!
( exec 3<&-
  trap 'kill "$nap" 2>/dev/null; exit' TERM
  sleep "$life" & nap=$!
  wait "$nap"
  kill -9 "$child" 2>/dev/null ) & aged=$!
wait "$child"
status=$?
kill "$orphaned" "$aged" 2>/dev/null
exit "$status"
