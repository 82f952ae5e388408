/**
 * Writing to standard error, from a process that logs as lockex does: a reader that has stopped
 * reading is a pipe, a socket or a terminal without one.
 */
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'lockex-stderr-'));
const talker = join(directory, 'talker.mjs');

beforeAll(() => {
  buildSync({
    entryPoints: [fileURLToPath(new URL('fixtures/talker.ts', import.meta.url))],
    outfile: talker,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
    },
    logLevel: 'silent',
  });
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Ends with its test. */
function started(program: string, argv: readonly string[], stdio: StdioOptions): ChildProcess {
  const child = spawn(program, argv, { stdio });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

let files = 0;

/** An unused file name. */
function newFile(): string {
  files += 1;
  return join(directory, `stderr-${files}`);
}

/** Resolves when the process has written the file: it was not blocked by the missing reader. */
async function appeared(file: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const watcher = watch(directory, look);
    function look(): void {
      if (!isWritten(file)) return;
      watcher.close();
      resolve();
    }
    look();
  });
}

function isWritten(file: string): boolean {
  try {
    return readFileSync(file, 'utf8') === 'flushed';
  } catch {
    return false;
  }
}

interface Line {
  readonly level: string;
  readonly message: string;
}

/** Throws for an incomplete line. */
function jsonLines(text: string): Line[] {
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** Both ends of a pipe: Node's own 'pipe' is a socket. */
function newPipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const path = join(directory, `pipe-${files}`);
  files += 1;
  execFileSync('mkfifo', [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY);
  return { readEnd, writeEnd };
}

it('a file gets every line, after its previous content', async () => {
  const file = newFile();
  const log = newFile();
  execFileSync('sh', [
    '-c',
    `(echo '{"message":"before"}'; exec "$@") 2>"$0" >&2 || [ $? = 3 ]`,
    log,
    process.execPath,
    talker,
    'flood',
    file,
  ]);
  const messages = jsonLines(readFileSync(log, 'utf8')).map(({ message }) => message);
  expect(messages).toHaveLength(5001);
  expect(messages[0]).toBe('before');
  expect(messages[5000]).toMatch(/^line 5000 /);
});

describe('a pipe without a reader', () => {
  it('blocks nothing, and its lines are complete', async () => {
    const { readEnd, writeEnd } = newPipe();
    const file = newFile();
    const child = started(
      process.execPath,
      [talker, 'flood', file],
      ['ignore', 'ignore', writeEnd],
    );
    expect(await once(child, 'exit')).toEqual([3, null]);
    expect(isWritten(file)).toBe(true);
    closeSync(writeEnd);
    const lines = jsonLines(readFileSync(readEnd, 'utf8'));
    closeSync(readEnd);
    expect(lines.length).toBeGreaterThan(50);
    lines.forEach(({ message }, index) => {
      expect(message).toMatch(new RegExp(`^line ${index + 1} `));
    });
  });

  it('stays blocking for the command, which shares it', async () => {
    const { readEnd, writeEnd } = newPipe();
    const child = started(process.execPath, [talker, 'last'], ['ignore', 'ignore', writeEnd]);
    expect(await once(child, 'exit')).toEqual([3, null]);
    const [, flags = ''] =
      /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${writeEnd}`, 'utf8')) ?? [];
    expect(Number.parseInt(flags, 8) & constants.O_NONBLOCK).toBe(0);
    expect(Number.parseInt(flags, 8) & constants.O_WRONLY).toBe(constants.O_WRONLY);
    closeSync(writeEnd);
    closeSync(readEnd);
  });
});

it('a closed pipe is not a failure', async () => {
  const { readEnd, writeEnd } = newPipe();
  const file = newFile();
  const child = started(process.execPath, [talker, 'flood', file], ['ignore', 'ignore', writeEnd]);
  closeSync(readEnd);
  closeSync(writeEnd);
  expect(await once(child, 'exit')).toEqual([3, null]);
});

it('a socket without a reader blocks nothing; when it is read, one line counts what was dropped', async () => {
  const file = newFile();
  const child = started(process.execPath, [talker, 'flood', file], ['ignore', 'ignore', 'pipe']);
  child.stderr?.pause();
  const ended = once(child, 'close');
  await appeared(file);
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  expect(await ended).toEqual([3, null]);
  const lines = jsonLines(text);
  expect(lines[0]?.message).toMatch(/^line 1 /);
  expect(lines.length).toBeLessThan(5000);
});

it.each([['fail'], ['last']])('a socket gets the last lines too: %s', async (mode) => {
  const child = started(process.execPath, [talker, mode], ['ignore', 'ignore', 'pipe']);
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  expect(await once(child, 'close')).toEqual([3, null]);
  // Two writes of the pool may overtake each other: what matters is that none is lost, or torn.
  const messages = jsonLines(text).map(({ message }) => message.split('\n')[0]);
  const last = mode === 'fail' ? 'lockex failed: boom' : 'last';
  expect(messages.sort()).toEqual(['before', last]);
});

it('a missing standard error is not a failure', async () => {
  const file = newFile();
  const child = started(
    'sh',
    ['-c', 'exec "$@" 2>&-', 'sh', process.execPath, talker, 'flood', file],
    'ignore',
  );
  expect(await once(child, 'exit')).toEqual([3, null]);
});

/** Runs a program on a terminal that is not read, as after ^S; prints its status. */
const STOPPED_TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

it('a stopped terminal blocks nothing', async () => {
  const file = newFile();
  const argv = ['-c', STOPPED_TERMINAL, process.execPath, talker, 'flood', file];
  const child = started('/usr/bin/python3', argv, ['ignore', 'pipe', 'inherit']);
  let text = '';
  child.stdout?.on('data', (part) => {
    text += part;
  });
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(text).toBe('3\n');
  expect(isWritten(file)).toBe(true);
});
