/** `Type=notify`, with a notify socket and systemd-notify. */
import { symlinkSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { startProgram } from '../support/processes.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { startLockex, temporaryDirectory, untilQueued } from './program.ts';

/** Prints each message, its lines joined by a bar. Node has no Unix datagram sockets. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print('|'.join(s.recv(4096).decode().split('\\n')), flush=True)
`;

let hosts: string;
let socket: string;
let heard: ReturnType<typeof startProgram>;
beforeEach(async () => {
  hosts = (await sharedServerWithChroot()).connectString;
  socket = `${temporaryDirectory()}/notify`;
  heard = startProgram('/usr/bin/python3', ['-c', RECEIVER, socket]);
  await heard.line(/^bound$/);
});

const lockex = (...args: string[]) =>
  startLockex(['-z', hosts, '-i', 'unit', ...args], { env: { NOTIFY_SOCKET: socket } });

describe('systemd', () => {
  it('is notified that a standby is ready, of its states, and that it stops', async () => {
    const holder = lockex('--', 'echo "[$NOTIFY_SOCKET]"; read line; exit 3');
    // The command cannot send notifications for the unit.
    expect(await holder.line(/^\[/)).toBe('[]');
    await heard.line(/READY=1\|STATUS=running: fencing token \d+/);
    holder.stdin.end('go\n');
    expect((await holder.ended).status).toBe(3);
    // systemd-notify waits until each message has been received (its barrier).
    const messages = heard.stdout.split('\n').filter((line) => /STATUS/.test(line));
    expect(messages.map((message) => message.replace(/token \d+/, 'token N'))).toEqual([
      'STATUS=connecting',
      'READY=1|STATUS=waiting',
      'STATUS=locked',
      'READY=1|STATUS=running: fencing token N',
      'STOPPING=1|STATUS=cleanup: the command exited with 3',
      'STOPPING=1|STATUS=done: the command exited with 3',
    ]);
  });

  it('is notified only in state running with --ready-when running', async () => {
    const holder = startLockex(['-z', hosts, '-i', 'unit', '--', 'read line']);
    await holder.line(/"state":"running"/, 'stderr');
    const standby = lockex('--ready-when', 'running', '--', 'exec sleep 600');
    await untilQueued(standby);
    await heard.line(/^STATUS=waiting$/);
    expect(heard.stdout).not.toContain('READY=1');
    holder.stdin.end('go\n');
    await heard.line(/^READY=1\|STATUS=running/);
  });

  it('a missing systemd-notify causes only a warning', async () => {
    const directory = temporaryDirectory();
    symlinkSync(process.execPath, `${directory}/node`);
    const env = { NOTIFY_SOCKET: socket, PATH: directory };
    const program = startLockex(['-z', hosts, '--', '/bin/true', 'x'], { env });
    const { status, stderr } = await program.ended;
    expect(status).toBe(0);
    expect(stderr).toMatch(/"level":"warn".*cannot run systemd-notify/);
  });
});
