# shellcheck shell=sh
# The part of the guard that identifies a process of the command by its marks
# (processes/inherited-marks.ts).

uid=''
while read -r key real rest; do
  [ "$key" != Uid: ] || uid=$real
done 2>/dev/null </proc/self/status

# PID: true if the process carries one of the command's marks.
is_marked() {
  [ -z "$timer_slack" ] || ! has_slack "$1" || return 0
  if has_limit "$1" || has_variable "$1"; then is_of_user "$1"; else return 1; fi
}

# Without CAP_SYS_NICE the file can be opened, but not read (fs/proc/base.c, timerslack_ns_show).
has_slack() {
  text=''
  { IFS= read -r text || :; } 2>/dev/null <"/proc/$1/timerslack_ns" ||
    mark_unsure "/proc/$1/timerslack_ns"
  [ "$text" = "$timer_slack" ]
}

has_limit() {
  [ -n "$limit" ] || return 1
  while read -r one two three hard rest; do
    [ "$one $two $three" != 'Max file locks' ] || { [ "$hard" = "$limit" ]; return; }
  done 2>/dev/null <"/proc/$1/limits"
  mark_unsure "/proc/$1/limits"
  return 1
}

# The environment of another user's process can't be read, nor that of a program like ssh-agent,
# which is not dumpable. The limits can be read.
has_variable() {
  [ -n "$marker" ] && [ -r "/proc/$1/environ" ] || return 1
  while IFS= read -r text || [ -n "$text" ]; do
    case $text in *"$marker="*) return 0 ;; esac
  done 2>/dev/null <"/proc/$1/environ"
  return 1
}

# True if the process belongs to this user. Another user could read both marks and imitate them.
is_of_user() {
  while read -r key real rest; do
    [ "$key" != Uid: ] || { [ "$real" = "$uid" ]; return; }
  done 2>/dev/null <"/proc/$1/status"
  mark_unsure "/proc/$1/status"
  return 1
}
