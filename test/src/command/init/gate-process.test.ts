/** A gate without an init whose /proc/PID/stat cannot be read when it starts. */
import { expect, it, vi } from 'vitest';
import { DirectGateProcess, NO_START_TIME } from '../../../../src/command/init/gate-process.ts';
import { processesNaming } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';

const state = vi.hoisted(() => ({ isReadable: true }));

vi.mock('../../../../src/command/processes/process-table.ts', async (original) => {
  const table =
    await original<typeof import('../../../../src/command/processes/process-table.ts')>();
  return { ...table, startOf: (pid: number) => (state.isReadable ? table.startOf(pid) : 0) };
});

/** A shell that stops itself, and starts no other process. `directory` is in its arguments. */
function started(directory: string) {
  const reported: string[] = [];
  const note = (what: string) => () => void reported.push(what);
  const gate = new DirectGateProcess(
    { argv: ['/bin/sh', '-c', 'kill -STOP $$', `${directory}/`], cwd: undefined, env: {} },
    {
      onIdentified: note('identified'),
      onText: note('text'),
      onClosed: note('closed'),
      onExit: note('exit'),
      onError: ({ message }) => void reported.push(message),
      onUnfit: note('unfit'),
      onInitLost: note('lost'),
      onEmpty: note('empty'),
    },
  );
  return { gate, reported };
}

it('is identified by its pid and its start time', async () => {
  state.isReadable = true;
  const { gate, reported } = started('gate-with-start-time');
  expect(gate.identity?.start).toBeGreaterThan(0);
  await until(() => processesNaming('gate-with-start-time').length === 1, 'the shell');
  gate.kill();
  await until(() => reported.includes('exit'), 'its end');
});

it('is killed, and reported as not started, if its start time is unknown', async () => {
  state.isReadable = false;
  const directory = `gate-without-start-time-${process.pid}`;
  const { gate, reported } = started(directory);
  expect(gate.identity).toBeNull();
  await until(() => reported.length > 0, 'the error');
  state.isReadable = true;
  await until(() => processesNaming(directory).length === 0, 'the end of the process');
  expect(reported).toEqual([NO_START_TIME]);
});
