/** Splits argv into the options of lockex and the command. */
import { describe, expect, it } from 'vitest';
import { splitCommandLine, splitMixed } from '../../../src/cli/argv.ts';
import { SPECS } from '../../../src/cli/options.ts';
import { randomOf } from '../../support/random.ts';

function split(...argv: string[]) {
  const { options, rest } = splitCommandLine(argv, SPECS);
  return { options: options.map(({ spec, text }) => [spec.name, text]), command: rest };
}

describe('the command', () => {
  it('is everything after --, including options and further --', () => {
    expect(split('-q', '--', '-c', '2', '--', '--help')).toEqual({
      options: [['quiet', 'on']],
      command: ['-c', '2', '--', '--help'],
    });
  });

  it('starts at the first argument that is not an option, without --', () => {
    expect(split('-c', '2', 'ls', '-l', '--help')).toEqual({
      options: [['concurrent', '2']],
      command: ['ls', '-l', '--help'],
    });
  });

  it('may start with an empty argument or a single dash', () => {
    expect(split('', '-q').command).toEqual(['', '-q']);
    expect(split('-', '-q').command).toEqual(['-', '-q']);
  });

  it('keeps a -- after its first argument', () => {
    expect(split('git', '--', 'x').command).toEqual(['git', '--', 'x']);
  });

  it('is empty if there are only options', () => {
    expect(split('-q').command).toEqual([]);
    expect(split('-q', '--').command).toEqual([]);
  });
});

describe('a value', () => {
  it.each([['-t', '5'], ['-t5'], ['-t=5'], ['--locktimeout', '5'], ['--locktimeout=5']])(
    'can be written as %s %s',
    (...args) => {
      expect(split(...args, 'x')).toEqual({ options: [['locktimeout', '5']], command: ['x'] });
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
  ])('is preserved exactly: %j', (value) => {
    expect(split('-i', value).options).toEqual([['lockid', value]]);
    expect(split(`--lockid=${value}`).options).toEqual([['lockid', value]]);
  });

  it.each([['-t'], ['--locktimeout'], ['-qt'], ['-t', '--', 'x'], ['--locktimeout', '--', 'x']])(
    'is required: %s %s',
    (...args) => {
      expect(() => split(...args)).toThrow('-t/--locktimeout expects a value: S');
    },
  );
});

describe('flags', () => {
  it('can be combined, the last one with a value', () => {
    expect(split('-qvt5', 'x').options).toEqual([
      ['quiet', 'on'],
      ['verbose', 'on'],
      ['locktimeout', '5'],
    ]);
    expect(split('-qt', '5', 'x')).toEqual({
      options: [
        ['quiet', 'on'],
        ['locktimeout', '5'],
      ],
      command: ['x'],
    });
  });

  it('can be negated only if declared so', () => {
    expect(split('--no-blocking', '--no-guard', '--guard').options).toEqual([
      ['blocking', 'off'],
      ['guard', 'off'],
      ['guard', 'on'],
    ]);
    expect(() => split('--no-shell')).toThrow("unknown option '--no-shell'");
  });

  it.each(['--shell=yes', '--no-blocking=1', '--guard='])('take no value: %s', (arg) => {
    expect(() => split(arg)).toThrow('takes no value');
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
  ])('is refused, with the closest name: %j', (arg, message) => {
    expect(() => split(arg)).toThrow(message);
  });

  it('is reported without its value', () => {
    expect(() => split('--password=secret')).toThrow(/^unknown option '--password': see/);
  });
});

const VALUES = ['', '0', '007', '-', '-q', '--help', '=', 'a b', '\u0000', 'no', "'", '…', '1e3'];

/** Random options in random spellings: the expected result, and the arguments. */
function randomOptions(random: (below: number) => number) {
  const options: [string, string][] = [];
  const args: string[] = [];
  for (let count = random(6); count > 0; count -= 1) {
    const spec = SPECS[random(SPECS.length)];
    if (spec === undefined) continue;
    if (spec.value === undefined) {
      const isOff = spec.negatable === true && random(2) === 0;
      options.push([spec.name, isOff ? 'off' : 'on']);
      const isShort = spec.letter !== undefined && random(2) === 0;
      args.push(isShort ? `-${spec.letter}` : `--${isOff ? 'no-' : ''}${spec.name}`);
      continue;
    }
    const value = VALUES[random(VALUES.length)] ?? '';
    options.push([spec.name, value]);
    // Attached to its letter, a value can neither be empty nor start with an equals sign.
    const isAttachable = value !== '' && !value.startsWith('=');
    const spellings = [[`--${spec.name}=${value}`]];
    if (!spec.isValueOptional) spellings.push([`--${spec.name}`, value]);
    if (spec.letter) spellings.push([`-${spec.letter}`, value]);
    if (spec.letter && isAttachable) spellings.push([`-${spec.letter}${value}`]);
    args.push(...(spellings[random(spellings.length)] ?? []));
  }
  return { options, args };
}

it('random options before a command are all found, and the command is unchanged', () => {
  for (let seed = 1; seed <= 5000; seed += 1) {
    const random = randomOf(seed, 'arguments').below;
    const { options, args } = randomOptions(random);
    const command = Array.from(
      { length: 1 + random(4) },
      () => [...VALUES, '--', '-c', 'ls'][random(VALUES.length + 3)] ?? '',
    );
    expect(split(...args, '--', ...command), `seed ${seed}`).toEqual({ options, command });
    expect(split(...args, 'ls', ...command), `seed ${seed}`).toEqual({
      options,
      command: ['ls', ...command],
    });
  }
});

it('splitMixed finds options anywhere before --, and returns the operands', () => {
  const { options, rest } = splitMixed(['web', '-T', '5', 'db', '-q', '--', '-x', 'y'], SPECS);
  expect(options.map(({ spec, text }) => [spec.name, text])).toEqual([
    ['timeout', '5'],
    ['quiet', 'on'],
  ]);
  expect(rest).toEqual(['web', 'db', '-x', 'y']);
});
