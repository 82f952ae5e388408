/**
 * The shell script of the guard: what ends the command when lockex can't. Text only. It never
 * starts anything, never lets a deadline that has passed be moved, and never signals a process by a
 * number that may have been given to another since.
 *
 * It must run in dash, busybox ash and bash, and be cheap: it may sit beside a command for months.
 */

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
 *   directory PATH           the cgroup that holds all of it
 *   marker NAME           the variable that it was started with
 *   brand NUMBER          the limit on file locks that it was started with, or '' (marks.ts)
 *   slack NUMBER          the timer slack that it was started with, or ''
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
deadline= fired= shut= gate= start= directory= marker= brand= timerslack= init= initstart= ours=
part= credentials= alldead= isbroken= hasread= late=0 most=0 margin=0
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
    directory\\ *) directory=\${1#directory } ;;
    marker\\ *) marker=\${1#marker } ;;
    brand\\ *) brand=\${1#brand } ;;
    slack\\ *) timerslack=\${1#slack } ;;
    init\\ *) init=\${1#init }; initstart=\${init#* }; init=\${init% *} ;;
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
