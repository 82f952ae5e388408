/**
 * The text of `--help`, at most 80 columns wide. Pure.
 *
 * Laid out here and not by cac: its `Command.outputHelp` neither wraps nor groups options, and it
 * writes with console.info, which ignores errors (`lockex --help >/dev/full` has to fail).
 */

import { EXIT_STATUSES } from '../log/outcomes.ts';
import {
  COMMAND_RULE,
  EXAMPLES,
  type Example,
  STATUS_EXIT_STATUSES,
  SUBCOMMANDS,
  SUMMARY,
} from './help-content.ts';
import { GROUPS, type OptionSpec } from './option-spec.ts';
import { CONFIG_SPECS, SPECS, STATUS_SPECS } from './options.ts';

const WIDTH = 80;
/** Column in which the descriptions start. */
const INDENT = 30;
/** Width of the longest exit status, `128+n`. */
const STATUS_WIDTH = 5;

const HEAD = `${SUMMARY}

Usage:
  lockex [OPTIONS] -- COMMAND [ARGUMENT…]
${SUBCOMMANDS.map(subcommandText).join('\n')}

${COMMAND_RULE}`;

const TAIL = `Examples:
${EXAMPLES.map(exampleText).join('\n\n')}

Exit status:
  that of the command (128+n if signal n killed it), or
${EXIT_STATUSES.map(statusText).join('\n')}`;

const STATUS_HEAD = `lockex status shows the holders and waiters of all locks, or of the locks that
are named. It changes nothing.

Usage:
  lockex status [OPTIONS] [LOCKID…]`;

const STATUS_TAIL = `Examples:
  All locks:
    lockex status

  One lock, live:
    lockex status --watch redis

  In a script:
    lockex status nightly >/dev/null && echo 'nightly is running'

Exit status:
${STATUS_EXIT_STATUSES.map(statusText).join('\n')}`;

export function helpText(): string {
  return [HEAD, ...groupsOf(SPECS), TAIL].join('\n\n');
}

export function statusHelpText(): string {
  return [STATUS_HEAD, ...groupsOf(STATUS_SPECS), STATUS_TAIL].join('\n\n');
}

const CONFIG_HEAD = `lockex config shows the settings of this host and the origin of each: the
command line, the environment, the configuration file, or the default.

Usage:
  lockex config [OPTIONS]`;

export function configHelpText(): string {
  return [CONFIG_HEAD, ...groupsOf(CONFIG_SPECS)].join('\n\n');
}

function subcommandText({ name, operand, help }: (typeof SUBCOMMANDS)[number]): string {
  return `  ${`lockex ${name} ${operand}`.padEnd(INDENT - 3)} ${help}`;
}

function exampleText({ purpose, line }: Example): string {
  return `${indented(purpose)}\n    ${line}`;
}

function statusText([status, meaning]: readonly [string, string]): string {
  const head = `  ${status.padEnd(STATUS_WIDTH)} `;
  return head + wrapped(meaning, WIDTH - head.length).join(`\n${' '.repeat(head.length)}`);
}

function indented(text: string): string {
  return text.replace(/^/gm, '  ');
}

function groupsOf(specs: readonly OptionSpec[]): string[] {
  return Object.entries(GROUPS).flatMap(([group, title]) => {
    const members = specs.filter((spec) => spec.group === group);
    return members.length === 0 ? [] : `${title}:\n${members.map(optionText).join('\n')}`;
  });
}

function optionText(spec: OptionSpec): string {
  const letter = spec.letter === undefined ? '    ' : `-${spec.letter}, `;
  const name = spec.negatable ? `--[no-]${spec.name}` : `--${spec.name}`;
  const value = spec.isValueOptional ? `[=${spec.value}]` : ` ${spec.value}`;
  const head = `  ${letter}${name}${spec.value === undefined ? '' : value}`;
  const defaultText = spec.default === undefined ? '' : ` (default: ${spec.default})`;
  const lines = wrapped(spec.help + defaultText, WIDTH - INDENT);
  const first = head.length < INDENT ? head.padEnd(INDENT) + (lines.shift() ?? '') : head;
  return [first, ...lines.map((line) => ' '.repeat(INDENT) + line)].join('\n');
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
