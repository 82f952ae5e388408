/**
 * The configuration file: what does not change on a host, as JSON with the long names of options. Its
 * text comes from outside; this knows what it may say. Throws UsageError.
 */

import { nearestTo } from './argv.ts';
import { labelOf, type OptionSpec, SPECS } from './options.ts';
import { quoted, UsageError } from './usage-error.ts';

export const DEFAULT_CONFIG_FILE = '/etc/lockex.json';

export interface Config {
  /** Where it was read; for messages. */
  readonly file: string;
  /** As the user would type it: by option. */
  readonly values: ReadonlyMap<string, string>;
}

export const CONFIGURABLE: readonly OptionSpec[] = SPECS.filter((spec) => spec.isConfigurable);

export function parseConfig(file: string, text: string): Config {
  let parsed: unknown;
  try {
    // Some editors put a byte order mark before it.
    parsed = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    throw new UsageError(`${file} is not JSON`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`${file} has to be one JSON object`);
  }
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    // Where editors find the names.
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
    throw new UsageError(`${file}: ${labelOf(other)} belongs on the command line`);
  }
  const names = CONFIGURABLE.map((candidate) => candidate.name);
  const near = nearestTo(name, names);
  const hint = near === null ? '' : `: did you mean ${near}?`;
  throw new UsageError(`${file}: there is no setting ${quoted(name)}${hint}`);
}

function textOf(file: string, spec: OptionSpec, value: unknown): string {
  const isFlag = spec.value === undefined;
  if (isFlag && typeof value === 'boolean') return value ? 'on' : 'off';
  if (!isFlag && typeof value === 'string') return value;
  if (isNumeric(spec) && typeof value === 'number') return String(value);
  const wanted = isFlag ? 'true or false' : isNumeric(spec) ? 'a string or a number' : 'a string';
  throw new UsageError(`${file}: ${spec.name} wants ${wanted}`);
}

/** A number in the place of a name would be another name: 1e3 is 1000. */
function isNumeric({ value }: OptionSpec): boolean {
  return value === 'N' || value === 'S';
}

function typeOf(spec: OptionSpec): string | string[] {
  if (spec.value === undefined) return 'boolean';
  return isNumeric(spec) ? ['string', 'number'] : 'string';
}

/** A JSON schema for editors, made of the same table. */
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
    description: `What does not change on a host: ${DEFAULT_CONFIG_FILE}`,
    type: 'object',
    additionalProperties: false,
    properties: { $schema: { type: 'string' }, ...Object.fromEntries(properties) },
  };
}
