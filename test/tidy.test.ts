/** Style that is held by a test: who may import whom, and what is not to be found in the tree. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Files in src/ that everybody may use: they import nothing but Node, the contract and each other. */
const LEAVES = [
  ...['src/access.ts', 'src/clock.ts', 'src/command-line.ts', 'src/lock-names.ts'],
  ...['src/log-level.ts', 'src/outlet.ts', 'src/output.ts', 'src/printable.ts', 'src/random.ts'],
  ...['src/settings.ts', 'src/trusted-file.ts', 'src/version.ts'],
];

/**
 * Who may import what, besides leaves: written down once, here. Of a folder's files each may import
 * the others. The longest name that fits counts.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  machines: ['xstate'],
  'src/zookeeper': ['node:', 'node-zookeeper-client', 'machines'],
  'src/command': ['node:', 'machines'],
  'src/hooks': ['node:', 'machines/duration.ts'],
  'src/status': ['node:', 'machines', 'src/zookeeper'],
  'src/inspector': ['node:', 'ws', 'machines', 'src/zookeeper', 'src/status'],
  'src/cli': ['node:', 'cac', 'winston', 'machines'],
  'src/standalone': ['node:', 'machines', 'src/early-signals.ts'],
  // It is a namesake of src/command/child.ts, and it starts the programs.
  'src/standalone/child.ts': ['node:', 'machines', 'src/standalone', 'src/command/child.ts'],
  'src/standalone/tcp.ts': ['node:', 'src/standalone', 'src/zookeeper/tcp.ts'],
  'src/standalone/main.ts': [
    ...['src/standalone', 'src/early-signals.ts', 'src/main.ts', 'src/reaper.ts'],
  ],
  'src/contention.ts': ['node:', 'machines', 'src/zookeeper', 'src/user-name.ts'],
  'src/supervision.ts': ['src/command', 'src/mangled.ts'],
  'src/wiring.ts': ['xstate', 'machines', 'src/command', 'src/contention.ts', 'src/supervision.ts'],
  'src/trace.ts': ['node:', 'machines', 'src/cli/usage-error.ts'],
  'src/run.ts': ['node:', 'xstate', 'machines', 'src/'],
  'src/main.ts': ['node:', 'machines', 'src/'],
  'src/index.ts': ['machines', 'src/installation.ts', 'src/wiring.ts'],
  'src/reaper.ts': ['node:', 'src/zookeeper/reap.ts'],
  'src/early-signals.ts': [],
  'src/installation.ts': ['node:'],
  'src/launch.ts': ['node:', 'src/code-cache.ts'],
  'src/code-cache.ts': ['node:'],
  'src/mangled.ts': ['node:'],
  'src/lost-terminals.ts': ['node:'],
  'src/user-name.ts': ['node:'],
  'src/onlookers.ts': [],
};
const LONGEST_LINE = 110;
const LONGEST_FILE = 500;

const sources = [...filesBelow('machines'), ...filesBelow('src')].filter((file) =>
  file.endsWith('.ts'),
);

describe.each(sources)('%s', (file) => {
  const text = readFileSync(join(ROOT, file), 'utf8');

  it('opens with what it is for', () => {
    expect(text.trimStart().startsWith('/**')).toBe(true);
  });

  it('imports only what its folder may', () => {
    const allowed = allowedIn(file);
    const strangers = importsOf(file, text).filter(
      (imported) => !allowed.some((prefix) => imported.startsWith(prefix)),
    );
    expect(strangers).toEqual([]);
  });

  it('has lines and a length that fit', () => {
    const lines = text.split('\n');
    expect(lines.filter((line) => line.length > LONGEST_LINE)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(LONGEST_FILE);
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
    ...['src/clock.ts', 'src/random.ts', 'src/mangled.ts', 'src/installation.ts', 'src/launch.ts'],
    ...['src/reaper.ts', 'src/cli/foreground.ts', 'src/command/signals.ts'],
    ...['src/command/process-view.ts', 'src/command/reading.ts', 'src/command/cgroup.ts'],
    'src/standalone/user-name.ts',
    // Standard error; the first line of a program, to find its interpreter; to be written.
    ...['src/cli/stderr.ts', 'src/command/resolve.ts', 'src/trace.ts'],
  ];

  it('that a user names are read by one function', () => {
    const reading =
      /\b(readFile(Sync)?|open(Sync)?|createReadStream|opendir(Sync)?)\b[^;]*from 'node:fs/;
    const readers = sources.filter((file) => reading.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(readers.sort()).toEqual([...READERS, 'src/trusted-file.ts'].sort());
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

  it('are reached by one function, which escapes each line, and by the log, which does as well', () => {
    expect(
      filesWith(/process\.(stdout|stderr)\b|\{[^}]*\b(stdout|stderr)\b[^}]*\} = process/),
    ).toEqual([
      // The width of a terminal.
      'src/cli/stderr.ts',
      // Made blocking, for programs that are not lockex; nothing is written.
      'src/index.ts',
      'src/output.ts',
    ]);
    expect(filesWith(/\/stderr\.ts'/)).toEqual(['src/cli/log.ts']);
    expect(code.get('src/index.ts')?.match(/process\.stderr.*/g)).toEqual(['process.stderr;']);
  });

  it('are not reached by other means of Node', () => {
    expect(filesWith(/\bconsole\b|debuglog|emitWarning|_rawDebug|process\.report\b/)).toEqual([]);
    const descriptors = /\/dev\/(stdout|stderr|fd|tty|console)|\/proc\/self\/fd/;
    expect(filesWith(descriptors)).toEqual([
      'src/cli/stderr.ts',
      // Of their own pipes, and the list of descriptors to close.
      'src/command/guard-ending.ts',
      'src/command/guard-script.ts',
      'src/command/init-perl.ts',
      'src/command/init-python.ts',
    ]);
    const writers =
      /\b(write(v|File)?(Sync)?|appendFile(Sync)?|createWriteStream)\b[^;]*from 'node:fs/;
    expect(filesWith(writers)).toEqual([
      'src/cli/stderr.ts',
      // cgroup.kill and its like.
      'src/command/cgroup.ts',
      'src/command/priority.ts',
      'src/command/reading.ts',
      // LOCKEX_TRACE.
      'src/trace.ts',
    ]);
  });

  it('are inherited by the command, and by hooks of the user', () => {
    expect(filesWith(/\bstdio\b|standardStreams/)).toEqual([
      'src/command/child.ts',
      'src/command/gate-process.ts',
      'src/command/guard.ts',
      'src/command/init.ts',
      'src/hooks/hook-runner.ts',
      'src/standalone/bun.d.ts',
      'src/standalone/child.ts',
    ]);
  });
});

it('pieces of a stream are joined by FrameReader, not by copying all of them for each', () => {
  const joining = sources.filter((file) =>
    readFileSync(join(ROOT, file), 'utf8').includes('Buffer.concat'),
  );
  // Once, at the end of the process.
  expect(joining).toEqual(['src/cli/stderr.ts']);
});

function allowedIn(file: string): readonly string[] {
  if (LEAVES.includes(file)) return ['node:', 'machines/contract.ts', 'package.json', ...LEAVES];
  const [name = ''] = Object.keys(MAY_IMPORT)
    .filter((each) => file === each || file.startsWith(`${each}/`))
    .sort((one, other) => other.length - one.length);
  const allowed = MAY_IMPORT[name];
  if (allowed === undefined) throw new Error('nobody has said what this may import');
  return name.startsWith('machines') ? [...allowed, name] : [...allowed, name, ...LEAVES];
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
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
