/**
 * What the gate is to be given: the words to execute and the environment to do it in. Looks programs
 * up, starts nothing.
 */

import type { SupervisorOptions } from '../options.ts';
import { type EnvironmentPlan, planEnvironment } from './environment.ts';
import { type Resolution, resolveProgram, wordsOf } from './resolve.ts';

export interface Preparation {
  readonly plan: EnvironmentPlan;
  readonly env: string | null;
  readonly words: readonly string[];
  /** The command, as it was found or not. */
  readonly found: Resolution;
}

/** A variable of its own for each contender, so that a lockex inside a lockex hides nothing. */
export function markerOf({ guid }: SupervisorOptions): string {
  return `LOCKEX_HELD_${guid.replace(/[^A-Za-z0-9_]/g, '_')}`;
}

export function prepare(options: SupervisorOptions): Preparation {
  const env = find('env', options);
  const found = resolveCommand(options);
  const words = gateWords(options, found);
  return { plan: planEnvironment(wantedVariables(options)), env, words, found };
}

export function resolveCommand(options: SupervisorOptions): Resolution {
  const [name = ''] = wordsOf(options.command);
  return resolveProgram(name, options.env['PATH'], options.cwd);
}

/**
 * As typed, so that the command finds its name in argv[0] as it would without us: the gate's shell
 * looks it up by the same PATH. Three names would mislead the shell or env, and go by another way.
 */
function gateWords(options: SupervisorOptions, found: Resolution): readonly string[] {
  const [typed = '', ...rest] = wordsOf(options.command);
  const isMisleading = options.env['PATH'] === undefined || typed.startsWith('-');
  const name = found.ok && isMisleading && !typed.includes('/') ? found.path : typed;
  // env would take it for a variable.
  const nice = name.includes('=') ? find('nice', options) : null;
  return nice === null ? [name, ...rest] : [nice, '-n', '0', name, ...rest];
}

/** What is known before the grant; the gate adds the token and the path. */
function wantedVariables(options: SupervisorOptions): ReadonlyMap<string, string> {
  const wanted = new Map<string, string>();
  for (const [name, value] of Object.entries(options.env)) {
    if (value !== undefined) wanted.set(name, value);
  }
  // An outer lockex's are not ours.
  wanted.delete('LOCKEX_FENCING_TOKEN');
  wanted.delete('LOCKEX_LOCK_PATH');
  // What systemd hears of is lockex, not the command.
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
