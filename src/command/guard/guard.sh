# shellcheck shell=sh
# The guard: kills the command if lockex can't, then closes lockex's session. It never starts a
# program while it waits (unless the shell's `read` has no timeout), never accepts a new deadline
# after the old one has passed, and never signals a process whose pid may have been reused.
#
# It runs under dash, busybox ash and bash, and has to be cheap: it may run for months. Environment:
#
#   script   this text; GUARD_BOOT (guard-script.ts) evaluates it
#   ending   the script that kills everything (guard-ending.sh); evaluated when the guard fires
#   facts    the lines that are known from the start and not secret (reading a line from a socket
#            costs a shell one system call per byte)
#
# Descriptor 3 is a socket to lockex. Each message is one line:
#
#   gate PID START        the command's first process, now or later, and its start time
#   init PID START        its parent, which kills all its descendants when it gets INIT_KILL_SIGNAL
#                         (init-runtime.ts); PID ' ': there is none
#   directory PATH        the cgroup that contains the command's processes, or ''
#   marker NAME           the environment variable that identifies them
#                         (processes/inherited-marks.ts)
#   limit NUMBER          the limit on file locks that identifies them, or ''
#   slack NUMBER          the timer slack that identifies them, or ''
#   shut                  the command is not started yet: a deadline that passes has no effect
#   open                  the command is being started or was started; the initial state
#   processes PID:START … other processes of the command that lockex saw; replaces the last list
#   reaper                begins the argv of the program that closes the session
#   argument TEXT         its next argument
#   credentials TEXT      one line for its stdin
#   beat DEADLINE         in centiseconds of /proc/uptime (elsewhere: in seconds since 1970)
#
# and to lockex: `beat DEADLINE` (accepted), `firing` (no deadline is accepted any more), `fired`
# (all processes have exited), `broken` (this guard can't start a process; it needs a replacement).
#
# Signals are ignored, not handled: a handler would interrupt dash's `read`, which then fails as it
# does at an end of file.
#
# The guard reads the clock repeatedly although it knows the deadline to the centisecond, because
# `read -t` and `sleep` do not count the time for which the host was suspended. bash and busybox
# wait in `read -t` for a third of the remaining time (0.4 ms of CPU for each wait; beats come more
# often than that). dash has no `read -t`: a ticker and a forwarder write into a pipe, one tick per
# second, and each tick costs one `sleep` (1 ms of CPU). A here-document is the only pipe that dash
# can open at both ends; it has no content. The ticker and the forwarder fail to write, and end, as
# soon as the guard has ended: only the guard holds the reading end. If no tick comes, or the ticker
# can't start its `sleep`, the guard is broken.
#
# A guard that gets little CPU time wakes up late. It measures how late its timeouts are and fires
# earlier by twice the maximum, which decays by a quarter with each new deadline. It never fires
# earlier by more than a quarter of the time that remained when it received the deadline.
#
# busybox's `read` fails in the same way at an end of file and at a timeout. It is an end of file if
# `read` returned nothing twice, well before the timeout.

