/** Style that is held by a test: who may import whom, and what is not to be found in the tree. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** What a file of a directory may import besides files of the same directory. The longest name counts. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  machines: ['xstate'],
  'src/util': ['node:', 'machines/contract.ts', 'package.json'],
  'src/settings': ['machines/contract.ts'],
  'src/platform': ['node:', 'machines', 'src/settings'],
  'src/zookeeper': [
    ...['node:', 'node-zookeeper-client', 'machines', 'src/platform', 'src/settings', 'src/util'],
  ],
  'src/command': ['node:', 'machines', 'src/platform', 'src/settings', 'src/util'],
  'src/actors': [
    ...['node:', 'machines', 'src/command', 'src/platform', 'src/settings', 'src/util'],
    'src/zookeeper',
  ],
  'src/cli': ['node:', 'cac', 'machines', 'src/settings', 'src/util'],
  'src/log': ['node:', 'winston', 'machines', 'src/util'],
  'src/observers': ['node:', 'machines', 'src/cli/usage-error.ts', 'src/settings', 'src/util'],
  'src/status': ['node:', 'machines', 'src/settings', 'src/util', 'src/zookeeper'],
  'src/inspector': [
    ...['node:', 'ws', 'machines', 'src/settings', 'src/status', 'src/util', 'src/zookeeper'],
  ],
  'src/wiring.ts': ['xstate', 'machines', 'src/actors', 'src/command', 'src/settings', 'src/util'],
  'src/run.ts': ['node:', 'xstate', 'machines', 'src/'],
  'src/main.ts': ['node:', 'machines', 'src/'],
  'src/index.ts': ['machines', 'src/platform', 'src/settings', 'src/wiring.ts'],
  'src/launch.ts': ['node:', 'src/platform/code-cache.ts'],
  'src/reaper.ts': ['node:', 'src/util', 'src/zookeeper/reap.ts'],
  'src/standalone.ts': ['src/main.ts', 'src/platform', 'src/reaper.ts'],
};
const MAX_LINE_LENGTH = 110;
const MAX_FILE_LINES = 500;

const sources = [...filesBelow('machines'), ...filesBelow('src')].filter((file) =>
  file.endsWith('.ts'),
);
/** Shell, Perl and Python, embedded as text. */
const scripts = filesBelow('src').filter((file) => /\.(sh|pl|py)$/.test(file));

