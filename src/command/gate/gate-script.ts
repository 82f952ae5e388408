/** The shell script of the gate (gate.sh) and its arguments. gate.sh describes the protocol. */
import { type EnvironmentPlan, restoringLines } from './environment.ts';
import script from './gate.sh';

export const GATE_SCRIPT = script;

/** Passes the timer slack to the gate; not an argument, which any user can read. */
export const SLACK_VARIABLE = 'LOCKEX_GATE_SLACK';

export interface GateScriptOptions {
  readonly plan: EnvironmentPlan;
  readonly ignoreHangup: boolean;
  /** cgroup.procs of the cgroup to enter, or null. */
  readonly entrance: string | null;
  /** Value for RLIMIT_LOCKS. */
  readonly limit: string;
  /** `env` and its arguments; empty where there is no `env`. */
  readonly env: readonly string[];
}

/** The arguments of GATE_SCRIPT that come before the command's own. */
export function gateArguments(options: GateScriptOptions): readonly string[] {
  const { plan, ignoreHangup, entrance, limit, env } = options;
  const odd = plan.odd.length > 0 ? 'odd' : '';
  const hup = ignoreHangup ? 'hup' : '';
  return [entrance ?? '', limit, hup, odd, restoringLines(plan), String(env.length), ...env];
}
