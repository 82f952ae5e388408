/**
 * A small store that refuses writes with an older fencing token than it has seen: a late write of a
 * paused holder cannot overwrite the data of its successor.
 *
 *     node docs/examples/fenced-store.js 8080
 *     lockex -- 'curl -X PUT -H "Fencing-Token: $LOCKEX_FENCING_TOKEN" -d hello localhost:8080/greeting'
 */
import { createServer } from 'node:http';

/** @type {Map<string, { token: bigint, value: string }>} */
const entries = new Map();

const server = createServer(async (request, response) => {
  const key = request.url ?? '/';
  if (request.method === 'GET') {
    const entry = entries.get(key);
    response.writeHead(entry ? 200 : 404).end(entry?.value);
    return;
  }
  const typed = String(request.headers['fencing-token'] ?? '');
  if (!/^\d+$/.test(typed)) {
    response.writeHead(400).end('Fencing-Token: a decimal number\n');
    return;
  }
  // Tokens are longer than a JavaScript number can hold: 64 bits.
  const token = BigInt(typed);
  let value = '';
  for await (const chunk of request) value += chunk;
  // No await between this read and the write below: no other request can run in between.
  const seen = entries.get(key)?.token ?? 0n;
  if (token < seen) {
    response.writeHead(409).end(`token ${token} is older than ${seen}\n`);
    return;
  }
  entries.set(key, { token, value });
  response.writeHead(204).end();
});

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`listening on ${typeof address === 'object' ? address?.port : address}\n`);
});
