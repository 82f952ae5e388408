/**
 * The shell script of the guard: what ends the command when lockex can't. Text only. It never
 * starts anything, never lets a deadline that has passed be moved, and never signals a process by a
 * number that may have been given to another since.
 *
 * It must run in dash, busybox ash and bash, and be cheap: it may sit beside a command for months.
 */
import { INIT_KILL_SIGNAL } from './init-runtime.ts';

/**
 * The shell gets this as its script, and the real one in a variable: `ps` stays readable, and the
 * name of lockex stands nowhere in its arguments. (Through the descriptor it would take 10 ms: a
 * shell reads a pipe byte by byte.)
 */
export const GUARD_BOOT = 'eval "$script"';

/*
 * Descriptor 3 is a socket to lockex, a line each. What is known when the guard is started, and no
 * secret, it finds in the variable `facts` instead, in the same lines: to read them from a socket
 * takes a shell some system calls for each byte.
 *
 *   gate PID START        the command's first process, now or later, and its start time
 *   init PID START        its parent, which kills all that it started when it gets INIT_KILL_SIGNAL
 *                         (init-runtime.ts); ' ': there is none
 *   folder PATH           the cgroup that holds all of it
 *   marker NAME           the variable that it was started with
 *   brand NUMBER          the limit that it was started with (brand.ts)
 *   shut                  nothing was started yet: a deadline that passes ends nothing
 *   open                  it is about to be, or was; so it is if nothing is said
 *   ours PID:START …      others that it started, as far as lockex saw them; replaces what was said
 *   reaper / word TEXT    the reaper's argv, word by word
 *   credentials TEXT      the reaper's stdin
 *   beat DEADLINE         centiseconds of /proc/uptime (elsewhere: seconds since 1970); echoed
 *
 * and back: `beat DEADLINE`, `firing` (from here on nothing is taken back), `fired` (all dead),
 * `broken` (it can't do its work: another is wanted).
 *
 * Signals are ignored, not handled: a handler would make dash's `read` fail like an end of file.
 *
 * The clock is looked at again and again although a deadline is known to the centisecond: `read -t`
 * and `sleep` don't count the time for which the host slept. bash and busybox do it in `read -t`,
 * when a third of what is left is over (0.4 ms of CPU each time; beats come more often). dash has no
 * such thing: there a ticker and a forwarder write into a pipe of our own once a second, and each
 * tick costs a `sleep` (1 ms). A here-document is the only pipe that dash can open both ends of;
 * nothing is in it. Both writers hold its writing end alone, so that they end with the guard. A
 * ticker that is missed, or can't start its `sleep` any more, is the end of the guard.
 *
 * A guard that gets little CPU time wakes late. How late it woke from its timeouts is measured, and the
 * deadline is taken to be earlier by twice the greatest lateness, which counts for a quarter less with
 * each new deadline; by no more than a quarter of the time that was left when the deadline came.
 *
 * An end of file and a timeout look alike in busybox: it is the end when `read` came back with
 * nothing twice, well before its time.
 */
export const GUARD_SCRIPT = `
known=$facts deed=$ending
unset script facts ending
trap '' TERM INT HUP QUIT USR1 USR2 ALRM PIPE TSTP TTIN TTOU
set --
newline='
'
deadline= fired= shut= gate= start= folder= marker= brand= ours= credentials= part= alldead=
isbroken= hasread= init= initstart= late=0 most=0 margin=0
if [ -r /proc/uptime ]; then
  second=100 slack=5 grain=5
  now() { read -r up rest </proc/uptime; up=\${up%.*}\${up#*.}; }
else
  second=1 slack=0 grain=1
  now() { up=$(date +%s); }
fi

${receiving()}

fire() {
  [ -z "$fired" ] || return 0
  fired=1
  eval "$deed"
  end_all
}

handle() {
  case $1 in
    beat\\ *)
      if [ -z "$fired" ]; then
        deadline=\${1#beat } most=$(((\${1#beat } - up) / 4))
        [ "$most" -ge 0 ] || most=0
        late=$((late * 3 / 4))
        echo "$1" >&3
      fi ;;
    gate\\ *) gate=\${1#gate }; start=\${gate#* }; gate=\${gate% *} ;;
    init\\ *) init=\${1#init } initstart=\${init#* } init=\${init% *} ;;
    folder\\ *) folder=\${1#folder } ;;
    marker\\ *) marker=\${1#marker } ;;
    brand\\ *) brand=\${1#brand } ;;
    shut) shut=1 ;;
    open) shut= ;;
    ours\\ *) ours=\${1#ours } ;;
    credentials\\ *) credentials=\${1#credentials } ;;
  esac
}

# This shell ends because it could not start a process. Until lockex has replaced it, it can still look
# at the clock, and end the command.
broken() {
  trap - EXIT
  isbroken=1
  if [ -n "$fired" ]; then
    eval "$deed"
    end_all
    exit
  fi
  echo broken >&3
  while ticking; do
    now
    ! overdue || fire
  done
  exit
}
trap broken EXIT

next() {
  [ -n "$known" ] || { receive; return; }
  line=\${known%%"$newline"*}
  known=\${known#*"$newline"}
}

while next; do
  ! overdue || fire
  case $line in
    reaper) set -- ;;
    word\\ *) set -- "$@" "\${line#word }" ;;
    *) handle "$line" ;;
  esac
done
fire
trap - EXIT
if [ -n "$alldead" ] && [ -n "$credentials" ] && [ $# -gt 0 ]; then
  exec 3>&-
  printf '%s\\n' "$credentials" | "$@" &
  await_end $! 6000
fi
`;

