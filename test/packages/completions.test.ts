/** Completions in real shells, and the manual page: both generated from the table of options. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SPECS } from '../../src/cli/options.ts';
import { temporaryDirectory } from '../e2e/program.ts';
import { run } from '../support/processes.ts';

const SHARE = fileURLToPath(new URL('../../dist/share', import.meta.url));

/** A typed line, and completions that it offers; after `!`, one that it does not offer. */
const CASES: readonly [string, readonly string[]][] = [
  ['lockex --ki', ['--kill-after']],
  ['lockex --no-', ['--no-blocking', '--no-guard', '!--no-shared']],
  ['lockex --on-lost ', ['exit', 'rejoin']],
  ['lockex -i x --log-level w', ['warn', '!error']],
  ['lockex statu', ['status']],
  ['lockex status --', ['--json', '--watch', '!--hold']],
  ['lockex config --tls', ['--tls-ca', '--tls-cert', '--tls-key']],
  ['lockex --auth-file /etc/passw', ['/etc/passwd']],
  ['lockex -- mkfif', ['mkfifo']],
  ['lockex -i x mkfif', ['mkfifo']],
  ['lockex -- cat /etc/passw', ['/etc/passwd']],
];

/** Only bash splits words at an equals sign. */
const CASES_WITH_EQUALS_SIGN: typeof CASES = [
  ['lockex --log-format=j', ['json', '!join']],
  ['lockex --log-format=', ['json', '!join']],
  ['lockex --lockid=x mkfif', ['mkfifo']],
  ['lockex --inspect=127.0.0.1:8080 mkfif', ['mkfifo']],
];

function expectOffered(offered: readonly string[], wanted: readonly string[]) {
  for (const word of wanted) {
    if (word.startsWith('!')) expect(offered).not.toContain(word.slice(1));
    else expect(offered).toContain(word);
  }
}

describe('bash', () => {
  it.each([...CASES, ...CASES_WITH_EQUALS_SIGN])('completes %s', async (line, wanted) => {
    const script = `
      source ${SHARE}/completions/lockex.bash
      # What only an interactive shell has: the rest is left to files.
      compopt() { [[ $2 == default ]] && COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); }
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _lockex
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run('bash', [
      '--norc',
      '-c',
      script,
      'bash',
      ...line.split(/ |(?==)|(?<==)/),
    ]);
    expectOffered(stdout.split('\n'), wanted);
  });
});

describe('fish', () => {
  it.each(CASES)('completes %s', async (line, wanted) => {
    const script = `source ${SHARE}/completions/lockex.fish; complete -C '${line}'`;
    const env = { ...process.env, HOME: temporaryDirectory() };
    const { stdout, stderr } = await run('fish', ['--no-config', '-c', script], { env });
    expect(stderr).toBe('');
    const offered = stdout.split('\n').map((text) => text.split('\t')[0] ?? '');
    expectOffered(offered, wanted);
  });
});

/** Types a line and two tabs into an interactive zsh, until it shows the expected text. */
const TYPIST = `
import os, pty, select, sys, time
share, directory, line, wanted = sys.argv[1:5]
pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM='dumb', HOME=directory)
    os.execvp('zsh', ['zsh', '-f', '-i'])
def until(words, seconds=30):
    seen, end = '', time.time() + seconds
    while not all(word in seen for word in words):
        if time.time() > end: sys.exit('not shown: ' + seen)
        if select.select([fd], [], [], 1)[0]: seen += os.read(fd, 65536).decode(errors='replace')
    return seen
setup = f"PS1=; fpath=({share} $fpath); autoload -Uz compinit; compinit -u -d {directory}/dump"
os.write(fd, f"{setup}; stty columns 200; print RE''ADY\\n".encode())
until(['READY'])
os.write(fd, line.encode() + b'\\t\\t')
until(wanted.split(','))
os.write(fd, b'\\x03')
os.close(fd)
`;

describe('zsh', () => {
  it.each(CASES)('completes %s', async (line, wanted) => {
    const args = [`${SHARE}/completions`, temporaryDirectory(), line];
    const shown = wanted.filter((word) => !word.startsWith('!')).join(',');
    const { status, stderr } = await run('/usr/bin/python3', ['-c', TYPIST, ...args, shown]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('the manual page', () => {
  const page = readFileSync(`${SHARE}/lockex.1`, 'utf8');

  it('is formatted without an error', async () => {
    const { status, stdout } = await run('mandoc', [
      '-T',
      'lint',
      '-W',
      'error',
      `${SHARE}/lockex.1`,
    ]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });

  it('has every option', async () => {
    const { stdout } = await run('mandoc', ['-T', 'utf8', `${SHARE}/lockex.1`]);
    // A bold letter is the letter, a backspace, and the letter.
    const text = stdout.replace(/.[\b]/g, '');
    for (const { name, letter, negatable } of SPECS) {
      expect(text).toContain(negatable ? `--[no-]${name}` : `--${name}`);
      if (letter !== undefined) expect(text).toContain(`-${letter}, --${name}`);
    }
    expect(page).not.toContain('undefined');
  });
});
