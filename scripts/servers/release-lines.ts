/**
 * The release lines of ZooKeeper that `npm run test:servers` tests, and where their jars are: in a
 * directory that a variable names, or fetched by Maven into node_modules/.cache.
 */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runQuietly, withProgress } from '../lib/progress.js';
import { jarsOf } from './zookeeper-home.ts';

export interface ReleaseLine {
  readonly name: string;
  /** The version that Maven fetches. */
  readonly version: string;
  /** Maven coordinates that a server needs at run time and that its own POM does not bring. */
  readonly extra: readonly string[];
}

/** ZooKeeper needs them since 3.6, and its POM marks them as provided. */
const SINCE_3_6 = [
  'org.xerial.snappy:snappy-java:1.1.10.5',
  'io.dropwizard.metrics:metrics-core:4.1.12.1',
];

/** A backend for slf4j that reads the log4j.properties of prepareServer(); 3.4 brings its own. */
const RELOAD4J_1 = 'org.slf4j:slf4j-reload4j:1.7.36';
const RELOAD4J_2 = 'org.slf4j:slf4j-reload4j:2.0.13';

/** From the oldest to the newest. */
export const RELEASE_LINES: readonly ReleaseLine[] = [
  { name: '3.4', version: '3.4.14', extra: [] },
  { name: '3.5', version: '3.5.10', extra: [RELOAD4J_1] },
  { name: '3.6', version: '3.6.4', extra: [...SINCE_3_6, RELOAD4J_1] },
  { name: '3.7', version: '3.7.2', extra: [...SINCE_3_6, RELOAD4J_1] },
  { name: '3.8', version: '3.8.6', extra: [...SINCE_3_6, RELOAD4J_2] },
  { name: '3.9', version: '3.9.5', extra: [...SINCE_3_6, RELOAD4J_2] },
];

export interface AvailableLine {
  readonly name: string;
  /** As in the name of the jar. */
  readonly version: string;
  /** For `$ZOOKEEPER_HOME`. */
  readonly home: string;
}

/** Maven has no limit of its own when a repository does not answer. */
const FETCH_SECONDS = 150;
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/zookeeper', import.meta.url));

export function variableOf({ name }: ReleaseLine): string {
  return `ZOOKEEPER_HOME_${name.replace('.', '_')}`;
}

/** Resolves with the reason, one line, if the line is not available here. */
export async function findLine(
  line: ReleaseLine,
  env: NodeJS.ProcessEnv = process.env,
): Promise<AvailableLine | string> {
  const variable = variableOf(line);
  const directory = env[variable];
  if (directory !== undefined && directory !== '') {
    return atHome(line, directory) ?? `$${variable} has no ZooKeeper jar: ${directory}`;
  }
  const home = join(CACHE, line.version);
  const cached = atHome(line, home);
  if (cached !== undefined) return cached;
  if (!isInPath('mvn', env)) return `set $${variable}, or install Maven`;
  try {
    await withProgress(`fetching ZooKeeper ${line.version}`, () => fetchJars(line, home));
  } catch (error) {
    return `Maven could not fetch ${line.version}: ${firstProblem(String(error))}`;
  }
  return atHome(line, home) ?? `Maven fetched no ZooKeeper jar of ${line.version}`;
}

function atHome({ name }: ReleaseLine, home: string): AvailableLine | undefined {
  for (const jar of jarsOf(home)) {
    const version = /\/zookeeper-(\d+\.\d+\.\d+[^/]*)\.jar$/.exec(jar)?.[1];
    if (version !== undefined) return { name, version, home };
  }
  return undefined;
}

/** Renames the directory when it is complete: an interrupted fetch leaves nothing behind. */
async function fetchJars(line: ReleaseLine, home: string) {
  const partial = `${home}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    writeFileSync(join(partial, 'pom.xml'), pomOf(line));
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies';
    const maven = ['mvn', '-B', '-q', goal, '-DincludeScope=runtime', '-DoutputDirectory=lib'];
    await runQuietly('timeout', [`${FETCH_SECONDS}`, ...maven], { cwd: partial });
    rmSync(home, { recursive: true, force: true });
    mkdirSync(dirname(home), { recursive: true });
    renameSync(partial, home);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function pomOf({ version, extra }: ReleaseLine): string {
  const dependencies = [`org.apache.zookeeper:zookeeper:${version}`, ...extra].map(
    (coordinates) => {
      const [group, artifact, wanted] = coordinates.split(':');
      return `    <dependency>
      <groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${wanted}</version>
    </dependency>`;
    },
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lockex</groupId><artifactId>zookeeper-${version}</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
${dependencies.join('\n')}
  </dependencies>
</project>
`;
}

function firstProblem(output: string): string {
  return /\[ERROR\] (.*)/.exec(output)?.[1] ?? output.split('\n', 1)[0] ?? output;
}

function isInPath(program: string, env: NodeJS.ProcessEnv) {
  const directories = (env['PATH'] ?? '').split(delimiter).filter((path) => path !== '');
  return directories.some((path) => existsSync(path) && readdirSync(path).includes(program));
}
