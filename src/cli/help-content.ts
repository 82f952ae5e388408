/** The text of `--help` and the manual page, besides the options. */

export const SUMMARY = `lockex acquires a lock in ZooKeeper, runs a command while it holds the lock,
and guarantees that the command has exited before another contender acquires it.`;

export const COMMAND_RULE = `A single argument after -- is a command line for /bin/sh.
Several arguments are a program and its arguments, executed without a shell.`;

export const SUBCOMMANDS = [
  {
    name: 'status',
    operand: '[LOCKID…]',
    help: 'show holders and waiters: lockex status --help',
  },
  { name: 'config', operand: '', help: 'show the settings of this host and their origin' },
] as const;

export interface Example {
  readonly purpose: string;
  readonly line: string;
}

export const EXAMPLES: readonly Example[] = [
  {
    purpose: `A cold standby, started on two hosts: the second host starts redis when redis
on the first host exits, or when that host fails.`,
    line: 'lockex -- /usr/local/bin/redis-server /etc/redis.conf',
  },
  {
    purpose: 'A cron job, started on all hosts, that runs on only one of them:',
    line: "lockex -t 1 -- 'sleep 30 && uptime'",
  },
  {
    purpose: 'At most three at a time on all hosts together:',
    line: 'lockex -c 3 -i reports -- make-report --all',
  },
];

/** The exit statuses of `lockex status`. */
export const STATUS_EXIT_STATUSES: readonly (readonly [string, string])[] = [
  ['0', 'at least one lock is held'],
  ['1', 'all locks are free'],
  ['2', 'usage error'],
  ['125', 'ZooKeeper was unreachable, or denied access'],
  ['141', 'the reader of the output of --watch has exited'],
  ['128+n', '--watch was ended by signal n'],
];

/** The environment variables that lockex reads. */
export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['ZKHOSTS', 'same as --zkhosts, which takes precedence'],
  ['LOCKEX_AUTH', 'user:password, like the file of --auth-file, which takes precedence'],
  ['LOCKEX_CONFIG', 'same as --config, which takes precedence'],
  ['NO_COLOR', 'if set, no colours on a terminal'],
  ['LOCKEX_TRACE', 'a file for all events and states as JSON lines, for debugging'],
];

/** The environment variables that lockex sets for the command. */
export const COMMAND_ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['LOCKEX_LOCKID', 'the name of the lock'],
  ['LOCKEX_LOCK_PATH', "path of this contender's node in ZooKeeper, below the chroot"],
  ['LOCKEX_FENCING_TOKEN', 'a number that increases with every grant of the lock'],
];
