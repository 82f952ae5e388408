/** Shared by the tests of the init: starts one, and collects its reports. */
import { readFileSync } from 'node:fs';
import type { CommandExit } from '../../../../machines/outcome.ts';
import { DirectGateProcess, type GateProcess } from '../../../../src/command/init/gate-process.ts';
import { InitGateProcess } from '../../../../src/command/init/init.ts';
import { findInitRuntimes, type InitRuntime } from '../../../../src/command/init/init-runtime.ts';
import { systemClock } from '../../../../src/util/clock.ts';

import { isStill, readProcessTable } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { onCleanUp } from '../harness.ts';

export const RUNTIMES = findInitRuntimes();

/** As on a kernel without CONFIG_PROC_CHILDREN. */
export const BY_SCAN = RUNTIMES.map((runtime): readonly [string, InitRuntime] => {
  const script = (runtime.env['script'] ?? '').replaceAll('/children', '/none');
  return [runtime.name, { ...runtime, env: { ...runtime.env, script } }];
});

export interface Started {
  readonly process: GateProcess;
  readonly heard: string[];
  /** Text from descriptor 3. */
  readonly output: () => string;
  exit(): Promise<CommandExit>;
  until(what: string): Promise<void>;
}

export const DIRECT = null;
export const PATH = '/usr/bin:/bin';

export function start(
  runtime: InitRuntime | typeof DIRECT,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = { PATH },
): Started {
  const heard: string[] = [];
  let output = '';
  let exit: CommandExit | null = null;
  const events = {
    onIdentified: () => heard.push('identified'),
    onText: (text: string) => {
      output += text;
    },
    onClosed: () => heard.push('closed'),
    onExit: (how: CommandExit) => {
      exit = how;
      heard.push('exit');
    },
    onError: ({ code, message }: NodeJS.ErrnoException) => heard.push(`error ${code ?? message}`),
    onUnfit: (reason: string) => heard.push(`unfit ${reason}`),
    onInitLost: () => heard.push('lost'),
    onEmpty: () => heard.push('empty'),
  };
  const options = { argv, cwd: undefined, env };
  const started =
    runtime === DIRECT
      ? new DirectGateProcess(options, events)
      : new InitGateProcess(runtime, options, systemClock, events);
  onCleanUp(async () => {
    started.kill();
    started.release();
    const { init } = started;
    if (init !== null) await until(() => !isStill(init), 'the init to leave');
  });
  const untilHeard = (what: string) => until(() => heard.includes(what), what);
  return {
    process: started,
    heard,
    output: () => output,
    until: untilHeard,
    exit: async () => {
      await untilHeard('exit');
      if (exit === null) throw new Error('no exit');
      return exit;
    },
  };
}

export const sh = (script: string, ...args: string[]) => ['/bin/sh', '-c', script, ...args];

/**
 * Processes that carry this word in their arguments, which a fork keeps and `env -i` does not
 * remove.
 */
export function carrying(token: string): readonly number[] {
  return [...readProcessTable().values()]
    .filter(({ state }) => !'ZX'.includes(state))
    .map(({ pid }) => pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(token);
      } catch {
        return false;
      }
    });
}

export function childrenOf(pid: number) {
  return [...readProcessTable().values()].filter(({ parent }) => parent === pid);
}

export function initOf({ process: { init } }: Started): number {
  if (init === null) throw new Error('there is no init');
  return init.pid;
}

export const inChunks = async <T>(
  all: readonly T[],
  size: number,
  work: (one: T) => Promise<void>,
) => {
  for (let at = 0; at < all.length; at += size) {
    await Promise.all(all.slice(at, at + size).map(work));
  }
};
