# shellcheck shell=sh
# The part of the guard that kills all processes of the command. guard.sh evaluates it, together
# with guard-scan.sh and guard-marks.sh, when the guard fires; few guards ever fire.
#
# A process whose state is unknown counts as alive: a read that fails although the file exists makes
# a scan `unsure`, and another scan follows.
#
# It avoids starting programs: the command may have used up the process limit of its user. (Then
# dash and busybox exit, and bash retries for 15 s.) It does not need PATH either.

# A pipe to wait on. bash creates a pipe only for a here-document that is not empty, and before 5.1
# a file. `command` keeps a failed exec from ending the shell. Without a free descriptor it
# still ends busybox, whose EXIT trap then comes here with `is_broken` set.
if [ -z "$is_broken" ]; then
  command exec 8<<SOMETHING
.
SOMETHING
  command exec 9<>/proc/self/fd/8 8<&-
  IFS= read -r rest <&9
fi
if [ -n "$is_broken" ]; then
  # It may be unable to start `sleep`, which would end it. But while nothing can be read (no
  # descriptor is left), it must not keep a CPU busy.
  nap() { [ -z "$unsure" ] || [ "$rounds" -lt 100 ] || sleep "$1"; }
elif [ -n "$can_time_out" ] && [ -p /proc/self/fd/9 ]; then
  # shellcheck disable=SC3045 # guard.sh has found out that this shell has it.
  nap() { IFS= read -r -t "$1" rest <&9; }
else
  nap() { sleep "$1" 2>/dev/null || sleep 1; }
fi

asked=' '

# Kills all processes in rounds until a scan finds none, and reports it; `all_exited` is set if no
# process is left. A cgroup is killed as a whole. A process group is stopped first, so that it does
# nothing during the scan for other processes, which takes about 20 ms.
kill_all() {
  all_exited=''
  echo firing >&3
  if [ -n "$init" ] && is_same "$init" "$init_start"; then
    kill -CONT "$init"
    # shellcheck disable=SC2154 # Set by guard-script.ts.
    kill -"$init_kill_signal" "$init"
  fi
  rounds=0 unsure=''
  while [ "$rounds" -lt 3000 ] || [ -n "$unsure" ]; do
    alive=''
    [ -z "$directory" ] || [ ! -d "$directory" ] || kill_cgroup || alive=1
    if [ -e /proc/self/stat ]; then kill_tree || alive=1
    else kill_group || alive=1
    fi
    ! has_orphans || alive=1
    [ -n "$alive" ] || { all_exited=1; break; }
    rounds=$((rounds + 1))
    if [ "$rounds" -lt 100 ]; then nap 0.02
    elif [ "$rounds" -lt 200 ] || [ -z "$unsure" ]; then nap 1
    else nap 10
    fi
  done
  [ -z "$directory" ] || find "$directory" -depth -type d -exec rmdir {} \;
  echo fired >&3
}

# True if the init still has children, possibly orphans that no scan has found; it is killing them.
# (A kernel without CONFIG_PROC_CHILDREN has no such list.)
has_orphans() {
  rest=''
  [ -n "$init" ] && is_same "$init" "$init_start" || return 1
  IFS= read -r rest 2>/dev/null <"/proc/$init/task/$init/children"
  [ -n "$rest" ]
}

