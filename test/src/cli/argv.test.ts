/** Which words of argv are ours, and which are the command's. */
import { describe, expect, it } from 'vitest';
import { splitCommandLine, splitMixed } from '../../../src/cli/argv.ts';
import { SPECS } from '../../../src/cli/options.ts';
import { randomOf } from '../../support/random.ts';

function split(...argv: string[]) {
  const { options, rest } = splitCommandLine(argv, SPECS);
  return { given: options.map(({ spec, text }) => [spec.name, text]), command: rest };
}

describe('the command', () => {
  it('is everything behind --, options and further -- included', () => {
    expect(split('-q', '--', '-c', '2', '--', '--help')).toEqual({
      given: [['quiet', 'on']],
      command: ['-c', '2', '--', '--help'],
    });
  });

  it('begins with the first word that is no option, without --', () => {
    expect(split('-c', '2', 'ls', '-l', '--help')).toEqual({
      given: [['concurrent', '2']],
      command: ['ls', '-l', '--help'],
    });
  });

  it('may begin with an empty word or a single dash', () => {
    expect(split('', '-q').command).toEqual(['', '-q']);
    expect(split('-', '-q').command).toEqual(['-', '-q']);
  });

  it('keeps a -- behind its first word', () => {
    expect(split('git', '--', 'x').command).toEqual(['git', '--', 'x']);
  });

  it('is empty when there are only options', () => {
    expect(split('-q').command).toEqual([]);
    expect(split('-q', '--').command).toEqual([]);
  });
});

describe('a value', () => {
  it.each([['-t', '5'], ['-t5'], ['-t=5'], ['--locktimeout', '5'], ['--locktimeout=5']])(
    'can be given as %s %s',
    (...words) => {
      expect(split(...words, 'x')).toEqual({ given: [['locktimeout', '5']], command: ['x'] });
    },
  );

  it.each([
    '007',
    '1e3',
    '',
    ' ',
    '0x10',
    '-5',
    '--quiet',
    'a=b',
    '=',
    'true',
    '\n',
    '12345678901234567890',
  ])('is kept as it was typed: %j', (value) => {
    expect(split('-i', value).given).toEqual([['lockid', value]]);
    expect(split(`--lockid=${value}`).given).toEqual([['lockid', value]]);
  });

  it.each([['-t'], ['--locktimeout'], ['-qt'], ['-t', '--', 'x'], ['--locktimeout', '--', 'x']])(
    'that is missing is named: %s %s',
    (...words) => {
      expect(() => split(...words)).toThrow('-t/--locktimeout expects a value: S');
    },
  );
});

describe('flags', () => {
  it('can be bundled, the last one with a value', () => {
    expect(split('-qvt5', 'x').given).toEqual([
      ['quiet', 'on'],
      ['verbose', 'on'],
      ['locktimeout', '5'],
    ]);
    expect(split('-qt', '5', 'x')).toEqual({
      given: [
        ['quiet', 'on'],
        ['locktimeout', '5'],
      ],
      command: ['x'],
    });
  });

  it('can be negated where that means something', () => {
    expect(split('--no-blocking', '--no-guard', '--guard').given).toEqual([
      ['blocking', 'off'],
      ['guard', 'off'],
      ['guard', 'on'],
    ]);
    expect(() => split('--no-shell')).toThrow("unknown option '--no-shell'");
  });

  it.each(['--shell=yes', '--no-blocking=1', '--guard='])('take no value: %s', (word) => {
    expect(() => split(word)).toThrow('takes no value');
  });
});

describe('an unknown option', () => {
  it.each([
    ['--lock-id', "unknown option '--lock-id': did you mean --lockid?"],
    ['--concurent=3', "unknown option '--concurent': did you mean --concurrent?"],
    ['--non-blocking', "unknown option '--non-blocking': did you mean --no-blocking?"],
    ['--kill', "unknown option '--kill': did you mean --kill-after?"],
    ['--foo', "unknown option '--foo': see 'lockex --help'"],
    ['-lockid', "unknown option '-lockid': did you mean --lockid?"],
    ['-x', "unknown option '-x': see 'lockex --help'"],
    ['-qx', "unknown option '-x': see 'lockex --help'"],
    ['--frobnicate', "unknown option '--frobnicate': see 'lockex --help'"],
    ['--\u001b[2J', "unknown option '--\\u{1b}[2J': see 'lockex --help'"],
  ])('is refused, with the nearest name: %j', (word, message) => {
    expect(() => split(word)).toThrow(message);
  });

  it('does not show the value that was given with it', () => {
    expect(() => split('--password=secret')).toThrow(/^unknown option '--password': see/);
  });
});

const VALUES = ['', '0', '007', '-', '-q', '--help', '=', 'a b', '\u0000', 'no', "'", '…', '1e3'];

/** Any options in any spelling: what has to be found in it, and how it was written. */
function written(random: (below: number) => number) {
  const given: [string, string][] = [];
  const words: string[] = [];
  for (let count = random(6); count > 0; count -= 1) {
    const spec = SPECS[random(SPECS.length)];
    if (spec === undefined) continue;
    if (spec.value === undefined) {
      const isOff = spec.negatable === true && random(2) === 0;
      given.push([spec.name, isOff ? 'off' : 'on']);
      const isShort = spec.letter !== undefined && random(2) === 0;
      words.push(isShort ? `-${spec.letter}` : `--${isOff ? 'no-' : ''}${spec.name}`);
      continue;
    }
    const value = VALUES[random(VALUES.length)] ?? '';
    given.push([spec.name, value]);
    // Attached to its letter, a value can neither be empty nor begin with an equals sign.
    const isAttachable = value !== '' && !value.startsWith('=');
    const spellings = [[`--${spec.name}=${value}`]];
    if (!spec.isValueOptional) spellings.push([`--${spec.name}`, value]);
    if (spec.letter) spellings.push([`-${spec.letter}`, value]);
    if (spec.letter && isAttachable) spellings.push([`-${spec.letter}${value}`]);
    words.push(...(spellings[random(spellings.length)] ?? []));
  }
  return { given, words };
}

it('whatever options stand before it, nothing of a command is taken, and no option is lost', () => {
  for (let seed = 1; seed <= 5000; seed += 1) {
    const random = randomOf(seed, 'words').below;
    const { given, words } = written(random);
    const command = Array.from(
      { length: 1 + random(4) },
      () => [...VALUES, '--', '-c', 'ls'][random(VALUES.length + 3)] ?? '',
    );
    expect(split(...words, '--', ...command), `seed ${seed}`).toEqual({ given, command });
    expect(split(...words, 'ls', ...command), `seed ${seed}`).toEqual({
      given,
      command: ['ls', ...command],
    });
  }
});

it('of a line where options may stand anywhere, the others are the rest', () => {
  const { options, rest } = splitMixed(['web', '-T', '5', 'db', '-q', '--', '-x', 'y'], SPECS);
  expect(options.map(({ spec, text }) => [spec.name, text])).toEqual([
    ['timeout', '5'],
    ['quiet', 'on'],
  ]);
  expect(rest).toEqual(['web', 'db', '-x', 'y']);
});
