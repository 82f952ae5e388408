/**
 * One event of every type, in every variant that the machine decides by; for tests of the machine.
 */
import type { LeaseInfo, LockexEvent, LockexInput, SignalEvent } from '../../machines/contract.ts';

export const input = (changes: Partial<LockexInput> = {}): LockexInput => ({
  connectTries: 1,
  lockTries: 1,
  waitMs: null,
  onLost: 'exit',
  killAfterMs: 5000,
  conflictExitCode: 1,
  maxRuntimeMs: null,
  leftovers: 'stop',
  holdMs: null,
  oncePerMs: null,
  skipExitCode: 0,
  ...changes,
});

export const session = { server: '127.0.0.1:2181', timeoutMs: 30_000 };
export const lease: LeaseInfo = { provenAt: 0, stopAt: 20_000, leaseEnd: 29_000 };
export const grant = { path: '/lockex/x/g__lock__0000000001', fencingToken: '42' };
export const holder = { node: 'h__lock__0000000000', label: 'db1 pid 1 (redis-server)' };
const exit = { code: 0, signal: null };
const killed = { code: null, signal: { name: 'SIGKILL', number: 9 } };
const how = { means: 'exited', stragglers: [] } as const;
const stopped = { means: 'SIGTERM', stragglers: ['agent[13]'] } as const;

const signal = (name: string, number: number): SignalEvent => ({
  type: 'signal.received',
  signal: name,
  number,
});

export const signals = {
  TERM: signal('SIGTERM', 15),
  INT: signal('SIGINT', 2),
  HUP: signal('SIGHUP', 1),
  QUIT: signal('SIGQUIT', 3),
  USR1: signal('SIGUSR1', 10),
  CONT: signal('SIGCONT', 18),
  TSTP: signal('SIGTSTP', 20),
};

/** By name; several of one type where the machine decides by what is in it. */
export const facts = {
  'session.established': { type: 'session.established', session, lease },
  'session.unreachable': {
    type: 'session.unreachable',
    hosts: [{ host: 'a:1', problem: 'connection refused' }],
  },
  'session.suspended': { type: 'session.suspended', reason: 'connection closed' },
  'session.resumed': { type: 'session.resumed', session },
  'session.lost (lease ending)': {
    type: 'session.lost',
    loss: { cause: 'leaseEnding', message: 'not proven in time', leaseEnd: 29_000 },
  },
  'session.lost (expired)': {
    type: 'session.lost',
    loss: { cause: 'expired', message: 'the session expired', leaseEnd: null },
  },
  'session.closed': { type: 'session.closed', clean: true },
  'lock.queued': {
    type: 'lock.queued',
    queue: { position: 1, holders: [holder], behind: holder },
  },
  'lock.granted': { type: 'lock.granted' },
  'lock.confirmed': { type: 'lock.confirmed', grant, lease, lastRun: null },
  'lock.confirmed (ran lately)': {
    type: 'lock.confirmed',
    grant,
    lease,
    lastRun: { agoMs: 185_000, label: 'db1 pid 1 (make-report)' },
  },
  'run.recorded': { type: 'run.recorded', confirmed: true, message: 'recorded' },
  'lock.refused': { type: 'lock.refused', message: 'a semaphore of 3, not 2' },
  'lock.released': { type: 'lock.released', confirmed: true, message: 'released' },
  'lease.renewed': { type: 'lease.renewed', lease },
  'command.unresolved': { type: 'command.unresolved', message: 'not there yet' },
  'command.armed': { type: 'command.armed', guarded: true, scope: 'cgroup' },
  'command.started': { type: 'command.started', pid: 4711 },
  'command.failed (127)': { type: 'command.failed', exitCode: 127, message: 'not found' },
  'command.exited': { type: 'command.exited', exit, byGuard: false },
  'command.exited (by the guard)': { type: 'command.exited', exit: killed, byGuard: true },
  'command.stopped': { type: 'command.stopped', exit, how },
  'command.stopped (leftovers)': { type: 'command.stopped', exit, how: stopped },
  'command.unkillable': { type: 'command.unkillable', processes: ['dd[12]'] },
  'guard.failed': { type: 'guard.failed', message: 'the guard is gone' },
  'signal TERM': signals.TERM,
  'signal INT': signals.INT,
  'signal USR1': signals.USR1,
  'signal TSTP': signals.TSTP,
  'wait.timedOut': { type: 'wait.timedOut' },
  'run.timedOut': { type: 'run.timedOut', maxRuntimeMs: 5000 },
  'hold.over': { type: 'hold.over' },
} as const satisfies Record<string, LockexEvent>;

// A type error here: an event type has no fact.
type Missing = Exclude<LockexEvent['type'], (typeof facts)[keyof typeof facts]['type']>;
true satisfies [Missing] extends [never] ? true : Missing;
