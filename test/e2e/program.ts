/** Runs the built program as a user does. `npm test` builds it with `npm run build`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Ended, type Program, run, startProgram } from '../support/processes.ts';

/** The program under test. */
export const PROGRAM =
  process.env['LOCKEX_PROGRAM'] ?? fileURLToPath(new URL('../../dist/lockex.js', import.meta.url));

/** This environment without lockex's own variables. */
export function userEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const {
    ZKHOSTS: _,
    LOCKEX_TRACE: __,
    LOCKEX_CONFIG: ___,
    LOCKEX_AUTH: ____,
    ...env
  } = process.env;
  return { ...env, ...more };
}

interface Options {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly cwd?: string;
  /** SIGKILL after this time; milliseconds. */
  readonly maxLifeMs?: number;
  /** Prefix of lockex's command line: a program that executes the rest under the same pid. */
  readonly through?: readonly string[];
}

/** With a JSON log and a session timeout of 4 s, unless `args` override them or `bare` is set. */
export function startLockex(
  args: readonly string[],
  {
    env,
    bare = false,
    through = [],
    ...options
  }: Omit<Options, 'input'> & { readonly bare?: boolean } = {},
): Program {
  const all = bare ? args : ['--log-format', 'json', '-T', '4', ...args];
  const [program = PROGRAM, ...others] = [...through, PROGRAM, ...all];
  return startProgram(program, others, {
    env: userEnvironment(env),
    ...options,
  });
}

/** Runs lockex to its end. */
export async function runLockex(
  args: readonly string[],
  { env, ...options }: Options = {},
): Promise<Ended> {
  return await run(PROGRAM, args, { env: userEnvironment(env), ...options });
}

/** Runs lockex to its end, from a shell that has executed `before`. */
export async function runLockexBehind(
  before: string,
  args: readonly string[],
  { env, ...options }: Options = {},
): Promise<Ended> {
  const script = `${before}\nexec "$@"`;
  return await run('/bin/sh', ['-c', script, 'sh', PROGRAM, ...args], {
    env: userEnvironment(env),
    ...options,
  });
}

/** Waits until the machine has been in this state; returns the fields of that log line. */
export async function untilState(
  program: Program,
  state: string,
): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await program.line(new RegExp(`"state":"${state}`), 'stderr'));
}

/** Waits until it is in the queue; returns the fields of that log line. */
export async function untilQueued(program: Program): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await program.line(/"queue":/, 'stderr'));
}

/** The fields of all lines of its log. */
export function logOf({ stderr }: { readonly stderr: string }): Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

/** A directory that is removed after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lockex-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** The content of a file; '' if it does not exist. */
export function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
