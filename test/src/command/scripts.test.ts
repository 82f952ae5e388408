/**
 * The scripts of the gate, the guard and the init: files that are embedded without their comments.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { embeddedScripts, withoutComments } from '../../../scripts/build/embedded-scripts.ts';
import { GATE_SCRIPT, SLACK_VARIABLE } from '../../../src/command/gate/gate-script.ts';
import { GUARD_ENDING, GUARD_SCRIPT } from '../../../src/command/guard/guard-script.ts';
import initPerl from '../../../src/command/init/init.pl';
import initPython from '../../../src/command/init/init.py';

const DIRECTORY = fileURLToPath(new URL('../../../src/command', import.meta.url));

const files = readdirSync(DIRECTORY, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(sh|pl|py)$/.test(file))
  .map((file) => ({ name: basename(file), text: readFileSync(join(DIRECTORY, file), 'utf8') }));
const textOf = (wanted: string) => files.find(({ name }) => name === wanted)?.text ?? '';

const SHELLS = [['dash'], ['bash'], ['busybox', 'sh']];
/** Prints the program without what has no meaning: bash and Perl from what they parsed. */
const NORMALISERS: Readonly<Record<string, (text: string) => string>> = {
  '.sh': (text) => execFileSync('bash', ['-c', `f() {\n${text}\n}\ndeclare -f f`], UTF8),
  '.pl': (text) => execFileSync('perl', ['-MO=Deparse', '-'], { ...UTF8, input: text }),
  '.py': (text) =>
    execFileSync(
      'python3',
      ['-c', 'import ast, sys; print(ast.dump(ast.parse(sys.stdin.read())))'],
      {
        ...UTF8,
        input: text,
      },
    ),
};
const UTF8 = { encoding: 'utf8', stdio: 'pipe' } as const;

describe('withoutComments', () => {
  it('removes lines that are empty or only a comment, and changes no other line', () => {
    const text = '#!/bin/sh\n# one\n\nif a; then # two\n  # three\n \t\n  b="$# # c"\nfi\n';
    expect(withoutComments(text)).toBe('if a; then # two\n  b="$# # c"\nfi\n');
  });

  it('finds its files', () => {
    expect(files.map(({ name }) => name).toSorted()).toEqual([
      ...['gate.sh', 'guard-ending.sh', 'guard-marks.sh', 'guard-scan.sh', 'guard.sh'],
      ...['init.pl', 'init.py'],
    ]);
  });

  it.each(files)('does not change the program in $name', ({ name, text }) => {
    const normalised = NORMALISERS[extname(name)];
    const program = normalised?.(withoutComments(text)) ?? '';
    expect(program.length).toBeGreaterThan(500);
    expect(program).toBe(normalised?.(text));
    expect(withoutComments(text)).not.toMatch(/^[ \t]*(#|\n)/m);
  });
});

describe('the embedded text', () => {
  it('is the same in tests and in what esbuild builds', async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: "import gate from './gate/gate.sh'; globalThis.gate = gate;",
        resolveDir: DIRECTORY,
      },
      bundle: true,
      write: false,
      plugins: [embeddedScripts],
    });
    const built = outputFiles[0]?.text ?? '';
    const host = { gate: '' };
    new Function('globalThis', built)(host);
    expect(host.gate).toBe(GATE_SCRIPT);
    expect(GATE_SCRIPT).toBe(withoutComments(textOf('gate.sh')));
  });

  it('of the guard is its four files', () => {
    expect(GUARD_SCRIPT).toBe(withoutComments(textOf('guard.sh')));
    const parts = ['guard-ending.sh', 'guard-scan.sh', 'guard-marks.sh'];
    const text = parts.map((name) => withoutComments(textOf(name))).join('');
    expect(GUARD_ENDING).toBe(`init_kill_signal=40\n${text}`);
  });

  it('of the init is its file', () => {
    expect(initPerl).toBe(withoutComments(textOf('init.pl')));
    expect(initPython).toBe(withoutComments(textOf('init.py')));
  });

  it('of the gate names the variable of the timer slack', () => {
    expect(GATE_SCRIPT).toContain(`unset ${SLACK_VARIABLE}\n`);
  });
});

describe('the syntax', () => {
  const check = (program: string, args: readonly string[], input: string) => {
    const { status, stderr } = spawnSync(program, args, { ...UTF8, input });
    return { status, stderr };
  };
  const fine = { status: 0, stderr: '' };

  it.each(SHELLS)('of shell scripts is known to %s', (program = '', ...args) => {
    for (const text of [GATE_SCRIPT, GUARD_SCRIPT, GUARD_ENDING]) {
      expect(check(program, [...args, '-n'], text)).toEqual(fine);
    }
    expect(check(program, [...args, '-n'], 'if').status).not.toBe(0);
  });

  it('of the init is known to perl and python3', () => {
    expect(check('perl', ['-c', '-'], initPerl)).toEqual({ status: 0, stderr: '- syntax OK\n' });
    const compile = 'import sys; compile(sys.stdin.read(), "init.py", "exec")';
    expect(check('python3', ['-W', 'error', '-c', compile], initPython)).toEqual(fine);
  });
});
