/**
 * The part of the guard's script (guard-script.ts) that ends everything that the command started. Text
 * only, for dash, busybox ash and bash; it is evaluated when the guard fires, and few guards ever do.
 *
 * What could not be looked at is not dead: a read that fails although the file is there makes a look
 * `unsure`, and there is another.
 */

import { INIT_KILL_SIGNAL } from './init-runtime.ts';

/** In the variable `ending` of the guard. */
export const GUARD_ENDING = firing() + looking() + marking();

/**
 * `end_all`: ends everything, and says so; `alldead` is set when nothing of it lives any more. The cgroup
 * is killed as a whole, and the group is stopped: from then on it does nothing, though finding the
 * others takes some 20 ms. Then in rounds, until two looks have found nothing.
 *
 * No process is started for it, as far as possible: the command may have used up all that its user may
 * have. (Then dash and busybox end themselves, and bash tries again for 15 s.) Nor is PATH needed.
 */
function firing(): string {
  return `
# A pipe of our own, to wait at. bash makes one only of a here-document that is not empty, and before
# 5.1 a file. Behind \`command\`, an exec that fails does not end the shell.
command exec 8<<SOMETHING
.
SOMETHING
command exec 9<>/proc/self/fd/8 8<&-
IFS= read -r rest <&9
if [ -n "$hasread" ] && [ -p /proc/self/fd/9 ]; then
  nap() { IFS= read -r -t "$1" rest <&9; }
else
  nap() { sleep "$1" 2>/dev/null || sleep 1; }
fi
[ -z "$isbroken" ] || nap() { :; }

asked=' '
end_all() {
  alldead=
  echo firing >&3
  if [ -n "$init" ] && is_it "$init" "$initstart"; then
    kill -CONT "$init"
    kill -${INIT_KILL_SIGNAL} "$init"
  fi
  rounds=0 unsure=
  while [ "$rounds" -lt 3000 ] || [ -n "$unsure" ]; do
    alive=
    [ -z "$folder" ] || [ ! -d "$folder" ] || end_folder || alive=1
    if [ -e /proc/self/stat ]; then end_tree || alive=1
    else end_group || alive=1
    fi
    [ -n "$alive" ] || { alldead=1; break; }
    rounds=$((rounds + 1))
    if [ "$rounds" -lt 100 ]; then nap 0.02; else nap 1; fi
  done
  [ -z "$folder" ] || find "$folder" -depth -type d -exec rmdir {} \\;
  echo fired >&3
}

# PID: a process of our own, which gets so many tenths of a second. (Where no threads are to be had,
# Node does not come to its first line, and never ends.)
await_end() {
  tenths=0 began=
  read -r stat 2>/dev/null <"/proc/$1/stat" && take_began \${stat##*) }
  while is_running "$1"; do
    [ "$tenths" -lt "$2" ] || { kill -9 "$1"; return; }
    nap 0.1
    tenths=$((tenths + 1))
  done
}
take_began() { began=\${20}; }

# Its number may be another's as soon as this shell has seen its end.
is_running() {
  [ -r /proc/self/stat ] || { kill -0 "$1"; return; }
  is_it "$1" "$began" || return 1
  case \${stat##*) } in [ZXx]*) return 1 ;; esac
}

end_folder() {
  if echo 1 >"$folder/cgroup.kill"; then
    end_members "$folder" is_headless
  else
    echo 1 >"$folder/cgroup.freeze"
    end_members "$folder" :
    echo 0 >"$folder/cgroup.freeze"
  fi
  while read -r key value; do
    [ "$key $value" != 'populated 0' ] || return 0
  done <"$folder/cgroup.events"
  return 1
}

end_members() {
  while read -r pid; do
    [ "$pid" = 0 ] || ! "$2" "$pid" || kill -9 "$pid"
  done <"$1/cgroup.procs"
  for inner in "$1"/*/; do
    [ ! -d "$inner" ] || end_members "\${inner%/}" "$2"
  done
}

# Its first thread has ended while others run on: cgroup.kill passes over it.
is_headless() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  case \${stat##*) } in Z*) ;; *) return 1 ;; esac
}

end_group() {
  [ -n "$gate" ] || return 0
  kill -9 "-$gate" || return 0
  return 1
}

end_tree() {
  [ -n "$gate" ] || return 0
  unsure=
  # Also when its leader is gone, while no process has its number. A chain of processes that each fork
  # the next one is quicker than our looks; stopped at one moment, it can be seen.
  if [ ! -e "/proc/$gate" ] || is_it "$gate" "$start"; then kill -STOP "-$gate"; fi
  for one in $ours; do
    is_it "\${one%:*}" "\${one#*:}" && kill -STOP "\${one%:*}"
  done
  look
  [ -n "$seen" ] || look marked
  find_relays
  for one in $seen; do
    is_it "\${one%:*}" "\${one#*:}" && kill -STOP "\${one%:*}"
  done
  for one in $seen; do
    end_one "\${one%:*}" "\${one#*:}"
    # The sessions of the dead are still theirs.
    case " $ours " in *" $one "*) ;; *) ours="$ours $one" ;; esac
  done
  [ "$relays" = ' ' ] || nap 0.1
  [ -z "$seen$unsure" ] && ! is_hidden && ! is_forking
}

# A relay is asked once, and woken so that it acts on it.
end_one() {
  is_it "$1" "$2" || return 0
  case $relays in
    *" $1 "*) kill -TERM "$1"; kill -CONT "$1"; asked="$asked$1 " ;;
    *) kill -9 "$1" ;;
  esac
}

# Of each process that we have no permission to signal the nearest ancestor that we can signal: it may
# pass SIGTERM on, as sudo does, and is spared once for that.
find_relays() {
  relays=' '
  for one in $seen; do
    pid=\${one%:*}
    ! kill -0 "$pid" 2>/dev/null || continue
    while read -r stat 2>/dev/null <"/proc/$pid/stat"; do
      take_parent \${stat##*) }
      [ "$pid" != "$init" ] || break
      case $theirs in *" $pid "*) ;; *) break ;; esac
      kill -0 "$pid" 2>/dev/null || continue
      case $asked in *" $pid "*) ;; *) relays="$relays$pid " ;; esac
      break
    done
  done
}
take_parent() { pid=$2; }

# /proc may show us our own user's processes only (hidepid): what is not said to be gone lives.
is_hidden() {
  [ ! -e /proc/1/stat ] || return 1
  said=$(kill -0 "-$gate" 2>&1) && return 0
  case $said in *ermitted*) return 0 ;; esac
  return 1
}
`;
}

