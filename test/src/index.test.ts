/** The library's defaults and what it shows. */
import { expect, it } from 'vitest';
import { initialTransition } from 'xstate';
import { lockexMachine } from '../../machines/lockex.ts';
import { parseCommandLine } from '../../src/cli/parse.ts';
import { createLockex, defaults } from '../../src/index.ts';

it('the defaults of the library are those of the command line', () => {
  const parsed = parseCommandLine(['-i', 'x', '--', 'prog', 'arg'], {});
  if (parsed.kind !== 'run') throw new Error('no run');
  const { machine, access, lock, command } = parsed.settings;
  const { id, ...lockDefaults } = lock;
  const { line, ...commandDefaults } = command;
  expect({ machine, access, lock: lockDefaults, command: commandDefaults }).toEqual(defaults);
});

it('an input with more than the machine’s settings gets none of it into the context', () => {
  const input = { ...defaults.machine, command: 'serve --password hunter2', tls: { key: '/k' } };
  const [snapshot] = initialTransition(lockexMachine, input);
  expect(Object.keys(snapshot.context).sort()).toEqual([
    'conflictExitCode',
    'connectTries',
    'connectTriesLeft',
    'exit',
    'grant',
    'holdMs',
    'isHolding',
    'killAfterMs',
    'lease',
    'leftovers',
    'lockTries',
    'lockTriesLeft',
    'loss',
    'maxRuntimeMs',
    'onLost',
    'oncePerMs',
    'outcome',
    'patience',
    'pid',
    'queue',
    'session',
    'skipExitCode',
    'stopReport',
    'waitMs',
  ]);
});

it('the machine of a library user does not know the command, files or servers', () => {
  // Not started: it connects to nothing and parks nothing.
  const { actor } = createLockex({
    lock: { id: 'hunter2' },
    command: { line: { kind: 'program', argv: ['serve', '--password', 'hunter2'] } },
    access: { auth: { kind: 'file', path: '/hunter2' }, hosts: [{ host: 'hunter2', port: 1 }] },
  });
  expect(JSON.stringify(actor.getPersistedSnapshot())).not.toContain('hunter2');
});
