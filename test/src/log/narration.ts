/** The real machine with simulated actors, a reporter, and a log that keeps everything. */
import type { LockexEvent, LockexInput, QueueInfo } from '../../../machines/contract.ts';
import { createLog } from '../../../src/log/log.ts';
import { Reporter } from '../../../src/log/reporter.ts';
import { facts } from '../../machines/facts.ts';
import { onStage } from '../../machines/stage.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { FakeSink } from '../cli/fakes.ts';

export type Fact = keyof typeof facts | LockexEvent;

export function narrated(changes: Partial<LockexInput> = {}, isTerminal = false) {
  const stage = onStage(changes);
  const sink = new FakeSink(isTerminal);
  const clock = new SimulatedClock(0);
  const log = createLog({
    format: 'text',
    level: 'info',
    lockId: 'x',
    pid: 1,
    sink,
    env: { NO_COLOR: '1' },
    isForeground: () => true,
  });
  const logged: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  const reporter = new Reporter({
    log: {
      isLive: log.isLive,
      write: (level, message, fields = {}) => {
        logged.push({ level, message, fields });
        log.write(level, message, fields);
      },
      fail: (error) => log.fail(error),
      live: (text) => log.live(text),
      flush: () => log.flush(),
    },
    clock,
  });
  const observe = (event: LockexEvent | null) =>
    reporter.observe({ state: stage.state(), context: stage.context() }, event);
  observe(null);
  return {
    clock,
    sink,
    reporter,
    /** Lines since the last call at info and above: level (except info) and message. */
    news: () =>
      logged
        .splice(0)
        .filter(({ level }) => level !== 'debug')
        .map(({ level, message }) => (level === 'info' ? message : `${level}: ${message}`)),
    /** The same, with levels and fields, debug included. */
    all: () => logged.splice(0),
    hear(...events: Fact[]) {
      for (const fact of events) {
        const event = typeof fact === 'string' ? facts[fact] : fact;
        stage.hear(event);
        observe(event);
      }
    },
    conclude: () => {
      const output = stage.output();
      if (output === undefined) throw new Error(`not done, but ${stage.state()}`);
      reporter.conclude(output);
    },
    /** Resolves when winston has written its pending lines. */
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

export const RUNNING = [
  'session.established',
  'lock.granted',
  'lock.confirmed',
  'command.armed',
  'command.started',
] as const;

export const db = { node: 'a__lock__1', label: 'db1 pid 4711 (redis-server)' };
export const other = { node: 'b__lock__2', label: 'db2 pid 12 (redis-server)' };

export function queued(queue: Partial<QueueInfo>): LockexEvent {
  return { type: 'lock.queued', queue: { position: 1, holders: [db], behind: db, ...queue } };
}
