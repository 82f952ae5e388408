/**
 * The inspector (`--inspect`): serves a page that shows this lockex live, and Stately's protocol.
 * An observer: it cannot change anything, and its errors never end lockex.
 */
import { createHash } from 'node:crypto';
import type { LockexEvent } from '../../machines/contract.ts';
import type { Output } from '../../machines/outcome.ts';
import type { InspectSettings, ServerSettings } from '../settings/settings.ts';
import type { Clock } from '../util/clock.ts';
import type { FeedHead, FeedMessage } from './feed.ts';
import { History, type Observed } from './history.ts';
import { LockFeed } from './lock-feed.ts';
import { InspectorServer, type ViewerKind } from './server.ts';
import { statelyActor, statelyEvents } from './stately.ts';

export interface InspectorOptions {
  readonly inspect: InspectSettings;
  readonly servers: ServerSettings;
  readonly head: FeedHead;
  readonly clock: Clock;
  /** The machine's configuration, as JSON: what `createMachine` accepts. */
  readonly definition: () => string;
  /** The page, as HTML. */
  readonly page: string;
}

/** Maximum time for viewers to receive the last message when lockex exits. */
const CLOSE_MS = 500;
/** Between two signs of life; page/view/connection.ts waits for several of them. */
const ALIVE_MS = 2000;

/** Resolves when it is listening; rejects with the system's error (EADDRINUSE, …). */
export async function startInspector(options: InspectorOptions): Promise<Inspector> {
  const inspector = new Inspector(options);
  await inspector.listen();
  return inspector;
}

export class Inspector {
  readonly #options: InspectorOptions;
  readonly #history: History;
  readonly #server: InspectorServer;
  readonly #lock: LockFeed;
  #signsOfLife: NodeJS.Timeout | null = null;
  #url = '';
  #exitCode: number | null = null;

  constructor(options: InspectorOptions) {
    const { inspect, servers, head, clock, page } = options;
    this.#options = options;
    this.#history = new History(clock);
    this.#server = new InspectorServer({
      address: inspect,
      allowedOrigins: inspect.origins,
      page,
      policy: policyFor(page),
      onViewer: (kind) => this.#welcome(kind),
      onViewersGone: () => this.#lock.pause(),
    });
    this.#lock = new LockFeed({ servers, lockId: head.lockId, clock }, (message) =>
      this.#server.send('live', JSON.stringify(message)),
    );
  }

  get url(): string {
    return this.#url;
  }

  async listen(): Promise<void> {
    this.#url = await this.#server.listen();
    this.#signsOfLife = setInterval(() => {
      this.#server.send('live', text({ type: 'alive', now: Date.now() }));
    }, ALIVE_MS).unref();
  }

  /** Called after every transition; `event` is null for the first state. */
  observe(observed: Observed, event: LockexEvent | null): void {
    try {
      const entry = this.#history.add(observed, event);
      if (this.#server.viewers === 0) return;
      this.#server.send('live', text({ type: 'entry', entry }));
      for (const message of statelyEvents(entry)) this.#server.send('stately', message);
    } catch {
      // A bug in an observer must not end a lockex that holds a lock.
    }
  }

  /** Sends the last message; resolves when viewers have received it, or after CLOSE_MS. */
  async conclude({ exitCode }: Output): Promise<void> {
    this.#exitCode = exitCode;
    clearInterval(this.#signsOfLife ?? undefined);
    this.#server.send('live', text({ type: 'ended', exitCode }));
    await Promise.all([this.#lock.stop(), this.#server.close(CLOSE_MS)]);
  }

  #welcome(kind: ViewerKind): readonly string[] {
    const { head, definition } = this.#options;
    const entries = this.#history.entries();
    if (kind === 'stately') {
      const [first] = entries;
      if (first === undefined) return [];
      return [statelyActor(head, first, definition()), ...entries.flatMap(statelyEvents)];
    }
    this.#lock.start();
    const messages: FeedMessage[] = [{ type: 'hello', head, now: Date.now(), entries }];
    if (this.#lock.latest !== null) messages.push(this.#lock.latest);
    if (this.#exitCode !== null) messages.push({ type: 'ended', exitCode: this.#exitCode });
    return messages.map(text);
  }
}

function text(message: FeedMessage): string {
  return JSON.stringify(message);
}

/** A Content-Security-Policy that allows only the page's own script, style and feed. */
function policyFor(page: string): string {
  const hashes = (tag: string) =>
    [...page.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))]
      .map(([, body = '']) => `'sha256-${createHash('sha256').update(body).digest('base64')}'`)
      .join(' ');
  return [
    "default-src 'none'",
    `script-src ${hashes('script')}`,
    `style-src ${hashes('style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