describe.each(scripts)('%s', (file) => {
  const text = readFileSync(join(ROOT, file), 'utf8');

  it('starts with its purpose, has lines and a length that fit, and makes no promises', () => {
    expect(text).toMatch(/^(# shellcheck shell=sh\n)?# The /);
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
    expect(text.split('\n').length).toBeLessThanOrEqual(350);
    expect(text).not.toMatch(/\b(TODO|FIXME|XXX|HACK)\b|\bfor now\b/);
  });
});

describe.each(sources)('%s', (file) => {
  const text = readFileSync(join(ROOT, file), 'utf8');

  it('opens with what it is for', () => {
    expect(text.trimStart().startsWith('/**')).toBe(true);
  });

  it('imports only what its directory may', () => {
    const allowed = allowedIn(file);
    const strangers = importsOf(file, text).filter(
      (imported) => !allowed.some((prefix) => imported.startsWith(prefix)),
    );
    expect(strangers).toEqual([]);
  });

  it('has lines and a length that fit', () => {
    const lines = text.split('\n');
    expect(lines.filter((line) => line.length > MAX_LINE_LENGTH)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(MAX_FILE_LINES);
  });

  it('makes no promises', () => {
    expect(text).not.toMatch(/\b(TODO|FIXME|XXX|HACK)\b|\bfor now\b/);
  });
});

describe('the machine', () => {
  it('does no I/O: it knows neither Node nor timers', () => {
    for (const file of filesBelow('machines')) {
      const text = readFileSync(join(ROOT, file), 'utf8');
      expect(text, file).not.toMatch(/\bprocess\.|\bsetTimeout\b|\bconsole\.|from 'node:/);
    }
  });
});

describe('files', () => {
  /** Of /proc, /dev, /sys and lockex's own; never a file that a user has named. */
  const READERS = [
    ...[
      'src/util/clock.ts',
      'src/util/random.ts',
      'src/platform/non-utf8.ts',
      'src/platform/installation.ts',
      'src/launch.ts',
    ],
    ...['src/reaper.ts', 'src/log/foreground.ts', 'src/actors/signals.ts'],
    ...[
      'src/command/processes/process-view.ts',
      'src/command/processes/reading.ts',
      'src/command/processes/cgroup.ts',
    ],
    'src/platform/bun/user-name.ts',
    // Standard error; the first line of a program, to find its interpreter; to be written.
    ...['src/log/stderr.ts', 'src/command/gate/resolve.ts', 'src/observers/trace.ts'],
  ];

  it('that a user names are read by one function', () => {
    const reading =
      /\b(readFile(Sync)?|open(Sync)?|createReadStream|opendir(Sync)?)\b[^;]*from 'node:fs/;
    const readers = sources.filter((file) => reading.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(readers.sort()).toEqual([...READERS, 'src/util/trusted-file.ts'].sort());
  });
});

describe('standard output and standard error', () => {
  /** Without comments. */
  const code = new Map(
    sources.map((file) => [
      file,
      readFileSync(join(ROOT, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''),
    ]),
  );
  const filesWith = (pattern: RegExp) =>
    [...code].filter(([, text]) => pattern.test(text)).map(([file]) => file);
  const expectFiles = (pattern: RegExp, files: readonly string[]) =>
    expect(filesWith(pattern).sort()).toEqual(files.toSorted());

  it('are reached by one function, which escapes each line, and by the log, which does as well', () => {
    expectFiles(/process\.(stdout|stderr)\b|\{[^}]*\b(stdout|stderr)\b[^}]*\} = process/, [
      // The width of a terminal.
      'src/log/stderr.ts',
      // Made blocking, for programs that are not lockex; nothing is written.
      'src/index.ts',
      'src/util/output.ts',
    ]);
    expectFiles(/\/stderr\.ts'/, ['src/log/log.ts']);
    expect(code.get('src/index.ts')?.match(/process\.stderr.*/g)).toEqual(['process.stderr;']);
  });

  it('are not reached by other means of Node', () => {
    expectFiles(/\bconsole\b|debuglog|emitWarning|_rawDebug|process\.report\b/, []);
    const descriptors = /\/dev\/(stdout|stderr|fd|tty|console)|\/proc\/self\/fd/;
    expectFiles(descriptors, ['src/log/stderr.ts']);
    const scriptsWith = scripts.filter((file) => {
      const text = readFileSync(join(ROOT, file), 'utf8').replace(/^\s*#.*$/gm, '');
      return descriptors.test(text);
    });
    expect(scriptsWith.toSorted()).toEqual([
      // Their own pipes.
      'src/command/guard/guard-ending.sh',
      'src/command/guard/guard.sh',
      // The list of descriptors to close.
      'src/command/init/init.pl',
      'src/command/init/init.py',
    ]);
    const writers =
      /\b(write(v|File)?(Sync)?|appendFile(Sync)?|createWriteStream)\b[^;]*from 'node:fs/;
    expectFiles(writers, [
      'src/log/stderr.ts',
      // cgroup.kill and its like.
      'src/command/processes/cgroup.ts',
      'src/command/guard/priority.ts',
      'src/command/processes/reading.ts',
      // LOCKEX_TRACE.
      'src/observers/trace.ts',
    ]);
  });

  it('are inherited by the command, and by hooks of the user', () => {
    expectFiles(/\bstdio\b|standardStreams/, [
      'src/platform/child.ts',
      'src/command/gate/gate-process.ts',
      'src/command/guard/guard.ts',
      'src/command/init/init.ts',
      'src/observers/hooks/hook-runner.ts',
      'src/platform/bun/bun.d.ts',
      'src/platform/bun/child.ts',
    ]);
  });
});

it('pieces of a stream are joined by FrameReader, not by copying all of them for each', () => {
  const joining = sources.filter((file) =>
    readFileSync(join(ROOT, file), 'utf8').includes('Buffer.concat'),
  );
  // Once, at the end of the process.
  expect(joining).toEqual(['src/log/stderr.ts']);
});

function allowedIn(file: string): readonly string[] {
  const [name = ''] = Object.keys(MAY_IMPORT)
    .filter((each) => file === each || file.startsWith(`${each}/`))
    .sort((one, other) => other.length - one.length);
  const allowed = MAY_IMPORT[name];
  if (allowed === undefined) throw new Error('nobody has said what this may import');
  return [...allowed, name];
}

function filesBelow(directory: string): string[] {
  return readdirSync(join(ROOT, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** Relative imports as paths from the root, packages by name. */
function importsOf(file: string, text: string): string[] {
  const specifiers = [...text.matchAll(/(?:from |import\s*)\(?'([^']+)'/g)].map(
    (match) => match[1] ?? '',
  );
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? relative(ROOT, join(ROOT, dirname(file), specifier)) : specifier,
  );
}
