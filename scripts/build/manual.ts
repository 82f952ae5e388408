/** The manual page lockex(1), generated from the table of options and the content of `--help`. */
import * as usage from '../../src/cli/help-content.ts';
import { GROUPS, type OptionSpec } from '../../src/cli/option-spec.ts';
import { OF_STATUS, SPECS } from '../../src/cli/options.ts';
import { EXIT_STATUSES } from '../../src/log/outcomes.ts';
import { version } from '../../src/util/version.ts';

/** @returns man(7) */
export function manualPage(): string {
  const pairs = (list: readonly (readonly [string, string])[]) =>
    list.map(([term, text]) => `.TP\n.B ${escaped(term)}\n${escaped(sentence(text))}`).join('\n');
  return [
    `.TH LOCKEX 1 "" "lockex ${version}" "User Commands"`,
    '.SH NAME',
    'lockex \\- run a command while holding a lock in ZooKeeper',
    '.SH SYNOPSIS',
    '.B lockex\n.RI [ OPTIONS ]\n.B \\-\\-\n.I COMMAND\n.RI [ ARGUMENT ...]',
    '.br\n.B lockex status\n.RI [ OPTIONS ]\n.RI [ LOCKID ...]',
    '.br\n.B lockex config\n.RI [ OPTIONS ]',
    '.SH DESCRIPTION',
    paragraph(usage.SUMMARY),
    '.PP',
    paragraph(usage.COMMAND_RULE),
    '.PP',
    'SIGTERM stops the command: its processes get SIGTERM, and SIGKILL after',
    '.B \\-\\-kill\\-after\nseconds; a second SIGTERM kills them at once.',
    'SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH and SIGCONT are forwarded to it.',
    'SIGTSTP is ignored: a stopped lockex would lose the lock.',
    '.SH OPTIONS',
    ...Object.entries(GROUPS).flatMap(([group, title]) => [
      `.SS ${escaped(title)}`,
      ...SPECS.filter((spec: OptionSpec) => spec.group === group).map(optionEntry),
    ]),
    '.SH EXIT STATUS',
    "The command's (128+n where signal n killed it), or",
    pairs(EXIT_STATUSES),
    '.SH STATUS OF LOCKS',
    'lockex status shows the holders and waiters of the named locks, or of all locks',
    'below the lock path. It takes the options for servers and access that are listed above',
    '(\\-\\-timeout is 5 seconds here), and',
    ...OF_STATUS.map(optionEntry),
    '.PP\nIts exit status is',
    pairs(usage.STATUS_EXIT_STATUSES),
    '.SH ENVIRONMENT',
    pairs(usage.ENVIRONMENT),
    '.PP\nThe command gets',
    pairs(usage.COMMAND_ENVIRONMENT),
    '.SH FILES',
    '.TP\n.I /etc/lockex.json\nSettings of this host: long names of options, as JSON.',
    '.SH EXAMPLES',
    ...usage.EXAMPLES.map(
      ({ purpose, line }: { purpose: string; line: string }) =>
        `.PP\n${paragraph(purpose)}\n.PP\n.nf\n.RS\n${escaped(line)}\n.RE\n.fi`,
    ),
    '.SH SEE ALSO',
    '.BR flock (1),\n.BR supervisord (1),\n.BR systemd.service (5)',
    '',
  ].join('\n');
}

function optionEntry({
  name,
  letter,
  value,
  isValueOptional,
  negatable,
  help,
  ...spec
}: OptionSpec) {
  const long = negatable ? `\\-\\-[no\\-]${escaped(name)}` : `\\-\\-${escaped(name)}`;
  const head = letter === undefined ? `\\fB${long}\\fR` : `\\fB\\-${letter}\\fR, \\fB${long}\\fR`;
  const operand = value === undefined ? '' : escaped(value);
  const tail = isValueOptional ? `[=\\fI${operand}\\fR]` : operand && ` \\fI${operand}\\fR`;
  const standard = spec.default === undefined ? '' : ` (default: ${spec.default})`;
  return `.TP\n${head}${tail}\n${escaped(sentence(help + standard))}`;
}

function sentence(text: string) {
  return `${text}.`;
}

function paragraph(text: string) {
  return escaped(text.replaceAll('\n', ' '));
}

/** Escapes text for roff: dashes that can be copied, and no requests. */
function escaped(text: string) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll("'", '\\(aq')
    .replace(/^\./gm, '\\&.');
}
