/**
 * The machine with actors of your own: a lock that is granted at once, and lost while the command runs.
 * Nothing here connects to ZooKeeper or starts a process, so every course of events can be tried.
 *
 *     node docs/examples/own-actors.js
 */
import { defaults, lockexMachine, stateName } from 'lockex';
import { createActor, fromCallback } from 'xstate';

const session = { server: 'nowhere:2181', timeoutMs: 30_000 };
const lease = { provenAt: 0, leaseEnd: 29_000, stopAt: 24_000 };

/** Answers each command, one after the other, as an actor that talks to a server would. */
const answering = (answers) =>
  fromCallback(({ sendBack, receive }) => {
    receive((command) => {
      for (const { afterMs = 0, ...event } of answers[command.type]?.() ?? []) {
        setTimeout(() => sendBack(event), afterMs);
      }
    });
  });

const loss = { cause: 'expired', message: 'the session expired', leaseEnd: null };

const zookeeper = answering({
  'session.connect': () => [{ type: 'session.established', session, lease }],
  'lock.join': () => [{ type: 'lock.granted' }],
  'lock.confirm': () => [
    {
      type: 'lock.confirmed',
      grant: { path: '/lockex/x/1', fencingToken: '7' },
      lease,
      lastRun: null,
    },
    { type: 'session.lost', loss, afterMs: 200 },
  ],
  'lock.release': () => [{ type: 'lock.released', confirmed: true, message: 'released' }],
  'session.close': () => [{ type: 'session.closed', clean: true }],
});

const command = answering({
  'command.arm': () => [{ type: 'command.armed', guarded: false, scope: 'nothing' }],
  'command.start': () => [{ type: 'command.started', pid: 4711 }],
  'command.stop': () => [
    {
      type: 'command.stopped',
      exit: { code: null, signal: { name: 'SIGKILL', number: 9 } },
      how: { means: 'SIGKILL', stragglers: [] },
    },
  ],
});

const signals = fromCallback(() => {});

const actor = createActor(lockexMachine.provide({ actors: { zookeeper, command, signals } }), {
  input: defaults.machine,
});
const states = new Set();
actor.subscribe({
  next: ({ value }) => states.add(stateName(value)),
  complete: () => {
    console.log([...states].join(' → '));
    console.log(`exit status ${actor.getSnapshot().output.exitCode}`);
  },
});
actor.start();
