/**
 * Starts one standalone ZooKeeper for all tests that need only a server. If ZooKeeper is not
 * installed, it provides none, and the tests that need it fail with a message.
 */

import type { TestProject } from 'vitest/node';
import { findZookeeper, startServer } from '../../scripts/servers/zookeeper.ts';

export default async function setup(
  project: TestProject,
): Promise<(() => Promise<void>) | undefined> {
  if (findZookeeper() === undefined) {
    project.provide('zookeeper', undefined);
    return undefined;
  }
  // Half-second ticks allow session timeouts from one second (two ticks); the longest is for tests
  // in which a session has to survive something on a busy host.
  const server = await startServer({ tickTime: 500, maxSessionTimeout: 120_000 });
  const { host, port, connectString } = server;
  project.provide('zookeeper', { host, port, connectString });
  return () => server.stop();
}
