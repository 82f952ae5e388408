/**
 * The table of all options of a run. Parsing, `--help`, the manual page, the completions and the
 * schema of the configuration file are derived from it. values.ts checks the values.
 */
import type { OptionSpec } from './option-spec.ts';

export const OPTIONS = [
  {
    name: 'blocking',
    negatable: true,
    group: 'lock',
    help: 'Wait for the lock (the default); with --no-blocking, give up at once if it is held',
  },
  {
    name: 'concurrent',
    letter: 'c',
    value: 'N',
    default: '1',
    group: 'lock',
    help: 'Number of holders at a time; above 1, a semaphore: all contenders must use the same N',
  },
  {
    name: 'shared',
    group: 'lock',
    help: 'Share the lock with other --shared holders; exclusive contenders wait for all of them',
  },
  {
    name: 'recipe',
    value: 'kazoo|curator',
    default: 'kazoo',
    group: 'lock',
    help: "Be compatible with kazoo's Lock, or with Curator's InterProcessMutex",
  },
  {
    name: 'lockid',
    letter: 'i',
    value: 'ID',
    group: 'lock',
    help: 'Name of the lock (default: derived from the command)',
  },
  {
    name: 'lockpath',
    isConfigurable: true,
    letter: 'p',
    value: 'PATH',
    default: 'lockex',
    group: 'lock',
    help: 'Parent node of the locks in ZooKeeper',
  },
  {
    name: 'lockretry',
    letter: 'r',
    value: 'N',
    default: '1',
    group: 'lock',
    help: 'Number of sessions to try: with N > 1, a session lost while waiting is replaced',
  },
  {
    name: 'locktimeout',
    letter: 't',
    value: 'S',
    group: 'lock',
    help: 'Seconds to wait for the lock after connecting (default: no limit; 0: --no-blocking)',
  },
  {
    name: 'hold',
    value: 'S',
    group: 'lock',
    help: 'Minimum time to hold the lock, in seconds, even if the command exits earlier',
  },
  {
    name: 'conflict-exit-code',
    letter: 'E',
    value: 'N',
    default: '1',
    group: 'lock',
    help: 'Exit status if the lock could not be acquired',
  },
  {
    name: 'zkhosts',
    isConfigurable: true,
    letter: 'z',
    value: 'LIST',
    group: 'zookeeper',
    help: 'Servers: host:port,…[/chroot] (default: $ZKHOSTS, else localhost:2181)',
  },
  {
    name: 'timeout',
    isConfigurable: true,
    letter: 'T',
    value: 'S',
    default: '30',
    group: 'zookeeper',
    help: 'Requested session timeout, and time limit of one connection attempt, in seconds',
  },
  {
    name: 'retry',
    isConfigurable: true,
    letter: 'R',
    value: 'N',
    default: '1',
    group: 'zookeeper',
    help: 'Number of connection attempts',
  },
  {
    name: 'auth-file',
    isConfigurable: true,
    value: 'FILE',
    group: 'zookeeper',
    help: 'File with one line, user:password, for digest authentication (default: $LOCKEX_AUTH)',
  },
  {
    name: 'acl',
    isConfigurable: true,
    value: 'open|creator|LIST',
    default: 'open',
    group: 'zookeeper',
    help: 'Access rights of the nodes of lockex; with authentication, the default is creator',
  },
  {
    name: 'tls-ca',
    isConfigurable: true,
    value: 'FILE',
    group: 'zookeeper',
    help: 'Connect over TLS; the certificates of the trusted authorities (PEM)',
  },
  {
    name: 'tls-cert',
    isConfigurable: true,
    value: 'FILE',
    group: 'zookeeper',
    help: 'Client certificate, if the servers require one (PEM)',
  },
  {
    name: 'tls-key',
    isConfigurable: true,
    value: 'FILE',
    group: 'zookeeper',
    help: 'Private key of the client certificate (PEM), readable by its owner only',
  },
  {
    name: 'shell',
    group: 'command',
    help: 'Join the arguments of the command with spaces and run them with /bin/sh -c',
  },
  {
    name: 'kill-after',
    isConfigurable: true,
    value: 'S',
    default: '5',
    group: 'command',
    help: 'Seconds between SIGTERM and SIGKILL when the command is stopped',
  },
  {
    name: 'max-runtime',
    value: 'S',
    group: 'command',
    help: 'Time limit of the command, in seconds; then it is stopped, with exit status 123',
  },
  {
    name: 'wait-for-all',
    group: 'command',
    help: 'Keep the lock until all processes of the command, also in the background, have exited',
  },
  {
    name: 'once-per',
    value: 'TIME',
    group: 'command',
    help: 'Run only if no contender has succeeded within this time (90s, 10m, 1h, 1d)',
  },
  {
    name: 'skip-exit-code',
    value: 'N',
    default: '0',
    group: 'command',
    help: 'Exit status if --once-per skips the run',
  },
  {
    name: 'on-lost',
    isConfigurable: true,
    value: 'exit|rejoin',
    default: 'exit',
    group: 'command',
    help: 'After a loss of the lock, when the command has exited: exit with 124, or wait again',
  },
  {
    name: 'guard',
    isConfigurable: true,
    negatable: true,
    group: 'command',
    help: 'Start a guard process that kills the command if lockex dies or hangs (the default)',
  },
  {
    name: 'log-format',
    isConfigurable: true,
    value: 'text|json',
    default: 'text',
    group: 'messages',
    help: 'Plain text, or one JSON object per line',
  },
  {
    name: 'log-level',
    isConfigurable: true,
    value: 'LEVEL',
    default: 'info',
    group: 'messages',
    help: 'Minimum level: error, warn, info or debug',
  },
  {
    name: 'quiet',
    letter: 'q',
    group: 'messages',
    help: 'Same as --log-level warn',
  },
  {
    name: 'verbose',
    letter: 'v',
    group: 'messages',
    help: 'Same as --log-level debug',
  },
  {
    name: 'on-state',
    isConfigurable: true,
    value: 'CMD',
    group: 'messages',
    help: 'Run CMD on each change of state, with $LOCKEX_STATE, $LOCKEX_REASON, $LOCKEX_LOCKID',
  },
  {
    name: 'ready-when',
    isConfigurable: true,
    value: 'waiting|running',
    default: 'waiting',
    group: 'messages',
    help: 'State in which lockex notifies systemd that it is ready, in a unit of Type=notify',
  },
  {
    name: 'inspect',
    value: '[HOST:]PORT',
    isValueOptional: true,
    group: 'messages',
    help: 'Serve a web page that shows this lockex live (default: on loopback, a free port)',
  },
  {
    name: 'inspect-origin',
    isConfigurable: true,
    value: 'URL,…',
    group: 'messages',
    help: 'Other origins whose pages may connect to --inspect, such as https://stately.ai',
  },
  {
    name: 'config',
    value: 'FILE',
    group: 'messages',
    help: 'Settings of this host, JSON (default: $LOCKEX_CONFIG, else /etc/lockex.json if any)',
  },
  { name: 'help', letter: 'h', group: 'messages', help: 'Show this help' },
  { name: 'version', letter: 'V', group: 'messages', help: "Show lockex's version" },
] as const satisfies readonly OptionSpec[];

