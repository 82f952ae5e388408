/** The shape of an option's declaration (options.ts), and how help and messages name it. */

export interface OptionSpec {
  /** Long name, without dashes. */
  readonly name: string;
  readonly letter?: string;
  /** Placeholder of its value in `--help`; absent for a flag. */
  readonly value?: string;
  /** The value may be omitted; with a value, only `--NAME=VALUE` is accepted. */
  readonly isValueOptional?: boolean;
  /** `--no-NAME` exists; the flag is on by default. */
  readonly negatable?: boolean;
  /** In the form in which a user would type it; absent: unset, or off. */
  readonly default?: string;
  /** The configuration file may set it (config.ts). */
  readonly isConfigurable?: boolean;
  readonly help: string;
  readonly group: 'lock' | 'zookeeper' | 'command' | 'messages';
}

/** Titles of the groups in `--help` and the manual page, in their order. */
export const GROUPS: Readonly<Record<OptionSpec['group'], string>> = {
  lock: 'The lock',
  zookeeper: 'ZooKeeper',
  command: 'The command',
  messages: 'Messages',
};

/** The name of an option in messages: `-c/--concurrent`, `--guard`. */
export function labelOf({ name, letter }: Pick<OptionSpec, 'name' | 'letter'>): string {
  return letter === undefined ? `--${name}` : `-${letter}/--${name}`;
}
