"""Runs a program on a terminal of its own, takes that away once it has said "ready", and prints its
exit status, below zero for a signal. The program is told of no hangup: it begins with SIGHUP ignored.
"""
import os
import pty
import signal
import sys

# Before the fork: Node forgets what it is started with, and lockex looks at its parent.
signal.signal(signal.SIGHUP, signal.SIG_IGN)
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b""
while b"ready" not in said:
    said += os.read(terminal, 4096)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