/**
 * `receive`: the next line, or nothing after some time; fails at the end of file. It leaves the time
 * in `up`, so that the clock is read once for each line or wait and not more often.
 */
function receiving(): string {
  return `
ticking() {
  [ -n "$deadline" ] && [ -z "$fired$shut" ]
}

overdue() {
  ticking || return 1
  keep_margin
  [ "$up" -ge $((deadline - margin)) ]
}

keep_margin() {
  margin=$((2 * late))
  [ "$margin" -le "$most" ] || margin=$most
}

# Called when a wait is over that was to end at $due.
woke() {
  [ $((up - due - grain)) -le "$late" ] || late=$((up - due - grain))
}

patience() {
  keep_margin
  left=$((deadline - margin - up))
  due=$((deadline - margin)) wait=1
  if [ "$left" -ge $((6 * second)) ]; then wait=$((left / second / 3)) due=$((up + second * wait))
  elif [ "$second" = 1 ] || [ "$left" -ge 100 ]; then due=$((up + second))
  elif [ "$left" -le 1 ]; then wait=0.01
  elif [ "$left" -lt 10 ]; then wait=0.0$left
  else wait=0.$left
  fi
}

read -r -t 1 line </dev/null 2>/dev/null
if [ $? -lt 2 ]; then
  hasread=1
  receive() {
    empty=
    while :; do
      line=
      if ! ticking; then
        IFS= read -r line <&3 || return 1
        now
        return 0
      fi
      patience
      if IFS= read -r -t "$wait" line <&3; then
        now
        line=$part$line part=
        return 0
      fi
      now
      woke
      part=$part$line line=
      [ $((due - up)) -gt "$slack" ] || return 0
      [ -z "$empty" ] || return 1
      empty=1
    done
  }
else
  exec 5<<NOTHING
NOTHING
  exec 6<>/proc/self/fd/5 5<&-
  (
    exec 7>/proc/self/fd/6 6<&-
    while IFS= read -r line <&3; do printf '%s\\n' "$line" >&7; done
    echo end >&7
  ) &
  (
    exec 7>/proc/self/fd/6 6<&- 3>&-
    trap 'echo broken >&7' EXIT
    while sleep 1 && echo tick >&7; do :; done
  ) &
  now
  ticked=$up
  receive() {
    if ticking; then
      patience
      case $wait in 0.*) (exec 3>&-; sleep "$wait"; echo tick >&6) & ;; esac
    fi
    IFS= read -r line <&6
    now
    case $line in tick) due=$((ticked + second)); woke; ticked=$up ;; end) return 1 ;; esac
    [ "$line" != broken ] && [ $((up - ticked)) -lt $((10 * second)) ] || exit
  }
fi
`;
}

/** What it does then, in the variable `ending`: few guards ever read it. */
export const GUARD_ENDING = firing() + looking();

/**
 * `end_all`: ends everything, and says so; `alldead` is set when nothing of it lives any more. Without
 * a cgroup the group is stopped first: from then on it does nothing, though finding the others takes
 * some 20 ms. Then in rounds, until two looks have found nobody.
 *
 * Nothing is started for it, as far as possible: the command may have used up all processes that its
 * user may have. (Then dash and busybox end themselves, and bash tries again for 15 s.) Nor is PATH
 * needed. What can't be looked at is not taken for dead.
 */
