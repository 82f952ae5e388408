# The init process in Python, for Linux hosts without a suitable perl. It does the same as init.pl,
# in the same order. Calls system calls without a Python function through the C library (ctypes).

import ctypes, os, select, signal, time

libc = ctypes.CDLL(None, use_errno=True)
kill_signal = int(os.environ['signal'])
CHANNEL = 4
os.set_inheritable(CHANNEL, False)

def report(line):
    try: os.write(CHANNEL, line.encode() + b'\n')
    except OSError: pass

def unfit(reason):
    report('unfit ' + reason)
    os._exit(1)

# With SIGCHLD ignored the kernel would discard the exit status of children (wait(2)).
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
# Signals are blocked, not ignored: the first process would inherit ignored signals (execve(2)).
inherited = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER = 36, 37
is_set = ctypes.c_int(0)
if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 \
        or libc.prctl(PR_GET_CHILD_SUBREAPER, ctypes.byref(is_set), 0, 0, 0) != 0 \
        or is_set.value != 1:
    unfit('PR_SET_CHILD_SUBREAPER: ' + os.strerror(ctypes.get_errno()))
# sigset_t: 128 bytes of unsigned long. SFD_CLOEXEC and SFD_NONBLOCK are the flags of open(2).
wanted = (ctypes.c_ulong * (128 // ctypes.sizeof(ctypes.c_ulong)))()
for number in (signal.SIGCHLD, kill_signal):
    word, bit = divmod(number - 1, 8 * ctypes.sizeof(ctypes.c_ulong))
    wanted[word] |= 1 << bit
signals = libc.signalfd(-1, ctypes.byref(wanted), os.O_CLOEXEC | os.O_NONBLOCK)
if signals < 0: unfit('signalfd: ' + os.strerror(ctypes.get_errno()))

own = os.getpid()
# A /proc of another pid namespace shows other pids: it is not used at all.
try: has_proc = os.readlink('/proc/self') == str(own)
except OSError: has_proc = False
try: own_list = os.open('/proc/self/task/%d/children' % own, os.O_RDONLY) if has_proc else -1
except OSError: own_list = -1
has_children = own_list >= 0

data = b''
eof = False

# A read error other than EAGAIN counts as an end of file: a Unix socket whose peer closed it before
# reading everything returns ECONNRESET.
def receive():
    global data, eof
    try: got = os.read(CHANNEL, 65536)
    except BlockingIOError: return
    except OSError: got = b''
    data += got
    eof = got == b''

arguments = None
while arguments is None:
    select.select([CHANNEL], [], [])
    receive()
    if eof: os._exit(1)
    header, newline, rest = data.partition(b'\n')
    if not newline: continue
    length, count = map(int, header.split())
    if len(rest) < length: continue
    variables = rest[:length - 1].split(b'\0')
    data = rest[length:]
    arguments, variables = variables[:count], variables[count:]

try:
    first = os.fork()
except OSError as error:
    report('failed %d' % error.errno)
    os._exit(1)
if first == 0:
    try:
        os.setsid()
        # Python itself ignores these two.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, inherited)
        texts = lambda items: (ctypes.c_char_p * (len(items) + 1))(*items)
        libc.execve(arguments[0], texts(arguments), texts(variables))
        report('failed %d' % ctypes.get_errno())
    finally:
        os._exit(125)

def read_all(descriptor):
    parts = []
    while True:
        part = os.read(descriptor, 65536)
        if not part: return b''.join(parts)
        parts.append(part)

def contents(path):
    descriptor = os.open(path, os.O_RDONLY)
    try: return read_all(descriptor)
    finally: os.close(descriptor)

# Returns fields of /proc/PID/stat; None if there is no such process.
def status(pid):
    try: fields = contents('/proc/%d/stat' % pid).rpartition(b') ')[2].split()
    except OSError: return None
    if len(fields) < 20: return None
    return dict(parent=int(fields[1]), group=int(fields[2]), threads=int(fields[17]),
                start=int(fields[19]))

def numbers(path):
    try: return [int(name) for name in os.listdir(path) if name.isdigit()]
    except OSError: return []

found = status(first) if has_proc else None
report('started %d %d' % (first, found['start'] if found else 0))
arguments = variables = rest = header = None
os.close(3)
for target, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
    try:
        null = os.open('/dev/null', flags)
        os.dup2(null, target)
        if null != target: os.close(null)
    except OSError:
        try: os.close(target)
        except OSError: pass
# Other inherited descriptors, such as that of a flock(1) that lockex runs under.
for descriptor in numbers('/proc/self/fd') if has_proc else []:
    if descriptor not in (0, 1, 2, CHANNEL, signals, own_list):
        try: os.close(descriptor)
        except OSError: pass
os.chdir('/')
# Succeeds only as root. init.pl describes autogroups.
try: os.setpriority(os.PRIO_PROCESS, 0, -20)
except OSError: pass
try:
    with open('/proc/self/autogroup', 'w') as autogroup: autogroup.write('-20')
except OSError: pass

# A scan and a list of children can both miss a process that is forked at the same time. They are
# repeated until no process is left.
table = {}
def scan():
    table.clear()
    for pid in numbers('/proc'):
        found = status(pid)
        if found: table.setdefault(found['parent'], []).append(pid)

def children_of(pid, threads):
    if not has_children: return table.get(pid, [])
    # Each thread has its own list (fs/proc/array.c, get_children_pid).
    children = []
    for task in numbers('/proc/%d/task' % pid) if threads > 1 else [pid]:
        try: children += map(int, contents('/proc/%d/task/%d/children' % (pid, task)).split())
        except OSError: pass
    return children

def own_children():
    if not has_children: return table.get(own, [])
    os.lseek(own_list, 0, os.SEEK_SET)
    return list(map(int, read_all(own_list).split()))

def kill(pid):
    try: os.kill(pid, signal.SIGKILL)
    except OSError: pass

def kill_group(group):
    try: os.killpg(group, signal.SIGKILL)
    except OSError: pass

has_exited = is_empty = is_killing = False
pause = 0
def reap():
    global has_exited, is_empty
    while not is_empty:
        try: pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            is_empty = True
            report('empty')
            break
        if pid == 0: break
        if pid == first and not has_exited:
            has_exited = True
            report('exited %d %d' % (ended >> 8, ended & 127))

signalled = set()

# Sends SIGKILL to the children of this process that have not received it. Only this process reaps
# them, so their pids can't be reused.
def kill_own():
    global signalled
    # Only with an up-to-date list: the pids of a scan must not be freed before they are used.
    if has_children: reap()
    listed = own_children()
    new = [pid for pid in listed if pid not in signalled]
    for pid in new: kill(pid)
    signalled = set(listed)
    return [(pid, own) for pid in new]

rounds = is_asking = 0
asked = set()

# Finds, for each descendant that this user has no permission to signal, the nearest ancestor that
# it can signal: a relay, which may forward SIGTERM, as sudo does, if it is not killed first. Each
# relay gets one SIGTERM. root needs no relays. Only some rounds search for them.
def find_relays():
    global rounds, is_asking
    rounds += 1
    if os.geteuid() == 0 or not is_asking and rounds % 64 != 1: return set()
    relays, foreign, parents, found = set(), set(), {}, list(own_children())
    for pid in found:
        try: os.kill(pid, 0)
        except PermissionError:
            foreign.add(pid)
            up = parents.get(pid)
            while up in foreign: up = parents.get(up)
            if up and up not in asked: relays.add(up)
        except OSError: pass
        for child in children_of(pid, (status(pid) or {}).get('threads', 1)):
            if child not in parents:
                parents[child] = pid
                found.append(child)
    # A process that is adopted during this walk is missed: the search must find none several times.
    is_asking = 3 if relays else max(0, is_asking - 1)
    return relays

# Sends SIGTERM to each relay and gives it time to forward it; sends SIGKILL to all other
# descendants. In the next round the relays are among the latter.
def ask_relays(relays):
    for pid in relays:
        try:
            os.kill(pid, signal.SIGTERM)
            os.kill(pid, signal.SIGCONT)
        except OSError: pass
        asked.add(pid)
    found = [(pid, own) for pid in own_children()]
    for pid, parent in found:
        its = status(pid)
        if its is None or its['parent'] not in (parent, own): continue
        found += [(child, pid) for child in children_of(pid, its['threads'])]
        if pid not in relays: kill(pid)
    time.sleep(0.1)
    return 0

# Sends SIGKILL to every descendant once. Returns the seconds until the next round. init.pl explains
# the order.
def kill_descendants():
    global pause, signalled
    if has_proc and not has_children: scan()
    relays = find_relays()
    if relays: return ask_relays(relays)
    if is_asking: return 0.02
    # Its pid can't be reused, for a process or for a group, until it has been reaped.
    if not has_exited:
        kill_group(first)
        kill(first)
    found = new = kill_own()
    while len(new) > 15 and len(found) < 2000 and has_children:
        new = kill_own()
        found = found + new
    has_new = len(found) > 0
    examined = 0
    groups = set()
    while found and examined < 2000:
        examined += 1
        if examined % 32 == 0: found += kill_own()
        pid, parent = found.pop()
        its = status(pid)
        # The pid may have been reused since it was listed, unless the parent is still the same.
        if its is None or its['parent'] not in (parent, own): continue
        kill(pid)
        # One signal to the whole group gives none of its processes time to fork (kernel/fork.c
        # restarts a fork while a signal is pending). This process keeps the id in use.
        group = its['group']
        if group > 1 and group != own and group not in groups:
            groups.add(group)
            kill_group(group)
        found += [(child, pid) for child in children_of(pid, its['threads'])]
    # Signal all of them again in the next round: new children may have reused their pids.
    if found or not has_new: signalled = set()
    pause = 0 if has_new else min(2 * pause, 0.5) if pause else 0.001
    return pause

while not (is_empty and eof):
    reap()
    if is_empty and eof: break
    # The message may have arrived together with the request, before this loop.
    if eof or b'kill\n' in data:
        is_killing = True
        data = b''
    seconds = kill_descendants() if is_killing and not is_empty else None
    ready = select.select([signals] if eof else [signals, CHANNEL], [], [], seconds)[0]
    if signals in ready:
        records = os.read(signals, 64 * 128)
        # struct signalfd_siginfo: 128 bytes; the signal number comes first.
        for at in range(0, len(records), 128):
            if ctypes.c_uint32.from_buffer_copy(records, at).value == kill_signal: is_killing = True
    if CHANNEL in ready: receive()
os._exit(0)
