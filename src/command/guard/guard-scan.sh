# shellcheck shell=sh
# The part of the guard that finds the processes of the command, by the same means as
# processes/linux-scope.ts. It starts no program.

# PID START: true if the process with this pid was certainly started at this time.
is_same() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  # shellcheck disable=SC2086 # Split into the fields after the name.
  is_start "$2" ${stat##*) }
}
is_start() { [ "${21}" = "$1" ]; }

# PID START: adds a root of the search. A pid without a process may still be the id of a session.
add_root() {
  if [ ! -e "/proc/$1" ]; then
    members="$members$1 "
  elif ! read -r stat 2>/dev/null <"/proc/$1/stat"; then
    mark_unsure "/proc/$1/stat"
  else
    # shellcheck disable=SC2086 # Split into the fields after the name.
    ! is_start "$2" ${stat##*) } || members="$members$1 "
  fi
}

# FILE: sets `unsure` if a file that could not be read exists. (With hidepid, there is no file.)
mark_unsure() { [ ! -e "$1" ] || unsure=1; }

# Sets `seen` to every living process of the command, as PID:START: found by ancestry, session,
# group and the list from lockex. `scan marked` also searches by marks, which takes longer. Sets
# `unsure` if the list may be incomplete.
scan() {
  table='' members=' ' seen=''
  for one in "$gate:$gate_start" $recorded; do add_root "${one%:*}" "${one#*:}"; done
  [ -z "$init" ] || add_root "$init" "$init_start"
  read_table
  [ -z "$1" ] || for row in $table; do
    pid=${row%%:*}
    case $members in *" $pid "*) continue ;; esac
    is_marked "$pid" && members="$members$pid "
  done
  add_relatives
  for row in $table; do
    pid=${row%%:*} row=${row#*:*:*:}
    case $members in *" $pid "*) ;; *) continue ;; esac
    case $row in "$$":*|*:[ZXx]) ;; *) row=${row#*:} seen="$seen $pid:${row%:*}" ;; esac
  done
}

# Sets `table` to all processes that are not older than the gate, each as
# PID:PARENT:GROUP:SESSION:START:STATE.
read_table() {
  for path in /proc/[0-9]*; do
    # Fields 1 to 10, 20 (threads) and 22 (start time) of proc(5).
    read -r pid name state parent group session f7 f8 f9 f10 _ _ _ _ _ _ _ _ _ threads _ \
      start rest 2>/dev/null <"$path/stat" || { note_unlisted; continue; }
    # The name, of at most 15 characters, may contain blanks and parentheses.
    case $name in
      *')') case $state$parent$group$session$f7$f8$f9$f10 in
        *')'*) ;;
        *) add_row; continue ;;
      esac ;;
    esac
    read -r stat 2>/dev/null <"$path/stat" || { mark_unsure "$path/stat"; continue; }
    # shellcheck disable=SC2086 # Split into the fields after the name.
    add_odd_row "${path#/proc/}" ${stat##*) }
  done
}

# Adds to `members` each process whose parent, group or session is a member.
add_relatives() {
  has_grown=1
  while [ -n "$has_grown" ]; do
    has_grown=''
    for row in $table; do
      pid=${row%%:*} row=${row#*:}
      case $members in *" $pid "*) continue ;; esac
      parent=${row%%:*} row=${row#*:}
      group=${row%%:*} row=${row#*:}
      case $members in
        *" $parent "*|*" $group "*|*" ${row%%:*} "*) members="$members$pid " has_grown=1 ;;
      esac
    done
  done
}

# If /proc can't be listed, the shell passes the pattern itself to the loop instead of the matches.
note_unlisted() {
  case $path in *\[*) unsure=1 ;; *) mark_unsure "$path/stat" ;; esac
}

# Skips processes that are older than the gate: it did not start them.
add_row() {
  [ "$pid:$start" != "$init:$init_start" ] || return 0
  # A zombie with threads: the first one has exited, the others still run.
  [ "$state" != Z ] || [ "$threads" -le 1 ] || state=S
  [ "$start" -lt "$gate_start" ] || table="$table $pid:$parent:$group:$session:$start:$state"
}
add_odd_row() {
  pid=$1 state=$2 parent=$3 group=$4 session=$5 threads=${19} start=${21}
  add_row
}

# True if it found a chain of processes that each fork the next one and exit, which is faster than a
# scan. Such a process, if it has also left the group, is found as the newest process of the system
# (/proc/loadavg), identified by its marks, and killed.
is_forking() {
  [ -z "$directory$init" ] || return 1
  is_found='' tries=0 newest=''
  while [ "$tries" -lt 300 ]; do
    tries=$((tries + 1)) last=$newest
    read -r _ _ _ _ newest 2>/dev/null </proc/loadavg || return 1
    [ "$newest" != "$last" ] || continue
    read -r stat 2>/dev/null <"/proc/$newest/stat" || continue
    # shellcheck disable=SC2086 # Split into the fields after the name.
    is_younger ${stat##*) } && is_marked "$newest" && kill -9 "$newest" && is_found=1
  done
  [ -n "$is_found" ]
}
is_younger() { [ "${20}" -ge "$gate_start" ]; }