# shellcheck disable=SC2154 # Both come from the environment.
known=$facts ending_script=$ending
unset script facts ending
trap '' TERM INT HUP QUIT USR1 USR2 ALRM PIPE TSTP TTIN TTOU
set --
newline='
'
deadline='' is_shut='' is_broken='' has_fired='' all_exited='' can_time_out=''
gate='' gate_start='' init='' init_start='' directory='' marker='' limit='' timer_slack=''
recorded='' credentials='' part='' lateness=0 max_margin=0 margin=0
if [ -r /proc/uptime ]; then
  second=100 slack=5 grain=5
  # Sets `clock`.
  now() { read -r clock rest </proc/uptime; clock=${clock%.*}${clock#*.}; }
else
  second=1 slack=0 grain=1
  now() { clock=$(date +%s); }
fi

is_ticking() {
  [ -n "$deadline" ] && [ -z "$has_fired$is_shut" ]
}

is_overdue() {
  is_ticking || return 1
  update_margin
  [ "$clock" -ge $((deadline - margin)) ]
}

update_margin() {
  margin=$((2 * lateness))
  [ "$margin" -le "$max_margin" ] || margin=$max_margin
}

# Called after a wait that should have ended at $due.
measure_lateness() {
  [ $((clock - due - grain)) -le "$lateness" ] || lateness=$((clock - due - grain))
}

# Sets `wait`, in seconds, and `due`, the time at which that wait should end.
plan_wait() {
  update_margin
  left=$((deadline - margin - clock))
  due=$((deadline - margin)) wait=1
  if [ "$left" -ge $((6 * second)) ]; then
    wait=$((left / second / 3)) due=$((clock + second * wait))
  elif [ "$second" = 1 ] || [ "$left" -ge 100 ]; then due=$((clock + second))
  elif [ "$left" -le 1 ]; then wait=0.01
  elif [ "$left" -lt 10 ]; then wait=0.0$left
  else wait=0.$left
  fi
}

# `receive` sets `line` to the next line, or to '' after some time, and fails at an end of file. It
# also sets `clock`, so that the guard reads the clock once per line or wait.
#
# `read -t` in dash: "Illegal option", status 2. Elsewhere: status 1, an end of file.
# shellcheck disable=SC3045 # It is not in POSIX: this finds out if it works.
read -r -t 1 line </dev/null 2>/dev/null
if [ $? -lt 2 ]; then
  can_time_out=1
  receive() {
    empty=''
    while :; do
      line=''
      if ! is_ticking; then
        IFS= read -r line <&3 || return 1
        now
        return 0
      fi
      plan_wait
      # shellcheck disable=SC3045 # This shell has it.
      if IFS= read -r -t "$wait" line <&3; then
        now
        line=$part$line part=''
        return 0
      fi
      now
      measure_lateness
      part=$part$line line=''
      [ $((due - clock)) -gt "$slack" ] || return 0
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
    while IFS= read -r line <&3; do printf '%s\n' "$line" >&7; done
    echo end >&7
  ) &
  (
    exec 7>/proc/self/fd/6 6<&- 3>&-
    trap 'echo broken >&7' EXIT
    while sleep 1 && echo tick >&7; do :; done
  ) &
  now
  ticked=$clock
  receive() {
    if is_ticking; then
      plan_wait
      case $wait in 0.*) (exec 3>&-; sleep "$wait"; echo tick >&6) & ;; esac
    fi
    IFS= read -r line <&6
    now
    case $line in
      tick) due=$((ticked + second)); measure_lateness; ticked=$clock ;;
      end) return 1 ;;
    esac
    [ "$line" != broken ] && [ $((clock - ticked)) -lt $((10 * second)) ] || exit
  }
fi

fire() {
  [ -z "$has_fired" ] || return 0
  has_fired=1
  eval "$ending_script"
  kill_all
}

handle() {
  case $1 in
    beat\ *)
      if [ -z "$has_fired" ]; then
        deadline=${1#beat } max_margin=$(((${1#beat } - clock) / 4))
        [ "$max_margin" -ge 0 ] || max_margin=0
        lateness=$((lateness * 3 / 4))
        echo "$1" >&3
      fi ;;
    gate\ *) gate=${1#gate }; gate_start=${gate#* }; gate=${gate% *} ;;
    directory\ *) directory=${1#directory } ;;
    marker\ *) marker=${1#marker } ;;
    limit\ *) limit=${1#limit } ;;
    slack\ *) timer_slack=${1#slack } ;;
    init\ *) init=${1#init }; init_start=${init#* }; init=${init% *} ;;
    shut) is_shut=1 ;;
    open) is_shut='' ;;
    processes\ *) recorded=${1#processes } ;;
    credentials\ *) credentials=${1#credentials } ;;
  esac
}

# The EXIT trap of a shell that ends because it could not start a process. Until lockex replaces it,
# it can still read the clock and kill the command.
run_broken() {
  trap - EXIT
  is_broken=1
  if [ -n "$has_fired" ]; then
    eval "$ending_script"
    kill_all
    exit
  fi
  echo broken >&3
  while is_ticking; do
    now
    ! is_overdue || fire
  done
  exit
}
trap run_broken EXIT

next_line() {
  [ -n "$known" ] || { receive; return; }
  line=${known%%"$newline"*}
  known=${known#*"$newline"}
}

while next_line; do
  ! is_overdue || fire
  case $line in
    reaper) set -- ;;
    argument\ *) set -- "$@" "${line#argument }" ;;
    *) handle "$line" ;;
  esac
done
fire
trap - EXIT
if [ -n "$all_exited" ] && [ -n "$credentials" ] && [ $# -gt 0 ]; then
  exec 3>&-
  printf '%s\n' "$credentials" | "$@" &
  await_exit $! 6000
fi