# PID TENTHS: waits for a child of this shell, and kills it after this many tenths of a second. (If
# no thread can be created, Node hangs before it runs any script.)
await_exit() {
  tenths=0 child_start=''
  # shellcheck disable=SC2086 # Split into the fields after the name.
  read -r stat 2>/dev/null <"/proc/$1/stat" && set_child_start ${stat##*) }
  while is_running "$1"; do
    [ "$tenths" -lt "$2" ] || { kill -9 "$1"; return; }
    nap 0.1
    tenths=$((tenths + 1))
  done
}
set_child_start() { child_start=${20}; }

# The pid may be reused as soon as this shell has reaped the process.
is_running() {
  [ -r /proc/self/stat ] || { kill -0 "$1"; return; }
  is_same "$1" "$child_start" || return 1
  case ${stat##*) } in [ZXx]*) return 1 ;; esac
}

# Fails if a process of the cgroup may be left.
kill_cgroup() {
  if echo 1 >"$directory/cgroup.kill"; then
    kill_members "$directory" is_headless
  else
    echo 1 >"$directory/cgroup.freeze"
    kill_members "$directory" :
    echo 0 >"$directory/cgroup.freeze"
  fi
  while read -r key value; do
    [ "$key $value" != 'populated 0' ] || return 0
  done <"$directory/cgroup.events"
  return 1
}

# DIRECTORY PREDICATE: kills the processes in this cgroup and below it that match the predicate.
kill_members() {
  while read -r pid; do
    [ "$pid" = 0 ] || ! "$2" "$pid" || kill -9 "$pid"
  done <"$1/cgroup.procs"
  for inner in "$1"/*/; do
    [ ! -d "$inner" ] || kill_members "${inner%/}" "$2"
  done
}

# True if the first thread has exited and others still run: cgroup.kill skips such a process.
is_headless() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  case ${stat##*) } in Z*) ;; *) return 1 ;; esac
}

kill_group() {
  [ -n "$gate" ] || return 0
  kill -9 "-$gate" || return 0
  return 1
}

# Fails if a process of the command may be left.
kill_tree() {
  [ -n "$gate" ] || return 0
  unsure=''
  # Also if the group's leader has exited, as long as no other process has its pid. A chain of
  # processes that each fork the next one and exit is faster than a scan; a stopped one can be seen.
  if [ ! -e "/proc/$gate" ] || is_same "$gate" "$gate_start"; then kill -STOP "-$gate"; fi
  for one in $recorded; do
    is_same "${one%:*}" "${one#*:}" && kill -STOP "${one%:*}"
  done
  scan
  [ -n "$seen" ] || scan marked
  find_relays
  for one in $seen; do
    is_same "${one%:*}" "${one#*:}" && kill -STOP "${one%:*}"
  done
  for one in $seen; do
    kill_one "${one%:*}" "${one#*:}"
    # The session of a process that has exited still identifies the others in it.
    case " $recorded " in *" $one "*) ;; *) recorded="$recorded $one" ;; esac
  done
  [ "$relays" = ' ' ] || nap 0.1
  [ -z "$seen$unsure" ] && ! is_hidden && ! is_forking
}

# PID START: SIGKILL; for a relay SIGTERM, once, and SIGCONT so that it handles it.
kill_one() {
  is_same "$1" "$2" || return 0
  case $relays in
    *" $1 "*) kill -TERM "$1"; kill -CONT "$1"; asked="$asked$1 " ;;
    *) kill -9 "$1" ;;
  esac
}

# Sets `relays`: for each process that this user has no permission to signal, the nearest ancestor
# that it can signal. Such an ancestor may forward SIGTERM, as sudo does, and gets one chance to do
# so.
find_relays() {
  relays=' '
  for one in $seen; do
    pid=${one%:*}
    ! kill -0 "$pid" 2>/dev/null || continue
    while read -r stat 2>/dev/null <"/proc/$pid/stat"; do
      # shellcheck disable=SC2086 # Split into the fields after the name.
      set_parent ${stat##*) }
      [ "$pid" != "$init" ] || break
      case $members in *" $pid "*) ;; *) break ;; esac
      kill -0 "$pid" 2>/dev/null || continue
      case $asked in *" $pid "*) ;; *) relays="$relays$pid " ;; esac
      break
    done
  done
}
set_parent() { pid=$2; }

# /proc may show only the processes of this user (hidepid): the group counts as alive unless kill(2)
# says that there is no such group.
is_hidden() {
  [ ! -e /proc/1/stat ] || return 1
  error=$(kill -0 "-$gate" 2>&1) && return 0
  case $error in *ermitted*) return 0 ;; esac
  return 1
}