/**
 * `is_it PID START`: the process of that number is still the same, for certain. `look`: leaves in `seen`,
 * as PID:START, everything living that the command started: by descent, session, group, what lockex
 * saw; `look marked`: also by marks, which takes longer. `unsure` is set when it may not be all.
 */
function looking(): string {
  return `
is_it() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  is_start "$2" \${stat##*) }
}
is_start() { [ "\${21}" = "$1" ]; }

# A number that no process has is still its session's.
add_root() {
  if [ ! -e "/proc/$1" ]; then theirs="$theirs$1 "
  elif ! read -r stat 2>/dev/null <"/proc/$1/stat"; then doubt "/proc/$1/stat"
  elif is_start "$2" \${stat##*) }; then theirs="$theirs$1 "
  fi
}

# It is there, and could not be read. (Where /proc hides the processes of others it is not there.)
doubt() { [ ! -e "$1" ] || unsure=1; }

look() {
  table= theirs=' ' seen=
  for one in "$gate:$start" $ours; do add_root "\${one%:*}" "\${one#*:}"; done
  [ -z "$init" ] || add_root "$init" "$initstart"
  for path in /proc/[0-9]*; do
    read -r pid name state parent group session f7 f8 f9 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 \\
      f20 f21 born rest 2>/dev/null <"$path/stat" || { unlisted; continue; }
    # A name, of 15 characters at most, may have blanks and parentheses in it.
    case $name in
      *')') case $state$parent$group$session$f7$f8$f9$f10 in
        *')'*) ;;
        *) note; continue ;;
      esac ;;
    esac
    read -r stat 2>/dev/null <"$path/stat" || { doubt "$path/stat"; continue; }
    note_odd "\${path#/proc/}" \${stat##*) }
  done
  [ -z "$1" ] || for row in $table; do
    pid=\${row%%:*}
    case $theirs in *" $pid "*) continue ;; esac
    is_marked "$pid" && theirs="$theirs$pid "
  done
  grown=1
  while [ -n "$grown" ]; do
    grown=
    for row in $table; do
      pid=\${row%%:*} row=\${row#*:}
      case $theirs in *" $pid "*) continue ;; esac
      parent=\${row%%:*} row=\${row#*:}
      group=\${row%%:*} row=\${row#*:}
      case $theirs in
        *" $parent "*|*" $group "*|*" \${row%%:*} "*) theirs="$theirs$pid " grown=1 ;;
      esac
    done
  done
  for row in $table; do
    pid=\${row%%:*} row=\${row#*:*:*:}
    case $theirs in *" $pid "*) ;; *) continue ;; esac
    case $row in "$$":*|*:[ZXx]) ;; *) row=\${row#*:} seen="$seen $pid:\${row%:*}" ;; esac
  done
}

# Where /proc can't be listed, the pattern itself comes instead of what matches it.
unlisted() {
  case $path in *\\[*) unsure=1 ;; *) doubt "$path/stat" ;; esac
}

# What is older than the gate was not started by it.
note() {
  [ "$pid:$born" != "$init:$initstart" ] || return 0
  # Its first thread has ended while others run on.
  [ "$state" != Z ] || [ "$f20" -le 1 ] || state=S
  [ "$born" -lt "$start" ] || table="$table $pid:$parent:$group:$session:$born:$state"
}
note_odd() {
  pid=$1 state=$2 parent=$3 group=$4 session=$5 f20=\${19} born=\${21}
  note
}

# A chain of processes, each of which forks the next one and ends, is quicker than our looks. One that
# has left the group as well is met as it gets its number, known by its mark, and killed.
is_forking() {
  [ -z "$folder$init" ] || return 1
  met= tries=0 newest=
  while [ "$tries" -lt 300 ]; do
    tries=$((tries + 1)) last=$newest
    read -r load1 load5 load15 running newest 2>/dev/null </proc/loadavg || return 1
    [ "$newest" != "$last" ] || continue
    read -r stat 2>/dev/null <"/proc/$newest/stat" || continue
    is_late \${stat##*) } && is_marked "$newest" && kill -9 "$newest" && met=1
  done
  [ -n "$met" ]
}
is_late() { [ "\${20}" -ge "$start" ]; }
`;
}

