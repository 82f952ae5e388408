# shellcheck shell=sh
# The gate: a shell that waits until lockex holds the lock and the guard is armed, and then becomes
# the command. It never reads the command's stdin, never passes a descriptor of lockex to the
# command, and never sets a signal handler: exec resets handlers, but ignored signals stay ignored
# (execve(2)).
#
# Arguments:
#   1  the cgroup.procs of the cgroup to enter, or ''
#   2  the value for RLIMIT_LOCKS (processes/inherited-marks.ts)
#   3  'hup' to ignore SIGHUP, or ''
#   4  'odd' if only `env` can set some of the variables, or ''
#   5  commands that restore the environment without `env` (environment.ts)
#   6  the number of arguments of `env …` that follow; 0 if this host has no `env`
#   …  those arguments, then the command and its arguments
#
# Descriptor 3 is a socket to lockex. Each message is one line, unless noted:
#
#   gate → lockex   parked [outside] [lossy] [limit] [slack]
#                                    waiting. outside: not in the cgroup; lossy: variables with
#                                    odd names are lost; limit, slack: it carries this mark
#   lockex → gate   three lines: fencing token, lock path, deadline
#                                    become the command unless the deadline has passed
#                                    (centiseconds of /proc/uptime; '': no deadline)
#   gate → lockex   late             the deadline has passed: lockex was stopped, or the gate was
#   gate → lockex   failed STATUS    exec failed; an end of file means that it succeeded
#
# environment.ts never passes variables with the names that this script uses: a variable that comes
# from the environment would be exported to the command.
#
# Descriptor 3 is closed by a redirection of the group around `exec`. dash, busybox and bash keep
# the original with close-on-exec set: the command does not inherit it, and the EXIT trap can still
# use it if exec fails. (bash runs that trap after a failed exec only with `execfail`.)
#
# bash always sets `_` when it executes a program, so under bash `env` is needed as well.

LOCKEX_GATE_REPORT=parked
if ! { [ -n "$1" ] && echo 0 >"$1"; } 2>/dev/null; then
  LOCKEX_GATE_REPORT='parked outside'
fi
# dash has `ulimit -w` for RLIMIT_LOCKS, bash and busybox have `ulimit -x`.
# shellcheck disable=SC3045 # Neither is in POSIX: both are tried, and a failure is reported.
if { ulimit -S -x "$2" || ulimit -S -w "$2"; } 2>/dev/null; then
  LOCKEX_GATE_REPORT="$LOCKEX_GATE_REPORT limit"
fi
if [ -n "$LOCKEX_GATE_SLACK" ] &&
  { echo "$LOCKEX_GATE_SLACK" >/proc/self/timerslack_ns; } 2>/dev/null; then
  LOCKEX_GATE_REPORT="$LOCKEX_GATE_REPORT slack"
fi
unset LOCKEX_GATE_SLACK
[ -z "$3" ] || trap '' HUP
LOCKEX_GATE_ODD=$4
LOCKEX_GATE_RESTORE=$5
LOCKEX_GATE_SKIP=$6
shift 6
if [ -n "$LOCKEX_GATE_ODD" ] || [ -n "${BASH_VERSION-}" ]; then
  if ! { [ "$LOCKEX_GATE_SKIP" -gt 0 ] && "$1" -S true; } >/dev/null 2>&1 </dev/null; then
    LOCKEX_GATE_REPORT="$LOCKEX_GATE_REPORT lossy"
    LOCKEX_GATE_DIRECT=1
  fi
else
  LOCKEX_GATE_DIRECT=1
fi
if [ -n "$LOCKEX_GATE_DIRECT" ]; then
  shift "$LOCKEX_GATE_SKIP"
  eval "$LOCKEX_GATE_RESTORE"
fi
echo "$LOCKEX_GATE_REPORT" >&3
IFS= read -r LOCKEX_FENCING_TOKEN <&3 && IFS= read -r LOCKEX_LOCK_PATH <&3 || exit 125
IFS= read -r LOCKEX_GATE_UNTIL <&3 || exit 125
if [ -n "$LOCKEX_GATE_UNTIL" ]; then
  # shellcheck disable=SC2034 # The second field is not used. `_` may be a variable of the command.
  # A clock that cannot be read (ENFILE) counts as late.
  IFS=' ' read -r LOCKEX_GATE_NOW LOCKEX_GATE_IDLE </proc/uptime || LOCKEX_GATE_NOW=''
  if ! [ "${LOCKEX_GATE_NOW%.*}${LOCKEX_GATE_NOW#*.}" -lt "$LOCKEX_GATE_UNTIL" ]; then
    echo late >&3
    exit 125
  fi
fi
export LOCKEX_FENCING_TOKEN LOCKEX_LOCK_PATH
# shellcheck disable=SC3044 # Executed by bash only.
[ -z "${BASH_VERSION-}" ] || shopt -s execfail
trap 'echo "failed $?" >&3' EXIT
{ exec "$@"; } 3>&-
