/**
 * argv, split into options of ours and the command, before cac sees any of it: cac would eat the
 * `-l` of `lockex ls -l`, and turns `-i 007` into 7. Pure.
 */
import { labelOf, type OptionSpec } from './options.ts';
import { quoted, UsageError } from './usage-error.ts';

export interface GivenOption {
  readonly spec: OptionSpec;
  /** The text that was typed; flags: 'on' or 'off'. */
  readonly text: string;
}

export interface SplitCommandLine {
  readonly options: readonly GivenOption[];
  /** Everything behind `--`, or from the first word that is neither option nor value. */
  readonly rest: readonly string[];
}

/** Words that are taken one after the other; none is moved. */
class Words {
  readonly #words: readonly string[];
  #next = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  /** Not taken; undefined behind the last one. */
  get next(): string | undefined {
    return this.#words[this.#next];
  }

  /** undefined behind the last one. */
  take(): string | undefined {
    const word = this.next;
    this.#next += 1;
    return word;
  }

  get rest(): readonly string[] {
    return this.#words.slice(this.#next);
  }
}

/** Options up to `--`, or to the first word that is none. */
export function splitCommandLine(
  argv: readonly string[],
  specs: readonly OptionSpec[],
): SplitCommandLine {
  const options: GivenOption[] = [];
  const words = new Words(argv);
  for (let word = words.next; word !== undefined && isOption(word); word = words.next) {
    words.take();
    if (word === '--') break;
    for (const option of optionsIn(word, words, specs)) options.push(option);
  }
  return { options, rest: words.rest };
}

/** Options and other words in any order; behind `--` all are other words. */
export function splitMixed(
  argv: readonly string[],
  specs: readonly OptionSpec[],
): SplitCommandLine {
  const options: GivenOption[] = [];
  const others: string[] = [];
  const words = new Words(argv);
  for (let word = words.take(); word !== undefined && word !== '--'; word = words.take()) {
    if (!isOption(word)) others.push(word);
    else for (const option of optionsIn(word, words, specs)) options.push(option);
  }
  return { options, rest: [...others, ...words.rest] };
}

function isOption(word: string): boolean {
  return word.startsWith('-') && word !== '-';
}

/** `words` are those behind it, of which a value is taken. */
function optionsIn(word: string, words: Words, specs: readonly OptionSpec[]): GivenOption[] {
  return word.startsWith('--')
    ? [longOption(word, words, specs)]
    : shortOptions(word, words, specs);
}

function longOption(word: string, rest: Words, specs: readonly OptionSpec[]): GivenOption {
  const equals = word.indexOf('=');
  const typed = word.slice(2, equals < 0 ? undefined : equals);
  const value = equals < 0 ? null : word.slice(equals + 1);
  const negated = typed.startsWith('no-') ? byName(specs, typed.slice(3)) : undefined;
  if (negated?.negatable) {
    if (value !== null) throw new UsageError(`--${typed} takes no value, but got ${quoted(value)}`);
    return { spec: negated, text: 'off' };
  }
  const spec = byName(specs, typed);
  if (spec === undefined) throw unknown(specs, `--${typed}`);
  if (spec.value === undefined) {
    if (value !== null) throw new UsageError(`--${typed} takes no value, but got ${quoted(value)}`);
    return { spec, text: 'on' };
  }
  if (spec.isValueOptional) return { spec, text: value ?? '' };
  return { spec, text: value ?? valueFrom(rest, spec) };
}

/** `-t5`, `-t 5`, `-t=5`, `-qv`. */
function shortOptions(word: string, rest: Words, specs: readonly OptionSpec[]): GivenOption[] {
  const given: GivenOption[] = [];
  for (let place = 1; place < word.length; place += 1) {
    const letter = word[place];
    const spec = specs.find((candidate) => candidate.letter === letter);
    if (spec === undefined)
      throw unknown(specs, byName(specs, word.slice(1)) ? word : `-${letter}`);
    if (spec.value !== undefined) {
      const attached = word.slice(place + 1).replace(/^=/, '');
      const isAttached = word.length > place + 1;
      given.push({ spec, text: isAttached ? attached : valueFrom(rest, spec) });
      return given;
    }
    given.push({ spec, text: 'on' });
  }
  return given;
}

function valueFrom(rest: Words, spec: OptionSpec): string {
  const value = rest.next;
  if (value === undefined || value === '--') {
    throw new UsageError(`${labelOf(spec)} wants a value: ${spec.value}`);
  }
  rest.take();
  return value;
}

/** What differs more was not meant, nor what differs in more than a third of its letters. */
const MAX_TYPOS = 3;

function byName(specs: readonly OptionSpec[], name: string): OptionSpec | undefined {
  return specs.find((spec) => spec.name === name);
}

function unknown(specs: readonly OptionSpec[], typed: string): UsageError {
  const names = specs.flatMap(({ name, negatable }) =>
    negatable ? [`--${name}`, `--no-${name}`] : [`--${name}`],
  );
  const near = typed.length <= 2 ? null : nearestTo(typed, names);
  const hint = near === null ? ": see 'lockex --help'" : `: did you mean ${near}?`;
  return new UsageError(`there is no option ${quoted(typed)}${hint}`);
}

/** The name that was probably meant; null where none is near. */
export function nearestTo(typed: string, names: readonly string[]): string | null {
  const most = Math.min(MAX_TYPOS, Math.floor(typed.replace(/^-+/, '').length / 3));
  const [near] = names
    // Each letter too many is a typo.
    .filter((name) => Math.abs(name.length - typed.length) <= most)
    .map((name) => ({ name, distance: distance(typed, name) }))
    .sort(byDistance);
  if (near !== undefined && near.distance <= most) return near.name;
  return (most > 0 && names.find((name) => name.startsWith(typed))) || null;
}

function byDistance(a: { readonly distance: number }, b: { readonly distance: number }): number {
  return a.distance - b.distance;
}

/** Levenshtein's: how many characters are to be changed. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
