"""A kazoo client that executes requests, for tests of the compatibility of kazoo and lockex.

One JSON object per line on standard input: {"id": 1, "do": "acquire", ...}; answered on
standard output: {"id": 1, "ok": ...} or {"id": 1, "error": "LockTimeout", "message": ...}. Each
request runs in its own thread, so that one that waits for a lock does not block the others. At the
end of its input it closes its session and exits; after five minutes it exits in any case.
"""

import json
import signal
import sys
import threading

from kazoo.client import KazooClient
from kazoo.security import make_acl

answering = threading.Lock()
recipes = {}
client = None


def answer(reply):
    with answering:
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def start(hosts, timeout, auth=None):
    global client
    access = {}
    if auth:
        access["auth_data"] = [("digest", auth)]
        access["default_acl"] = [make_acl("auth", "", all=True)]
    client = KazooClient(hosts=hosts, timeout=timeout, **access)
    client.add_listener(lambda state: answer({"event": state}))
    client.start(timeout=30)
    return {"sessionId": "%x" % client.client_id[0]}


def make(name, kind, path, identifier=None, extra_lock_patterns=(), max_leases=1):
    if kind == "Semaphore":
        recipes[name] = client.Semaphore(path, identifier, max_leases=max_leases)
    else:
        recipe = {"Lock": client.Lock, "ReadLock": client.ReadLock, "WriteLock": client.WriteLock}
        recipes[name] = recipe[kind](path, identifier, extra_lock_patterns=extra_lock_patterns)


def acquire(name, blocking=True, timeout=None):
    return recipes[name].acquire(blocking=blocking, timeout=timeout)


def close():
    client.stop()
    client.close()


ACTIONS = {
    "start": start,
    "make": make,
    "acquire": acquire,
    "release": lambda name: recipes[name].release(),
    "cancel": lambda name: recipes[name].cancel(),
    "contenders": lambda name: recipes[name].contenders(),
    "lease_holders": lambda name: recipes[name].lease_holders(),
    "delete": lambda path: client.delete(path),
    "children": lambda path: sorted(client.get_children(path)),
}


def run(request):
    identity, action = request.pop("id"), request.pop("do")
    try:
        answer({"id": identity, "ok": ACTIONS[action](**request)})
    except Exception as error:
        answer({"id": identity, "error": type(error).__name__, "message": str(error)})


signal.alarm(300)
for line in sys.stdin:
    threading.Thread(target=run, args=(json.loads(line),), daemon=True).start()
if client is not None:
    close()
