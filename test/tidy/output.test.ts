/** Which files may touch the outside: files that users name, standard output, standard error. */
import { describe, expect, it } from 'vitest';
import { SCRIPTS, SOURCES, textOf } from './sources.ts';

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
    const readers = SOURCES.filter((file) => reading.test(textOf(file)));
    expect(readers.sort()).toEqual([...READERS, 'src/util/trusted-file.ts'].sort());
  });
});

describe('standard output and standard error', () => {
  /** Without comments. */
  const code = new Map(
    SOURCES.map((file) => [file, textOf(file).replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')]),
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
    const scripts = SCRIPTS.filter((file) =>
      descriptors.test(textOf(file).replace(/^\s*#.*$/gm, '')),
    );
    expect(scripts.toSorted()).toEqual([
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
      'src/command/init/gate-process.ts',
      'src/command/guard/guard.ts',
      'src/command/init/init.ts',
      'src/observers/hooks/hook-runner.ts',
      'src/platform/bun/bun.d.ts',
      'src/platform/bun/child.ts',
    ]);
  });
});

it('pieces of a stream are joined by FrameReader, not by copying all of them for each', () => {
  const joining = SOURCES.filter((file) => textOf(file).includes('Buffer.concat'));
  // Once, at the end of the process.
  expect(joining).toEqual(['src/log/stderr.ts']);
});
