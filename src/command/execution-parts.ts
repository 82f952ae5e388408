/** The parts of an execution, and the interface that it uses. Tests can replace the parts. */
import { GateKeeper, type GateKeeperEvents } from './gate/gate-keeper.ts';
import {
  GuardKeeper,
  type GuardKeeperEvents,
  type GuardKeeperOptions,
} from './guard/guard-keeper.ts';
import type { SupervisorOptions } from './options.ts';

/** The public members. */
export type GateKeeperPart = Pick<GateKeeper, keyof GateKeeper>;
export type GuardKeeperPart = Omit<Pick<GuardKeeper, keyof GuardKeeper>, 'state'>;

export interface ExecutionParts {
  newGateKeeper(options: SupervisorOptions, events: GateKeeperEvents): GateKeeperPart;
  newGuardKeeper(
    isWanted: boolean,
    options: GuardKeeperOptions,
    events: GuardKeeperEvents,
  ): GuardKeeperPart;
}

export const REAL_PARTS: ExecutionParts = {
  newGateKeeper: (options, events) => new GateKeeper(options, events),
  newGuardKeeper: (isWanted, options, events) =>
    isWanted ? new GuardKeeper(options, events) : NO_GUARD,
};

const nothing = () => {};

/** `--no-guard`: nothing has to be armed. */
const NO_GUARD: GuardKeeperPart = {
  isArmed: true,
  pid: null,
  start: nothing,
  setFact: nothing,
  extend: nothing,
  extendIfNear: nothing,
  opening: nothing,
  renew: nothing,
  abandon: nothing,
  dismiss: nothing,
};
