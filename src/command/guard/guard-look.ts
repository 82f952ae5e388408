/**
 * The part of the guard's script that finds what the command started (guard-ending.ts ends it): the same
 * means as union-reach.ts. Text only, for dash, busybox ash and bash; it starts no process.
 */

/**
 * `is_it PID START`: the process of that number is still the same, for certain. `look`: leaves in `seen`,
 * as PID:START, everything living that the command started: by descent, session, group, what lockex
 * saw; `look marked`: also by marks, which takes longer. `unsure` is set when it may not be all.
 */
export function looking(): string {
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
  [ -z "$directory$init" ] || return 1
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
export function marking(): string {
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
