/**
 * The shell script of the gate: what stands between lockex and the command until the lock is ours
 * and the guard is armed. Text only. It reads nothing of the command's stdin, leaves no descriptor
 * of ours to it, and handles no signal (a handler would be lost at exec; what is ignored would not).
 */
import { type EnvironmentPlan, restoringLines } from './environment.ts';

/** The variable by which the gate is given its timer slack: anyone can read an argument. */
export const SLACK_VARIABLE = 'LOCKEX_GATE_SLACK';

/*
 * Arguments: the file to enter the cgroup by, or ''; the value of RLIMIT_LOCKS (marks.ts); 'hup' to
 * ignore SIGHUP, or ''; how many words of `env …` follow; those; the command.
 * Descriptor 3 is a socket to lockex:
 *
 *   gate → lockex   parked [outside] [lossy] [limit] [slack]
 *                                               in place (outside: not in the cgroup;
 *                                               lossy: odd variables can't be restored here;
 *                                               limit, slack: it carries these marks)
 *   lockex → gate   fencing token, lock path, deadline    each on a line: go, if it is not over
 *                                               (centiseconds of /proc/uptime; '': none)
 *   gate → lockex   late                        it is: lockex was stopped, or is late itself
 *   gate → lockex   failed STATUS               exec did not work; else end of file: it did
 *
 * Variables of the script have names that no environment can bring along, because one that came
 * from there would be exported to the command again.
 *
 * Descriptor 3 is closed by a redirection of the group around `exec`: dash, busybox and bash keep
 * the original aside with close-on-exec set, so the command doesn't get it, and the EXIT trap still
 * has it if exec fails. (bash leaves a failed exec only with `execfail`.)
 *
 * bash always writes `_` at exec; with it the way leads through env, too.
 */
export function gateScript(plan: EnvironmentPlan): string {
  return `
LOCKEX_GATE_SAYS=parked
if ! { [ -n "$1" ] && echo 0 >"$1"; } 2>/dev/null; then
  LOCKEX_GATE_SAYS='parked outside'
fi
if { ulimit -S -x "$2" || ulimit -S -w "$2"; } 2>/dev/null; then
  LOCKEX_GATE_SAYS="$LOCKEX_GATE_SAYS limit"
fi
if [ -n "$${SLACK_VARIABLE}" ] &&
  { echo "$${SLACK_VARIABLE}" >/proc/self/timerslack_ns; } 2>/dev/null; then
  LOCKEX_GATE_SAYS="$LOCKEX_GATE_SAYS slack"
fi
unset ${SLACK_VARIABLE}
[ -z "$3" ] || trap '' HUP
LOCKEX_GATE_SKIP=$4
shift 4
if [ ${plan.odd.length} -gt 0 ] || [ -n "\${BASH_VERSION-}" ]; then
  if ! { [ "$LOCKEX_GATE_SKIP" -gt 0 ] && "$1" -S true; } >/dev/null 2>&1 </dev/null; then
    LOCKEX_GATE_SAYS="$LOCKEX_GATE_SAYS lossy"
    LOCKEX_GATE_DIRECT=1
  fi
else
  LOCKEX_GATE_DIRECT=1
fi
if [ -n "$LOCKEX_GATE_DIRECT" ]; then
shift "$LOCKEX_GATE_SKIP"
${restoringLines(plan)}
fi
echo "$LOCKEX_GATE_SAYS" >&3
IFS= read -r LOCKEX_FENCING_TOKEN <&3 && IFS= read -r LOCKEX_LOCK_PATH <&3 || exit 125
IFS= read -r LOCKEX_GATE_UNTIL <&3 || exit 125
if [ -n "$LOCKEX_GATE_UNTIL" ]; then
  IFS=' ' read -r LOCKEX_GATE_NOW LOCKEX_GATE_IDLE </proc/uptime
  if [ "\${LOCKEX_GATE_NOW%.*}\${LOCKEX_GATE_NOW#*.}" -ge "$LOCKEX_GATE_UNTIL" ]; then
    echo late >&3
    exit 125
  fi
fi
export LOCKEX_FENCING_TOKEN LOCKEX_LOCK_PATH
[ -z "\${BASH_VERSION-}" ] || shopt -s execfail
trap 'echo "failed $?" >&3' EXIT
{ exec "$@"; } 3>&-
`;
}