/** `is_marked PID`: it carries one of the command's marks (marks.ts). */
function marking(): string {
  return `
uid=
while read -r key real rest; do
  [ "$key" != Uid: ] || uid=$real
done 2>/dev/null </proc/self/status

is_marked() {
  [ -z "$timerslack" ] || ! has_slack "$1" || return 0
  if has_limit "$1" || has_variable "$1"; then is_own "$1"; else return 1; fi
}

# Without the capability it can be opened, but not read.
has_slack() {
  text=
  { IFS= read -r text || :; } 2>/dev/null <"/proc/$1/timerslack_ns" ||
    doubt "/proc/$1/timerslack_ns"
  [ "$text" = "$timerslack" ]
}

has_limit() {
  [ -n "$brand" ] || return 1
  while read -r one two three most rest; do
    [ "$one $two $three" != 'Max file locks' ] || { [ "$most" = "$brand" ]; return; }
  done 2>/dev/null <"/proc/$1/limits"
  doubt "/proc/$1/limits"
  return 1
}

# That of others can't be read, nor that of a program like ssh-agent; the limits can.
has_variable() {
  [ -n "$marker" ] && [ -r "/proc/$1/environ" ] || return 1
  while IFS= read -r text || [ -n "$text" ]; do
    case $text in *"$marker="*) return 0 ;; esac
  done 2>/dev/null <"/proc/$1/environ"
  return 1
}

# Another user may read both and imitate them.
is_own() {
  while read -r key real rest; do
    [ "$key" != Uid: ] || { [ "$real" = "$uid" ]; return; }
  done 2>/dev/null <"/proc/$1/status"
  doubt "/proc/$1/status"
  return 1
}
`;
}
