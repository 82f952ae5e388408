import type { CommandEvent, LeaseInfo } from '../../../machines/contract.ts';
import { Execution } from '../../../src/command/execution.ts';
import type { ExecutionParts } from '../../../src/command/execution-parts.ts';
import type { GateKeeperEvents } from '../../../src/command/gate/gate-keeper.ts';
import type { GuardKeeperEvents } from '../../../src/command/guard/guard-keeper.ts';
import { SimulatedClock } from '../../support/simulated-clock.ts';
import { FakeScope } from './fake-scope.ts';

export const KILL_AFTER_MS = 5000;

export class World {
  readonly clock = new SimulatedClock(1_000_000);
  readonly scope = new FakeScope();
  readonly emitted: CommandEvent[] = [];
  readonly logged: string[] = [];
  /** Calls of the parts, by name. */
  readonly calls: string[] = [];
  readonly gate = { isParked: false, isFound: true, hasInit: true };
  readonly guard = { isArmed: false };
  readonly execution: Execution;
  gateEvents!: GateKeeperEvents;
  guardEvents!: GuardKeeperEvents;

  constructor() {
    this.execution = new Execution(
      {
        command: { kind: 'shell', line: 'true' },
        env: {},
        lockId: 'test',
        guid: 'x',
        guard: true,
        killAfterMs: KILL_AFTER_MS,
        clock: this.clock,
        log: (_level, message) => this.logged.push(message),
        reaper: ['/reaper'],
      },
      (event) => this.emitted.push(event),
      this.#parts(),
    );
  }

  lease(lengthMs = 30_000): LeaseInfo {
    const now = this.clock.now();
    return { provenAt: now, leaseEnd: now + lengthMs, stopAt: now + lengthMs - 6000 };
  }

  #parts(): ExecutionParts {
    const { calls, gate, guard, scope } = this;
    const noted = (name: string) => () => void calls.push(name);
    return {
      newGateKeeper: (_options, events) => {
        this.gateEvents = events;
        return {
          scope,
          marks: { variable: 'X', limit: null, slack: null },
          directory: null,
          problem: null,
          get hasInit() {
            return gate.hasInit;
          },
          get isParked() {
            return gate.isParked;
          },
          park: noted('gate.park'),
          lookUpAgain: noted('gate.lookUpAgain'),
          open: () => {
            calls.push('gate.open');
            if (gate.isFound) gate.isParked = false;
            else events.onFailed(127, 'not found');
            return gate.isFound;
          },
          replace: noted('gate.replace'),
          signal: noted('gate.signal'),
          close: noted('gate.close'),
          dispose: noted('gate.dispose'),
          release: noted('gate.release'),
        };
      },
      newGuardKeeper: (_isWanted, _options, events) => {
        this.guardEvents = events;
        return {
          pid: null,
          get isArmed() {
            return guard.isArmed;
          },
          start: noted('guard.start'),
          setFact: (name) => void calls.push(`guard.setFact ${name}`),
          extend: noted('guard.extend'),
          extendIfNear: noted('guard.extendIfNear'),
          opening: noted('guard.opening'),
          renew: noted('guard.renew'),
          abandon: noted('guard.abandon'),
          dismiss: noted('guard.dismiss'),
        };
      },
    };
  }
}
