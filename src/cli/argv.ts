/**
 * Splits argv into options and the command before cac reads it: cac would take the `-l` of `lockex
 * ls -l` as an option, and turns `-i 007` into 7. Pure.
 *
 * Not `util.parseArgs({ tokens: true, strict: false })`, which preserves `007` and reports the
 * first positional. It shifts one array for every argument and spreads a bundle of flags into a
 * call (`parseArgs` and `argsToTokens` in Node's lib/internal/util/parse_args/parse_args.js).
 * Measured with Node 20.20: 0.4 ms per start; 3.6 s for a command with 200,000 arguments (`lockex
 * rm *`); a RangeError for a bundle of 130,000 letters. This reads each argument once.
 */
import { labelOf, type OptionSpec } from './option-spec.ts';
import { nearestTo } from './suggest.ts';
import { quoted, UsageError } from './usage-error.ts';

export interface ParsedOption {
  readonly spec: OptionSpec;
  /** The text as typed; for flags: 'on' or 'off'. */
  readonly text: string;
}

export interface SplitCommandLine {
  readonly options: readonly ParsedOption[];
  /** The arguments after `--`, or from the first one that is neither option nor value. */
  readonly rest: readonly string[];
}

/** A cursor over argv: nothing is copied until `rest`. */
class ArgumentCursor {
  readonly #argv: readonly string[];
  #next = 0;

  constructor(argv: readonly string[]) {
    this.#argv = argv;
  }

  /** The next argument, without consuming it; undefined at the end. */
  get next(): string | undefined {
    return this.#argv[this.#next];
  }

  /** Consumes the next argument; undefined at the end. */
  take(): string | undefined {
    const argument = this.next;
    this.#next += 1;
    return argument;
  }

  get rest(): readonly string[] {
    return this.#argv.slice(this.#next);
  }
}

/** Reads options up to `--` or the first argument that is not an option. @throws UsageError */
export function splitCommandLine(
  argv: readonly string[],
  specs: readonly OptionSpec[],
): SplitCommandLine {
  const options: ParsedOption[] = [];
  const args = new ArgumentCursor(argv);
  for (let arg = args.next; arg !== undefined && isOption(arg); arg = args.next) {
    args.take();
    if (arg === '--') break;
    for (const option of optionsIn(arg, args, specs)) options.push(option);
  }
  return { options, rest: args.rest };
}

/**
 * Reads options and operands in any order; all arguments after `--` are operands.
 *
 * @throws UsageError
 */
export function splitMixed(
  argv: readonly string[],
  specs: readonly OptionSpec[],
): SplitCommandLine {
  const options: ParsedOption[] = [];
  const operands: string[] = [];
  const args = new ArgumentCursor(argv);
  for (let arg = args.take(); arg !== undefined && arg !== '--'; arg = args.take()) {
    if (!isOption(arg)) operands.push(arg);
    else for (const option of optionsIn(arg, args, specs)) options.push(option);
  }
  return { options, rest: [...operands, ...args.rest] };
}

function isOption(arg: string): boolean {
  return arg.startsWith('-') && arg !== '-';
}

/** `following`: the arguments after `arg`; the option's value is taken from there. */
function optionsIn(
  arg: string,
  following: ArgumentCursor,
  specs: readonly OptionSpec[],
): ParsedOption[] {
  return arg.startsWith('--')
    ? [longOption(arg, following, specs)]
    : shortOptions(arg, following, specs);
}

/** `--name`, `--no-name`, `--name value`, `--name=value`. */
function longOption(
  arg: string,
  following: ArgumentCursor,
  specs: readonly OptionSpec[],
): ParsedOption {
  const equals = arg.indexOf('=');
  const name = arg.slice(2, equals < 0 ? undefined : equals);
  const value = equals < 0 ? null : arg.slice(equals + 1);
  const negated = name.startsWith('no-') ? byName(specs, name.slice(3)) : undefined;
  const isNegated = negated?.negatable === true;
  const spec = isNegated ? negated : byName(specs, name);
  if (spec === undefined) throw unknownOption(specs, `--${name}`);
  if (isNegated || spec.value === undefined) {
    if (value !== null) throw new UsageError(`--${name} takes no value, but got ${quoted(value)}`);
    return { spec, text: isNegated ? 'off' : 'on' };
  }
  if (spec.isValueOptional) return { spec, text: value ?? '' };
  return { spec, text: value ?? valueFrom(following, spec) };
}

/** `-t5`, `-t 5`, `-t=5`, `-qv`. */
function shortOptions(
  arg: string,
  following: ArgumentCursor,
  specs: readonly OptionSpec[],
): ParsedOption[] {
  const options: ParsedOption[] = [];
  for (let position = 1; position < arg.length; position += 1) {
    const letter = arg[position];
    const spec = specs.find((candidate) => candidate.letter === letter);
    if (spec === undefined) {
      throw unknownOption(specs, byName(specs, arg.slice(1)) ? arg : `-${letter}`);
    }
    if (spec.value !== undefined) {
      const attached = arg.slice(position + 1).replace(/^=/, '');
      const isAttached = arg.length > position + 1;
      options.push({ spec, text: isAttached ? attached : valueFrom(following, spec) });
      return options;
    }
    options.push({ spec, text: 'on' });
  }
  return options;
}

function valueFrom(following: ArgumentCursor, spec: OptionSpec): string {
  const value = following.next;
  if (value === undefined || value === '--') {
    throw new UsageError(`${labelOf(spec)} expects a value: ${spec.value}`);
  }
  following.take();
  return value;
}

function byName(specs: readonly OptionSpec[], name: string): OptionSpec | undefined {
  return specs.find((spec) => spec.name === name);
}

/** `typed`: without its value, which may be a secret. */
function unknownOption(specs: readonly OptionSpec[], typed: string): UsageError {
  const names = specs.flatMap(({ name, negatable }) =>
    negatable ? [`--${name}`, `--no-${name}`] : [`--${name}`],
  );
  const nearest = typed.length <= 2 ? null : nearestTo(typed, names);
  const hint = nearest === null ? "see 'lockex --help'" : `did you mean ${nearest}?`;
  return new UsageError(`unknown option ${quoted(typed)}: ${hint}`);
}