/** Options of `lockex status` only. */
export const OF_STATUS = [
  { name: 'json', group: 'messages', help: 'Print a JSON array instead of tables' },
  { name: 'watch', group: 'messages', help: 'Keep running, and show every change' },
] as const satisfies readonly OptionSpec[];

/** Options that `lockex status` shares with a run. */
const STATUS_SHARED = [
  ...['lockpath', 'zkhosts', 'timeout', 'retry', 'config', 'help'],
  ...['auth-file', 'tls-ca', 'tls-cert', 'tls-key'],
];
/** Shorter than the default of a run, because a user waits for the output. */
const STATUS_TIMEOUT = '5';

export type OptionName = (typeof OPTIONS | typeof OF_STATUS)[number]['name'];

export const SPECS: readonly OptionSpec[] = OPTIONS;

export const STATUS_SPECS: readonly OptionSpec[] = [
  ...SPECS.filter(({ name }) => STATUS_SHARED.includes(name)).map((spec) =>
    spec.name === 'timeout' ? { ...spec, default: STATUS_TIMEOUT } : spec,
  ),
  ...OF_STATUS,
];

/** Options of `lockex config`: those that it shows, `--config` and `--help`. */
export const CONFIG_SPECS: readonly OptionSpec[] = SPECS.filter(
  ({ name, isConfigurable }: OptionSpec) => isConfigurable || ['config', 'help'].includes(name),
);
