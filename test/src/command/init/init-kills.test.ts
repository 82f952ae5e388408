import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { INIT_KILL_SIGNAL, type InitRuntime } from '../../../../src/command/init/init-runtime.ts';

import { readProcess } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { cleanUp, newGuid } from '../harness.ts';
import {
  BY_SCAN,
  carrying,
  childrenOf,
  initOf,
  RUNTIMES,
  type Started,
  sh,
  start,
} from './started-init.ts';

afterEach(cleanUp);

/*
 * Forks in a loop. None of them has more than about ten processes at a time, creates more than
 * about a thousand in a second, or lasts longer than 20 s, so that a failing test cannot overload
 * the host.
 */
const UNTIL_THE_END = 'my $end = time + 20; while (time < $end)';
const REST = 'select(undef, undef, undef, 0.02)';
/** Each forks the next one and ends, in a session of its own. */
const CHAIN = `use POSIX; ${UNTIL_THE_END} { fork and exit; POSIX::setsid() }`;
/** Each forks the next one and stays: 80 generations. */
const LADDER = 'for (1 .. 80) { if (fork) { sleep 20; exit } } sleep 20';
/** Each forks two; the 16 of the last generation continue as chains. */
const BOMB = `use POSIX; my $n = 0; ${UNTIL_THE_END} {
  if ($n++ < 4) { fork } else { ${REST}; fork and exit }
  POSIX::setsid();
}`;

const PROCESS_TREES: Readonly<Record<string, string>> = {
  'a daemon that has left session, parent and environment': `
    (env -i /usr/bin/setsid /bin/sh -c '(exec /bin/sh -c "trap : TERM; sleep 600; :" "$0" &)' "$0" &)`,
  'a stopped process': '(setsid sh -c "kill -STOP \\$\\$; :" "$0" &)',
  'a subreaper of its own, with children in sessions of their own': `
    (/usr/bin/python3 -c 'import ctypes, os, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(600)
        os._exit(0)
time.sleep(600)' "$0" &)`,
  'children of a second thread': `
    (/usr/bin/python3 -c 'import os, threading, time
def work():
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    time.sleep(600)
threading.Thread(target=work).start()' "$0" &)`,
  'a chain of forks, each in a session of its own': `perl -e '${CHAIN}' "$0" &`,
  'a ladder of forks': `perl -e '${LADDER}' "$0" &`,
  'a bomb of forks': `perl -e '${BOMB}' "$0" &`,
};

const MEANS: Readonly<Record<string, (started: Started) => void>> = {
  'on request': ({ process: its }) => its.kill(),
  'when lockex is gone': ({ process: its }) => its.release(),
  'when the guard signals it': (started) => process.kill(initOf(started), INIT_KILL_SIGNAL),
};

describe.each(RUNTIMES)('the init in $name kills', (runtime) => {
  describe.each(Object.entries(PROCESS_TREES))('%s', (_what, script) => {
    it.each(Object.entries(MEANS))('%s', async (how, killBy) => {
      await expectKilled(runtime, script, how, killBy);
    });
  });
});

describe.each(BY_SCAN)('the init in %s, without lists of children, kills', (_name, runtime) => {
  it.each(Object.entries(PROCESS_TREES))('%s', async (_what, script) => {
    await expectKilled(runtime, script, 'on request', ({ process: its }) => its.kill());
  });
});

async function expectKilled(
  runtime: InitRuntime,
  script: string,
  how: string,
  killBy: (started: Started) => void,
): Promise<void> {
  const token = newGuid();
  const started = start(runtime, sh(`${script}\necho up >&3; exit 3`, token));
  await started.exit();
  // By parent: a chain of forks is faster than a reader of arguments.
  await until(() => childrenOf(initOf(started)).length > 0, 'the processes');
  // It is running.
  await pause(50);
  killBy(started);
  const init = initOf(started);
  if (how === 'when lockex is gone') await until(() => readProcess(init) === null, 'its end');
  else await started.until('empty');
  expect(carrying(token)).toEqual([]);
}
