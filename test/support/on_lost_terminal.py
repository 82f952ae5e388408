"""Runs a program on a terminal of its own, closes the terminal after it has printed "ready", and
prints its exit status, negative for a signal. SIGHUP is ignored, so it does not notice the hangup.
"""
import os
import pty
import signal
import sys

# Before the fork: Node resets its own dispositions, so lockex reads those of its parent.
signal.signal(signal.SIGHUP, signal.SIG_IGN)
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
output = b""
while b"ready" not in output:
    output += os.read(terminal, 4096)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
