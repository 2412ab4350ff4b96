#!/bin/sh
# interrupt.sh SIGNAL FILE COMMAND...: runs COMMAND, sends it the signal as soon as
# FILE has the number of a process that it started, and prints whether that process
# and COMMAND have ended.
signal=$1 file=$2
shift 2
"$@" &
command=$!
for i in $(seq 200); do
  [ -s "$file" ] && break
  sleep 0.05
done
kill -"$signal" "$command"
wait "$command"
echo "command: $?"
for i in $(seq 100); do
  state=$(cut -d ' ' -f 3 "/proc/$(cat "$file")/stat" 2>/dev/null)
  # One that nobody waits for has ended, too.
  case $state in '' | Z)
    echo "process: ended"
    exit
    ;;
  esac
  sleep 0.02
done
echo "process: is running"
