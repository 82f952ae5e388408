/**
 * The one place that declares the options: parsing and `--help` come from this table. What a value
 * may be is in values.ts.
 */

export interface OptionSpec {
  /** Long name, without dashes. */
  readonly name: string;
  readonly letter?: string;
  /** What `--help` calls its value; without one it is a flag. */
  readonly value?: string;
  /** It may stand without its value, which is taken as `--NAME=VALUE` only. */
  readonly isValueOptional?: boolean;
  /** `--no-NAME` exists; the flag is on without it. */
  readonly negatable?: boolean;
  /** As the user would type it; absent: unset, or off. */
  readonly default?: string;
  /** The configuration file may say it (config.ts). */
  readonly isConfigurable?: boolean;
  readonly help: string;
  readonly group: 'lock' | 'zookeeper' | 'command' | 'messages';
}

export const GROUPS: Readonly<Record<OptionSpec['group'], string>> = {
  lock: 'The lock',
  zookeeper: 'ZooKeeper',
  command: 'The command',
  messages: 'Messages',
};

export const OPTIONS = [
  {
    name: 'blocking',
    negatable: true,
    group: 'lock',
    help: 'Wait for the lock (the default), or with --no-blocking give up at once',
  },
  {
    name: 'concurrent',
    letter: 'c',
    value: 'N',
    default: '1',
    group: 'lock',
    help: 'How many may hold it at once: above 1 it is a semaphore, and all have to say the same N',
  },
  {
    name: 'shared',
    group: 'lock',
    help: 'Hold it together with others that say so; who does not say so waits for all of them',
  },
  {
    name: 'recipe',
    value: 'kazoo|curator',
    default: 'kazoo',
    group: 'lock',
    help: "Whose clients share the lock: kazoo's, or those of Curator's InterProcessMutex",
  },
  {
    name: 'lockid',
    letter: 'i',
    value: 'ID',
    group: 'lock',
    help: 'Name of the lock (default: made from the command)',
  },
  {
    name: 'lockpath',
    isConfigurable: true,
    letter: 'p',
    value: 'PATH',
    default: 'lockex',
    group: 'lock',
    help: 'Where in ZooKeeper the locks live',
  },
  {
    name: 'lockretry',
    letter: 'r',
    value: 'N',
    default: '1',
    group: 'lock',
    help: 'Sessions to try: with N > 1, one that is lost while waiting is followed by a new one',
  },
  {
    name: 'locktimeout',
    letter: 't',
    value: 'S',
    group: 'lock',
    help: 'Seconds to wait for the lock once a server is reached (default: for ever; 0: --no-blocking)',
  },
  {
    name: 'hold',
    value: 'S',
    group: 'lock',
    help: 'Seconds to keep the lock at least, even if the command ends sooner by itself',
  },
  {
    name: 'conflict-exit-code',
    letter: 'E',
    value: 'N',
    default: '1',
    group: 'lock',
    help: 'Exit status when the lock was not had',
  },
  {
    name: 'zkhosts',
    isConfigurable: true,
    letter: 'z',
    value: 'LIST',
    group: 'zookeeper',
    help: 'host:port,… with an optional /chroot at the end (default: $ZKHOSTS, else localhost:2181)',
  },
  {
    name: 'timeout',
    isConfigurable: true,
    letter: 'T',
    value: 'S',
    default: '30',
    group: 'zookeeper',
    help: 'Seconds that one try to connect may take, and the session timeout to ask for',
  },
  {
    name: 'retry',
    isConfigurable: true,
    letter: 'R',
    value: 'N',
    default: '1',
    group: 'zookeeper',
    help: 'Tries to connect',
  },
  {
    name: 'auth-file',
    isConfigurable: true,
    value: 'FILE',
    group: 'zookeeper',
    help: 'Authenticate (digest) with user:password, the one line of this file (default: $LOCKEX_AUTH)',
  },
  {
    name: 'acl',
    isConfigurable: true,
    value: 'open|creator|LIST',
    default: 'open',
    group: 'zookeeper',
    help: 'Who may touch our nodes; with authentication the default is creator',
  },
  {
    name: 'tls-ca',
    isConfigurable: true,
    value: 'FILE',
    group: 'zookeeper',
    help: 'Connect over TLS, to servers whose certificate is signed by an authority in this file (PEM)',
  },
  {
    name: 'tls-cert',
    isConfigurable: true,
    value: 'FILE',
    group: 'zookeeper',
    help: 'Our own certificate, where the servers want one (PEM)',
  },
  {
    name: 'tls-key',
    isConfigurable: true,
    value: 'FILE',
    group: 'zookeeper',
    help: 'Its private key (PEM), for our eyes only',
  },
  {
    name: 'shell',
    group: 'command',
    help: 'Join the words of the command and give them to /bin/sh -c',
  },
  {
    name: 'kill-after',
    isConfigurable: true,
    value: 'S',
    default: '5',
    group: 'command',
    help: 'Seconds between SIGTERM and SIGKILL when it is stopped',
  },
  {
    name: 'max-runtime',
    value: 'S',
    group: 'command',
    help: 'Seconds that the command may run; then it is stopped, and the exit status is 123',
  },
  {
    name: 'wait-for-all',
    group: 'command',
    help: 'Keep the lock until everything that the command started has ended, also in the background',
  },
  {
    name: 'once-per',
    value: 'TIME',
    group: 'command',
    help: 'Run only if no contender has finished it with 0 within that time (90s, 10m, 1h, 1d)',
  },
  {
    name: 'skip-exit-code',
    value: 'N',
    default: '0',
    group: 'command',
    help: 'Exit status when --once-per has nothing to do',
  },
  {
    name: 'on-lost',
    isConfigurable: true,
    value: 'exit|rejoin',
    default: 'exit',
    group: 'command',
    help: 'When the lock was lost and the command is dead: exit with 124, or wait for the lock again',
  },
  {
    name: 'guard',
    isConfigurable: true,
    negatable: true,
    group: 'command',
    help: 'Have a guard beside the command that kills it should lockex die or hang (the default)',
  },
  {
    name: 'log-format',
    isConfigurable: true,
    value: 'text|json',
    default: 'text',
    group: 'messages',
    help: 'Lines for people, or one JSON object a line',
  },
  {
    name: 'log-level',
    isConfigurable: true,
    value: 'LEVEL',
    default: 'info',
    group: 'messages',
    help: 'error, warn, info or debug',
  },
  {
    name: 'quiet',
    letter: 'q',
    group: 'messages',
    help: 'Warnings and errors only: --log-level warn',
  },
  {
    name: 'verbose',
    letter: 'v',
    group: 'messages',
    help: 'Everything: --log-level debug',
  },
  {
    name: 'on-state',
    isConfigurable: true,
    value: 'CMD',
    group: 'messages',
    help: 'Run this with /bin/sh at each change of state: $LOCKEX_STATE, $LOCKEX_REASON, $LOCKEX_LOCKID',
  },
  {
    name: 'ready-when',
    isConfigurable: true,
    value: 'waiting|running',
    default: 'waiting',
    group: 'messages',
    help: 'When systemd is told that we are ready, in a unit of Type=notify',
  },
  {
    name: 'inspect',
    value: '[HOST:]PORT',
    isValueOptional: true,
    group: 'messages',
    help: 'Serve a page that shows this lockex live; on loopback and a free port when none is named',
  },
  {
    name: 'inspect-origin',
    isConfigurable: true,
    value: 'URL,…',
    group: 'messages',
    help: "Other sites whose pages may attach to --inspect, such as Stately's: https://stately.ai",
  },
  {
    name: 'config',
    value: 'FILE',
    group: 'messages',
    help: 'Settings of this host, as JSON (default: $LOCKEX_CONFIG, else /etc/lockex.json if there)',
  },
  { name: 'help', letter: 'h', group: 'messages', help: 'Show this' },
  { name: 'version', letter: 'V', group: 'messages', help: "Show lockex's version" },
] as const satisfies readonly OptionSpec[];

