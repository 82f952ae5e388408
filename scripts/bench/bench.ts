/**
 * `npm run bench`: measures lockex and its peers in one run on one machine, prints tables and
 * writes docs/performance.md from the same figures. A benchmark, not a test: it never fails because
 * something is slow.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runScript, say } from '../lib/main.js';
import { withProgress } from '../lib/progress.js';
import { ensureBuild, provision } from '../servers/provision.ts';
import { startEnsemble, startServer } from '../servers/zookeeper.ts';
import { startEtcd } from './etcd.ts';
import { measureHandover } from './handover.ts';
import { plot } from './plot.ts';
import { programs } from './programs.ts';
import { filled, machine, table } from './report.ts';
import { measureQueues, measureScale } from './scale.ts';
import { measureStart } from './start.ts';
import { measureWeight } from './weight.ts';

const DOCS = fileURLToPath(new URL('../../docs', import.meta.url));
const PAGE = join(DOCS, 'performance.md');
const PLOT = join(DOCS, 'performance.svg');
const MAX_LIFE_S = 3600;

await runScript(async () => {
  await ensureBuild();
  await provision(['zookeeper']);
  const directory = mkdtempSync(join(tmpdir(), 'lockex-bench-'));
  const server = await startServer({ tickTime: 2000, maxLifeSeconds: MAX_LIFE_S });
  const etcd = await startEtcd();
  const sections = [];
  const { programs: sides, missing } = programs({ hosts: server.connectString, etcd, directory });
  try {
    sections.push(await withProgress('start to end', () => measureStart(sides)));
    sections.push(await withProgress('handover', () => measureHandover(sides, directory)));
    sections.push(...(await withProgress('long queues', () => measureQueues(server))));
    sections.push(...(await withProgress('weight', () => measureWeight(sides, server))));
  } finally {
    await etcd?.stop();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
  const ensemble = await startEnsemble({ tickTime: 2000, maxLifeSeconds: MAX_LIFE_S });
  try {
    sections.push(...(await withProgress('a thousand', () => measureScale(ensemble))));
  } finally {
    await ensemble.stop();
  }
  for (const section of sections) process.stdout.write(`\n${table(section)}\n`);
  const results = { machine: machine(), sections, missing };
  writeFileSync(PAGE, filled(readFileSync(PAGE, 'utf8'), results));
  writeFileSync(PLOT, plot(sections.slice(0, 2)));
  for (const what of missing) say(`not measured: ${what}`);
  return 0;
});
