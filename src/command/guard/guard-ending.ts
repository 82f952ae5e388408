/**
 * The part of the guard's script (guard-script.ts) that ends everything that the command started. Text
 * only, for dash, busybox ash and bash; it is evaluated when the guard fires, and few guards ever do.
 *
 * What could not be looked at is not dead: a read that fails although the file is there makes a look
 * `unsure`, and there is another.
 */

import { INIT_KILL_SIGNAL } from '../init/init-runtime.ts';
import { looking, marking } from './guard-look.ts';

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
    [ -z "$directory" ] || [ ! -d "$directory" ] || end_folder || alive=1
    if [ -e /proc/self/stat ]; then end_tree || alive=1
    else end_group || alive=1
    fi
    ! has_orphans || alive=1
    [ -n "$alive" ] || { alldead=1; break; }
    rounds=$((rounds + 1))
    if [ "$rounds" -lt 100 ]; then nap 0.02; else nap 1; fi
  done
  [ -z "$directory" ] || find "$directory" -depth -type d -exec rmdir {} \\;
  echo fired >&3
}

# The init still has children, perhaps orphans that no look has met; it is killing them. (Without
# CONFIG_PROC_CHILDREN there is no such list.)
has_orphans() {
  rest=
  [ -n "$init" ] && is_it "$init" "$initstart" || return 1
  IFS= read -r rest 2>/dev/null <"/proc/$init/task/$init/children"
  [ -n "$rest" ]
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
  if echo 1 >"$directory/cgroup.kill"; then
    end_members "$directory" is_headless
  else
    echo 1 >"$directory/cgroup.freeze"
    end_members "$directory" :
    echo 0 >"$directory/cgroup.freeze"
  fi
  while read -r key value; do
    [ "$key $value" != 'populated 0' ] || return 0
  done <"$directory/cgroup.events"
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
