/**
 * The argv and the environment that a gate needs to become the command. Looks up programs, but
 * starts none.
 */

import type { SupervisorOptions } from '../options.ts';
import { type EnvironmentPlan, planEnvironment } from './environment.ts';
import { argvOf, type Resolution, resolveProgram } from './resolve.ts';

export interface Preparation {
  readonly plan: EnvironmentPlan;
  readonly env: string | null;
  readonly argv: readonly string[];
  /** The lookup of the command. */
  readonly found: Resolution;
}

/** Unique for each contender: with a lockex inside a lockex, the command carries both marks. */
export function markerOf({ guid }: SupervisorOptions): string {
  return `LOCKEX_HELD_${guid.replace(/[^A-Za-z0-9_]/g, '_')}`;
}

export function prepare(options: SupervisorOptions): Preparation {
  const env = find('env', options);
  const found = resolveCommand(options);
  const argv = gateArgv(options, found);
  return { plan: planEnvironment(wantedVariables(options)), env, argv, found };
}

export function resolveCommand(options: SupervisorOptions): Resolution {
  const [name = ''] = argvOf(options.command);
  return resolveProgram(name, options.env['PATH'], options.cwd);
}

/**
 * The program's name as typed, so that the command gets the same argv[0] as without lockex: the
 * gate's shell looks it up by the same PATH. Names that the shell or env would misread are
 * replaced.
 */
function gateArgv(options: SupervisorOptions, found: Resolution): readonly string[] {
  const [typed = '', ...rest] = argvOf(options.command);
  const isMisleading = options.env['PATH'] === undefined || typed.startsWith('-');
  const name = found.ok && isMisleading && !typed.includes('/') ? found.path : typed;
  // env would take a name with `=` for a variable.
  const nice = name.includes('=') ? find('nice', options) : null;
  return nice === null ? [name, ...rest] : [nice, '-n', '0', name, ...rest];
}

/** The command's environment, without the token and the path, which the gate adds. */
function wantedVariables(options: SupervisorOptions): ReadonlyMap<string, string> {
  const wanted = new Map<string, string>();
  for (const [name, value] of Object.entries(options.env)) {
    if (value !== undefined) wanted.set(name, value);
  }
  // Set by an outer lockex, if any.
  wanted.delete('LOCKEX_FENCING_TOKEN');
  wanted.delete('LOCKEX_LOCK_PATH');
  // lockex notifies systemd, not the command.
  wanted.delete('NOTIFY_SOCKET');
  wanted.set('LOCKEX_LOCKID', options.lockId);
  wanted.set(markerOf(options), '1');
  return wanted;
}

function find(program: string, options: SupervisorOptions): string | null {
  const path = `/usr/bin:/bin:${options.env['PATH'] ?? ''}`;
  const found = resolveProgram(program, path, '/');
  return found.ok ? found.path : null;
}