/** Only `lockex status` has these. */
export const OF_STATUS = [
  { name: 'json', group: 'messages', help: 'One JSON array instead of tables' },
  { name: 'watch', group: 'messages', help: 'Stay, and show every change' },
] as const satisfies readonly OptionSpec[];

/** What `lockex status` shares with a run; it is waited for by a person. */
const SHARED = [
  ...['lockpath', 'zkhosts', 'timeout', 'retry', 'config', 'help'],
  ...['auth-file', 'tls-ca', 'tls-cert', 'tls-key'],
];
const STATUS_TIMEOUT = '5';

export type OptionName = (typeof OPTIONS | typeof OF_STATUS)[number]['name'];

export const SPECS: readonly OptionSpec[] = OPTIONS;

export const STATUS_SPECS: readonly OptionSpec[] = [
  ...SPECS.filter(({ name }) => SHARED.includes(name)).map((spec) =>
    spec.name === 'timeout' ? { ...spec, default: STATUS_TIMEOUT } : spec,
  ),
  ...OF_STATUS,
];

/** `lockex config` shows what is in force of these. */
export const CONFIG_SPECS: readonly OptionSpec[] = SPECS.filter(
  ({ name, isConfigurable }: OptionSpec) => isConfigurable || ['config', 'help'].includes(name),
);

/** How messages name an option: `-c/--concurrent`, `--no-guard`. */
export function labelOf({ name, letter }: Pick<OptionSpec, 'name' | 'letter'>): string {
  return letter === undefined ? `--${name}` : `-${letter}/--${name}`;
}
