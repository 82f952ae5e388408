/**
 * A gate without an init, on a host where /proc/PID/stat can't be read at the moment of its start.
 */
import { expect, it, vi } from 'vitest';
import { DirectGateProcess, NO_START_TIME } from '../../../../src/command/gate/gate-process.ts';
import { processesNaming } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';

const state = vi.hoisted(() => ({ isReadable: true }));

vi.mock('../../../../src/command/processes/process-table.ts', async (original) => {
  const table =
    await original<typeof import('../../../../src/command/processes/process-table.ts')>();
  return { ...table, startOf: (pid: number) => (state.isReadable ? table.startOf(pid) : 0) };
});

/** Its word is in the arguments of the process. */
function started(word: string) {
  const told: string[] = [];
  const tell = (what: string) => () => void told.push(what);
  const gate = new DirectGateProcess(
    { argv: ['/bin/sh', '-c', 'sleep 60; :', word], cwd: undefined, env: {} },
    {
      onIdentified: tell('identified'),
      onText: tell('text'),
      onClosed: tell('closed'),
      onExit: tell('exit'),
      onError: ({ message }) => void told.push(message),
      onUnfit: tell('unfit'),
      onInitLost: tell('lost'),
      onEmpty: tell('empty'),
    },
  );
  return { gate, told };
}

it('is known by its number and its start time', async () => {
  state.isReadable = true;
  const { gate, told } = started('gate-with-start-time');
  expect(gate.identity?.start).toBeGreaterThan(0);
  gate.kill();
  await until(() => told.includes('exit'), 'its end');
});

it('is killed, and reported as not started, where its start time is unknown', async () => {
  state.isReadable = false;
  const word = `gate-without-start-time-${process.pid}`;
  const { gate, told } = started(word);
  expect(gate.identity).toBeNull();
  await until(() => told.length > 0, 'the error');
  state.isReadable = true;
  await until(() => processesNaming(word).length === 0, 'the end of the process');
  expect(told).toEqual([NO_START_TIME]);
});
