/**
 * The table of docs/safety.md: the means that lockex has in each environment, and that they end a
 * daemon that has left the command's environment, session and parent. Environments are created by
 * removing rights: capabilities (capabilities(7)), the user, the cgroup, the init's interpreter.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { SupervisorOptions } from '../../../../src/command/options.ts';
import { isStill } from '../../../support/process-list.ts';
import { until } from '../../../support/until.ts';
import { cleanUp, hold, leaseOf, pidIn, temporaryDirectory } from '../harness.ts';

afterEach(cleanUp);

interface Environment {
  readonly what: string;
  /** Program and arguments that execute the holder. */
  readonly through: readonly string[];
  readonly options: Pick<SupervisorOptions, 'scope' | 'initRuntimes'>;
  readonly means: string;
}

/** Docker's containers have neither capability, and a read-only cgroup tree. */
const CONTAINER_ROOT = ['setpriv', '--bounding-set=-sys_admin,-sys_nice'];
const ORDINARY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
const TREE = 'session, process group, descendants';
const NO_INIT = { initRuntimes: [] };
const ALL_MARKS = 'marks (timer slack, lock limit, environment)';
const OWN_MARKS = 'marks (lock limit, environment)';

const ENVIRONMENTS: readonly Environment[] = [
  ['root', [], {}, `cgroup; init; ${TREE}; ${ALL_MARKS}`],
  ['root, no interpreter', [], NO_INIT, `cgroup; ${TREE}; ${ALL_MARKS}`],
  ['root, no cgroup v2', [], { scope: 'group' }, `init; ${TREE}; ${ALL_MARKS}`],
  ['root, neither', [], { scope: 'group', ...NO_INIT }, `${TREE}; ${ALL_MARKS}`],
  ['root of a container', CONTAINER_ROOT, { scope: 'group' }, `init; ${TREE}; ${OWN_MARKS}`],
  [
    'root of a container, no interpreter',
    CONTAINER_ROOT,
    { scope: 'group', ...NO_INIT },
    `${TREE}; ${OWN_MARKS}`,
  ],
  ['an ordinary user', ORDINARY, {}, `init; ${TREE}; ${OWN_MARKS}`],
  ['an ordinary user, no interpreter', ORDINARY, NO_INIT, `${TREE}; ${OWN_MARKS}`],
].map(([what, through, options, means]) => ({ what, through, options, means }) as Environment);

/** It has left session, parent and environment, and ignores SIGTERM. */
const daemon = (file: string) =>
  `(env -i /usr/bin/setsid /bin/sh -c 'trap "" TERM; (echo $$ >${file}; exec sleep 200)' &)`;

describe.runIf(process.getuid?.() === 0).each(ENVIRONMENTS)('as $what', (environment) => {
  const { through, options, means } = environment;

  async function held(line: (file: string) => string) {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o777);
    const file = join(directory, 'pid');
    const holder = await hold(
      { command: { kind: 'shell', line: line(file) }, killAfterMs: 200, ...options },
      { through: through.length === 0 ? [] : ['/usr/bin/env', ...through] },
    );
    const command = await holder.run(leaseOf(60_000));
    const armed = holder.events.all.find(({ type }) => type === 'command.armed');
    expect(armed).toMatchObject({ scope: means });
    return { holder, command, left: await pidIn(file) };
  }

  it('a daemon is dead when the command has ended', async () => {
    const { holder, left } = await held(
      (file) => `${daemon(file)}; until [ -s ${file} ]; do sleep 0.01; done`,
    );
    const { how } = await holder.events.next('command.stopped');
    expect(how.means).toBe('SIGKILL');
    expect(isStill(left)).toBe(false);
  });

  it('a daemon is dead when lockex was killed', async () => {
    const { holder, command, left } = await held((file) => `${daemon(file)}; sleep 200`);
    process.kill(holder.identity.pid, 'SIGKILL');
    await until(() => !isStill(left) && !isStill(command), 'the end of both');
  });
});
