/**
 * A client in a process of its own: `bare|lockex PORT once|again`. Prints `works` once a request was
 * answered; `again`: a failed request is repeated at once, from its own callback.
 */
import { bare, lockexClient } from '../clients.ts';

const [, , which, port, mode] = process.argv;
const client = (which === 'bare' ? bare : lockexClient)(`127.0.0.1:${port}`, 4000);

/** The server may make requests fail: a later one must work. */
function ask(done: () => void): void {
  client.ask('/', (error) => {
    if (!error) done();
    else if (mode === 'again') ask(done);
    else setTimeout(() => ask(done), 50);
  });
}

await client.connect();
ask(() => {
  process.stdout.write('works\n');
  process.exit(0);
});
