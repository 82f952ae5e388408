"""HOSTS PATH COMMAND...: runs a command under a kazoo Lock, and does nothing else."""
import subprocess
import sys

from kazoo.client import KazooClient

hosts, path, *command = sys.argv[1:]
client = KazooClient(hosts=hosts, timeout=30)
client.start()
with client.Lock(path):
    status = subprocess.call(command)
client.stop()
sys.exit(status)
