/** Finds Java and ZooKeeper's jars on this machine. provision.ts installs them. */

import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Directories with ZooKeeper's own distribution: `lib/*.jar` and, before 3.5, a jar at the top. */
const HOMES = [
  '/opt/homebrew/opt/zookeeper/libexec',
  '/usr/local/opt/zookeeper/libexec',
  '/opt/zookeeper',
  '/usr/share/zookeeper',
];

/**
 * Debian's jars. The manifest of its zookeeper.jar names the rest (netty, snappy, metrics), but no
 * logging backend (slf4j-log4j12 is the one for which a configuration in the server's directory
 * works), and not all of netty that TLS needs.
 */
const DEBIAN_JARS = [
  ...['zookeeper.jar', 'slf4j-log4j12.jar', 'log4j-1.2.jar'],
  ...['netty-codec.jar', 'netty-resolver.jar'],
].map((jar) => join('/usr/share/java', jar));

/** Debian's libcurator-recipes-java, with what it needs. */
const CURATOR_JARS = [
  ...['curator-recipes.jar', 'curator-framework.jar', 'curator-client.jar'],
  ...['guava.jar', 'slf4j-api.jar'],
].map((jar) => join('/usr/share/java', jar));

const JAVA_DIRECTORIES = ['/opt/homebrew/opt/openjdk/bin', '/usr/local/opt/openjdk/bin'];

/**
 * Uses only `$ZOOKEEPER_HOME` if it is set, so that a wrong value is an error.
 *
 * @returns undefined if Java or ZooKeeper is missing
 */
export function findZookeeper(
  env: NodeJS.ProcessEnv = process.env,
): { java: string; classpath: string } | undefined {
  const java = findJava(env);
  const jars = env['ZOOKEEPER_HOME'] ? jarsOf(env['ZOOKEEPER_HOME']) : installedJars();
  if (java === undefined || jars.length === 0) return undefined;
  return { java, classpath: jars.join(delimiter) };
}

/** Curator's part of a client's class path; ZooKeeper's jars follow it. */
export function curatorClasspath(): string | undefined {
  return CURATOR_JARS.every((jar) => existsSync(jar)) ? CURATOR_JARS.join(delimiter) : undefined;
}

/** Returns the path of the executable. */
function findJava(env: NodeJS.ProcessEnv): string | undefined {
  // Homebrew's come before PATH: macOS has a /usr/bin/java that only reports that Java is missing.
  const directories = [
    ...(env['JAVA_HOME'] ? [join(env['JAVA_HOME'], 'bin')] : []),
    ...JAVA_DIRECTORIES,
    ...(env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== ''),
  ];
  return directories.map((directory) => join(directory, 'java')).find(isExecutable);
}

function installedJars() {
  if (DEBIAN_JARS.every((jar) => existsSync(jar))) return DEBIAN_JARS;
  return HOMES.map(jarsOf).find((jars) => jars.length > 0) ?? [];
}

/** Returns no jars if there is no zookeeper*.jar among them. */
export function jarsOf(home: string): string[] {
  const jars = [home, join(home, 'lib')].flatMap((directory) =>
    existsSync(directory) ? jarsIn(directory) : [],
  );
  return jars.some((jar) => /zookeeper[^/]*\.jar$/.test(jar)) ? jars : [];
}

function jarsIn(directory: string) {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.jar'))
    .map((name) => join(directory, name));
}

function isExecutable(path: string) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
