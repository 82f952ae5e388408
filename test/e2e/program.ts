/** The built program, run as a user runs it. Built by `npm run build`, which `npm test` does. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Ended, type Program, run, startProgram } from '../support/processes.ts';

/** One switch chooses what is tested. */
export const PROGRAM =
  process.env['LOCKEX_PROGRAM'] ?? fileURLToPath(new URL('../../dist/lockex.js', import.meta.url));

/** The environment of a user who has set nothing for lockex. */
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
  /** Killed after that long; milliseconds. */
  readonly maxLifeMs?: number;
  /** Prefix of lockex's command line: a program that executes the rest under the same pid. */
  readonly through?: readonly string[];
}

/** With a log in JSON and a session timeout of 4 s, unless the words say otherwise or it is `bare`. */
export function startLockex(
  words: readonly string[],
  {
    env,
    bare = false,
    through = [],
    ...options
  }: Omit<Options, 'input'> & { readonly bare?: boolean } = {},
): Program {
  const given = bare ? words : ['--log-format', 'json', '-T', '4', ...words];
  const [program = PROGRAM, ...others] = [...through, PROGRAM, ...given];
  return startProgram(program, others, {
    env: userEnvironment(env),
    ...options,
  });
}

/** Runs lockex to its end. */
export async function runLockex(
  words: readonly string[],
  { env, ...options }: Options = {},
): Promise<Ended> {
  return await run(PROGRAM, words, { env: userEnvironment(env), ...options });
}

/** The same, from a shell that has done something before. */
export async function runLockexBehind(
  before: string,
  words: readonly string[],
  { env, ...options }: Options = {},
): Promise<Ended> {
  const script = `${before}\nexec "$@"`;
  return await run('/bin/sh', ['-c', script, 'sh', PROGRAM, ...words], {
    env: userEnvironment(env),
    ...options,
  });
}

/** Until the machine has been in this state; gives the fields of the line that says so. */
export async function untilState(
  program: Program,
  state: string,
): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await program.line(new RegExp(`"state":"${state}`), 'stderr'));
}

/** Until it stands in the queue behind somebody. */
export async function untilQueued(program: Program): Promise<Readonly<Record<string, unknown>>> {
  return JSON.parse(await program.line(/"queue":/, 'stderr'));
}

/** The fields of every line of its log. */
export function logOf({ stderr }: { readonly stderr: string }): Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

/** A directory that goes with the test. */
export function temporaryFolder(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lockex-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** '' while the file is not there. */
export function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