function firing(): string {
  return `
# A pipe of our own, to wait at. bash makes one only of a here-document that is not empty, and before
# 5.1 a file.
exec 8<<SOMETHING
.
SOMETHING
exec 9<>/proc/self/fd/8 8<&-
IFS= read -r rest <&9
if [ -n "$hasread" ] && [ -p /proc/self/fd/9 ]; then
  nap() { IFS= read -r -t "$1" rest <&9; }
else
  nap() { sleep "$1" 2>/dev/null || sleep 1; }
fi
[ -z "$isbroken" ] || nap() { :; }

end_all() {
  alldead=
  echo firing >&3
  if [ -n "$init" ] && is_it "$init" "$initstart"; then
    kill -CONT "$init"
    kill -${INIT_KILL_SIGNAL} "$init"
  fi
  rounds=0
  while [ "$rounds" -lt 3000 ]; do
    if [ -n "$folder" ] && [ -d "$folder" ]; then end_folder && break
    elif [ -r /proc/self/stat ]; then end_tree && break
    else end_group && break
    fi
    rounds=$((rounds + 1))
    if [ "$rounds" -lt 100 ]; then nap 0.02; else nap 1; fi
  done
  [ "$rounds" -ge 3000 ] || alldead=1
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
  # Also when its leader is gone, while nobody has its number. A chain of processes that each fork the
  # next one is quicker than our looks; stopped at one moment, it can be seen.
  if [ ! -e "/proc/$gate" ] || is_it "$gate" "$start"; then kill -STOP "-$gate"; fi
  for one in $ours; do
    is_it "\${one%:*}" "\${one#*:}" && kill -STOP "\${one%:*}"
  done
  look
  [ -n "$seen" ] || look marked
  for one in $seen; do
    is_it "\${one%:*}" "\${one#*:}" && kill -STOP "\${one%:*}"
  done
  for one in $seen; do
    is_it "\${one%:*}" "\${one#*:}" && kill -9 "\${one%:*}"
    # The sessions of the dead are still theirs.
    case " $ours " in *" $one "*) ;; *) ours="$ours $one" ;; esac
  done
  [ -z "$seen" ] && ! is_hidden
}

# /proc may show us our own user's processes only (hidepid): what is not said to be gone lives.
is_hidden() {
  [ ! -r /proc/1/stat ] || return 1
  said=$(kill -0 "-$gate" 2>&1) && return 0
  case $said in *ermitted*) return 0 ;; esac
  return 1
}
`;
}

/**
 * `is_it PID START`: the process of that number is still the same. `look`: leaves in `seen`, as
 * PID:START, everything living that the command started: by descent, session, group, what lockex saw;
 * `look marked`: also by marker and brand, which takes longer.
 */
function looking(): string {
  return `
is_it() {
  read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
  is_start "$2" \${stat##*) }
}
is_start() { [ "\${21}" = "$1" ]; }

look() {
  table= theirs=' ' seen=
  for one in "$gate:$start" $ours; do
    pid=\${one%:*}
    if [ ! -e "/proc/$pid" ] || is_it "$pid" "\${one#*:}"; then theirs="$theirs$pid "; fi
  done
  for path in /proc/[0-9]*; do
    read -r pid name state parent group session f7 f8 f9 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 \\
      f20 f21 born rest 2>/dev/null <"$path/stat" || continue
    # A name, of 15 characters at most, may have blanks and parentheses in it.
    case $name in
      *')') case $state$parent$group$session$f7$f8$f9$f10 in
        *')'*) ;;
        *) note; continue ;;
      esac ;;
    esac
    read -r stat 2>/dev/null <"$path/stat" || continue
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

# What is older than the gate was not started by it.
note() {
  # Its first thread has ended while others run on.
  [ "$state" != Z ] || [ "$f20" -le 1 ] || state=S
  [ "$born" -lt "$start" ] || table="$table $pid:$parent:$group:$session:$born:$state"
}
note_odd() {
  pid=$1 state=$2 parent=$3 group=$4 session=$5 f20=\${19} born=\${21}
  note
}

is_marked() {
  # That of others can't be read, nor that of a program like ssh-agent; the limits can.
  [ -z "$marker" ] || [ ! -r "/proc/$1/environ" ] || while IFS= read -r text || [ -n "$text" ]; do
    case $text in *"$marker="*) return 0 ;; esac
  done 2>/dev/null <"/proc/$1/environ"
  [ -z "$brand" ] || while read -r one two three most rest; do
    [ "$one $two $three $most" != "Max file locks $brand" ] || return 0
  done 2>/dev/null <"/proc/$1/limits"
  return 1
}
`;
}
