/**
 * Plans how to pass the command's environment through the gate's shell unchanged. Shells drop
 * variables with names that are not identifiers (`my-var`, `BASH_FUNC_x%%`), add some (PWD), and
 * change others (SHLVL, `_`). Such variables are passed under safe names and renamed at the end: by
 * the shell if it can, else by `env -S`, which expands ${NAME} itself, so that no value appears in
 * an argv. Starts no process.
 *
 * Not covered: names and values that are not UTF-8. Node has replaced their bytes before lockex
 * reads them.
 */

const CARRIED = 'LOCKEX_GATE_';

/** Variables that every shell changes, and that dash and busybox can restore. */
const COMMONLY_TOUCHED = ['PWD', 'OLDPWD', 'SHLVL', '_'] as const;

/** Variables with a special meaning in dash, busybox ash or bash. */
const SHELL_OWNED = new Set(
  `IFS OPTIND OPTARG OPTERR PPID LINENO RANDOM SRANDOM SECONDS EPOCHSECONDS EPOCHREALTIME UID EUID
  GROUPS DIRSTACK FUNCNAME HISTCMD PIPESTATUS SHELLOPTS COLUMNS LINES POSIXLY_CORRECT PS1 PS2 PS4
  BASH BASHOPTS`.split(/\s+/),
);

export type Variables = ReadonlyMap<string, string>;

export interface EnvironmentPlan {
  /** The environment of the gate's shell. */
  readonly gate: Record<string, string>;
  /** Safe name → original name. */
  readonly carried: ReadonlyMap<string, string>;
  /** Variables that shells add, and that the gate removes again. */
  readonly absent: readonly string[];
  /** Original names that only `env -S` can set; without it these variables are lost. */
  readonly odd: readonly string[];
}

export function planEnvironment(wanted: Variables): EnvironmentPlan {
  const gate: Record<string, string> = {};
  const carried = new Map<string, string>();
  const odd: string[] = [];
  for (const [name, value] of wanted) {
    const touched = isTouched(name);
    if (!touched && !isOdd(name)) {
      gate[name] = value;
      continue;
    }
    const safe = `${CARRIED}${carried.size}`;
    gate[safe] = value;
    carried.set(safe, name);
    if (!touched) odd.push(name);
  }
  // Without a PATH, busybox exports a default one.
  const absent = [...COMMONLY_TOUCHED, 'PATH'].filter((name) => !wanted.has(name));
  return { gate, carried, absent, odd };
}

/** Arguments for `env` that turn the gate's environment into the wanted one. */
export function envArguments({ carried, absent }: EnvironmentPlan): readonly string[] {
  const unset = [...carried.keys(), ...absent].flatMap((name) => ['-u', name]);
  const set = [...carried].map(([safe, name]) => `"${quote(name)}=\${${safe}}"`);
  // After `--` a name may begin with a dash.
  return [...unset, '-S', ['--', ...set].join(' ')];
}

/** Shell commands that do the same, except for the variables in `odd`. */
export function restoringLines({ carried, absent }: EnvironmentPlan): string {
  const lines = absent.map((name) => `unset ${name}`);
  for (const [safe, name] of carried) {
    if (isTouched(name)) lines.push(`${name}=$${safe}; export ${name}`);
    lines.push(`unset ${safe}`);
  }
  return lines.join('\n');
}

function isTouched(name: string): boolean {
  return (COMMONLY_TOUCHED as readonly string[]).includes(name);
}

function isOdd(name: string): boolean {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return true;
  return SHELL_OWNED.has(name) || name.startsWith('BASH_') || name.startsWith(CARRIED);
}

/** For double quotes in `env -S` (GNU coreutils, "-S/--split-string syntax"). */
function quote(name: string): string {
  return name.replace(/[\\"$]/g, '\\$&');
}
