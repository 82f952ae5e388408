/**
 * The configuration file: the settings of a host, as JSON with the long names of options. The
 * caller reads the file; this checks its text. Throws UsageError.
 */
import { labelOf, type OptionSpec } from './option-spec.ts';
import { SPECS } from './options.ts';
import { nearestTo } from './suggest.ts';
import { quoted, UsageError } from './usage-error.ts';

export const DEFAULT_CONFIG_FILE = '/etc/lockex.json';

export interface Config {
  /** Its path, for messages. */
  readonly file: string;
  /** By option, in the form in which a user would type them. */
  readonly values: ReadonlyMap<string, string>;
}

export const CONFIGURABLE: readonly OptionSpec[] = SPECS.filter((spec) => spec.isConfigurable);

export function parseConfig(file: string, text: string): Config {
  let parsed: unknown;
  try {
    // Some editors write a byte order mark first.
    parsed = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    throw new UsageError(`${file} is not valid JSON`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`${file}: expected one JSON object`);
  }
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    // Editors read the names of settings from it.
    if (name === '$schema') continue;
    values.set(name, textOf(file, specOf(file, name), value));
  }
  return { file, values };
}

function specOf(file: string, name: string): OptionSpec {
  const spec = CONFIGURABLE.find((candidate) => candidate.name === name);
  if (spec !== undefined) return spec;
  const other = SPECS.find((candidate) => candidate.name === name);
  if (other !== undefined) {
    throw new UsageError(`${file}: ${labelOf(other)} can be set on the command line only`);
  }
  const names = CONFIGURABLE.map((candidate) => candidate.name);
  const nearest = nearestTo(name, names);
  const hint = nearest === null ? '' : `: did you mean ${nearest}?`;
  throw new UsageError(`${file}: unknown setting ${quoted(name)}${hint}`);
}

function textOf(file: string, spec: OptionSpec, value: unknown): string {
  const isFlag = spec.value === undefined;
  if (isFlag && typeof value === 'boolean') return value ? 'on' : 'off';
  if (!isFlag && typeof value === 'string') return value;
  if (isNumeric(spec) && typeof value === 'number') return String(value);
  const expected = isFlag ? 'true or false' : isNumeric(spec) ? 'a string or a number' : 'a string';
  throw new UsageError(`${file}: ${spec.name} expects ${expected}`);
}

/** Other values, such as names, must be strings: the JSON number 1e3 would become '1000'. */
function isNumeric({ value }: OptionSpec): boolean {
  return value === 'N' || value === 'S';
}

function typeOf(spec: OptionSpec): string | string[] {
  if (spec.value === undefined) return 'boolean';
  return isNumeric(spec) ? ['string', 'number'] : 'string';
}

/** A JSON schema for editors, derived from the table of options. */
export function configSchema(): object {
  const properties = CONFIGURABLE.map((spec): [string, object] => [
    spec.name,
    {
      description: spec.help,
      type: typeOf(spec),
      ...(spec.default !== undefined && { default: spec.default }),
    },
  ]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'lockex',
    description: `Settings of a host: ${DEFAULT_CONFIG_FILE}`,
    type: 'object',
    additionalProperties: false,
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(properties) },
  };
}
