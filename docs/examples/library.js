/**
 * lockex as a library: runs a command under a lock and prints each state.
 *
 *     node docs/examples/library.js zk1:2181 nightly make-report --all
 */
import { createLockex, stateName } from 'lockex';

const [server = 'localhost:2181', lockId = 'example', ...argv] = process.argv.slice(2);
const [host = '', port = '2181'] = server.split(':');
const [program = 'date', ...args] = argv;

const { actor, output } = createLockex({
  access: { hosts: [{ host, port: Number(port) }] },
  lock: { id: lockId },
  command: { line: { kind: 'program', argv: [program, ...args] } },
  machine: { waitMs: 10_000 },
});

let last = '';
actor.subscribe(({ value, context }) => {
  const state = stateName(value);
  if (state === last) return;
  last = state;
  const token = context.grant ? `, fencing token ${context.grant.fencingToken}` : '';
  console.error(`${state}${token}`);
});
actor.start();
const { exitCode } = await output;
process.exit(exitCode);
