/** What is said of lockex besides its options: `--help` and the manual page are made of it. */

export const SUMMARY = `lockex takes a lock in ZooKeeper, runs a command while it holds it, and makes
sure that the command is dead before anybody else gets the lock.`;

export const COMMAND_RULE = `One word behind -- is a line for /bin/sh; several are a program and its
arguments, executed as they are.`;

export const SUBCOMMANDS = [
  {
    name: 'status',
    operand: '[LOCKID…]',
    help: 'who holds it, who waits: see lockex status --help',
  },
  { name: 'config', operand: '', help: 'what is in force on this host, and why' },
] as const;

export interface Example {
  readonly what: string;
  readonly line: string;
}

export const EXAMPLES: readonly Example[] = [
  {
    what: `A cold standby: the same on both hosts; the second one starts redis when the
first one's ends, or its host does.`,
    line: 'lockex -- /usr/local/bin/redis-server /etc/redis.conf',
  },
  {
    what: 'A cron job that runs on one host only, though it is started on all of them:',
    line: "lockex -t 1 -- 'sleep 30 && uptime'",
  },
  {
    what: 'At most three at a time, on all hosts together:',
    line: 'lockex -c 3 -i reports -- make-report --all',
  },
];

/** Those of `lockex status`. */
export const STATUS_EXIT_STATUSES: readonly (readonly [string, string])[] = [
  ['0', 'one of the locks is held'],
  ['1', 'all of them are free'],
  ['2', 'the command line is wrong'],
  ['125', 'ZooKeeper could not be reached, or refuses to tell'],
  ['141', 'nobody reads any more what --watch shows'],
  ['128+n', 'signal n ended --watch'],
];

/** What is read from it. */
export const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['ZKHOSTS', 'as --zkhosts, which wins'],
  ['LOCKEX_AUTH', 'user:password, as the file of --auth-file says it, which wins'],
  ['LOCKEX_CONFIG', 'as --config, which wins'],
  ['NO_COLOR', 'if it is set, no colours on a terminal'],
  ['LOCKEX_TRACE', 'a file for every event and state, as JSON lines, to find a fault with'],
];

/** What the command is given. */
export const COMMAND_ENVIRONMENT: readonly (readonly [string, string])[] = [
  ['LOCKEX_LOCKID', 'the name of the lock'],
  ['LOCKEX_LOCK_PATH', 'path of our node in ZooKeeper, below the chroot'],
  ['LOCKEX_FENCING_TOKEN', 'a number that grows with every grant'],
];
