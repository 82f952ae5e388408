/**
 * `npm run bench`: measures lockex beside its peers, in one run on one machine, prints a table and
 * writes docs/performance.md from the same figures. A benchmark, not a test: it never fails for
 * being slow.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startEtcd } from './bench/etcd.js';
import { measureHandover } from './bench/handover.js';
import { machine, page, table } from './bench/report.js';
import { measureStart } from './bench/start.js';
import { measureWeight } from './bench/weight.js';
import { runScript, say } from './lib/main.js';
import { withProgress } from './lib/progress.js';
import { ensureBuild, ensureDependencies, provision } from './lib/provision.js';

const PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

await runScript(async () => {
  await ensureDependencies();
  await ensureBuild();
  await provision(['zookeeper']);
  const { startServer } = await import('./lib/zookeeper.js');
  const zookeeper = await startServer({ tickTime: 2000 });
  const etcd = await startEtcd();
  try {
    const hosts = zookeeper.connectString;
    const start = await withProgress('start to end', () => measureStart(hosts, etcd));
    const handover = await withProgress('handover', () => measureHandover(hosts, etcd));
    const weight = await withProgress('weight', () => measureWeight(hosts));
    const missing = etcd ? [] : ['etcdctl lock (etcd-server and etcd-client are not installed)'];
    const sections = [start, handover, weight];
    for (const section of sections) process.stdout.write(`\n${table(section)}\n`);
    writeFileSync(PAGE, page({ machine: machine(), sections, missing }));
    for (const what of missing) say(`not measured: ${what}`);
    return 0;
  } finally {
    await etcd?.stop();
    await zookeeper.stop();
  }
});
