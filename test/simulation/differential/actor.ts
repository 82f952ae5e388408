/**
 * A client of a scenario, whose exchanges are written down in a form that both kinds of servers
 * share.
 */
import { EventType, Op, type SessionId, Xid } from '../ensemble/wire/codes.ts';
import { pathBody } from '../support/frames.ts';
import type { HandshakeAnswer, RawClient, Reply } from '../support/raw-client.ts';
import { describeBody, nameOfError } from './describe.ts';
import type { Stage } from './stage.ts';

const EVENT_NAMES = new Map<number, string>(
  Object.entries(EventType).map(([name, type]) => [type, name]),
);

/** The transcript of one play. Session ids become names, and zxids are relative to the first. */
export class Script {
  readonly stage: Stage;
  readonly lines: string[] = [];
  readonly #sessions = new Map<SessionId, string>();
  #baseZxid: number | null = null;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  /** Zxids are counted from the first one that is asked for. */
  zxid(zxid: number): string {
    this.#baseZxid ??= zxid;
    return zxid <= 0 ? String(zxid) : `z${zxid - this.#baseZxid}`;
  }

  nameSession(id: SessionId, name: string): void {
    if (!this.#sessions.has(id)) this.#sessions.set(id, name);
  }

  session(id: SessionId): string {
    return this.#sessions.get(id) ?? 'unknown';
  }

  line(text: string): void {
    this.lines.push(text);
  }

  actor(name: string): Actor {
    return new Actor(this, name);
  }
}

export interface AskOptions {
  /** Number of the request; the next one when not given. */
  readonly xid?: number;
}

export class Actor {
  readonly name: string;
  readonly #script: Script;
  #client: RawClient | null = null;
  #session: HandshakeAnswer | null = null;
  #xid = 1;
  #reported = 0;

  constructor(script: Script, name: string) {
    this.#script = script;
    this.name = name;
  }

  get client(): RawClient {
    if (this.#client === null) throw new Error(`${this.name} is not connected`);
    return this.#client;
  }

  get session(): HandshakeAnswer {
    if (this.#session === null) throw new Error(`${this.name} has no session`);
    return this.#session;
  }

  /** With the session of `from`, where it is given. */
  async attach(server: number, timeoutMs: number, from?: HandshakeAnswer): Promise<this> {
    const { stage } = this.#script;
    this.#client = stage.connect(server);
    this.#reported = 0;
    const handshake = this.#client.handshake(timeoutMs, from);
    const answer = await stage.settle(handshake, `the handshake of ${this.name}`);
    if (answer === null) {
      this.#say('handshake: closed');
      return this;
    }
    if (answer.timeoutMs > 0) {
      this.#session = answer;
      this.#script.nameSession(answer.id, this.name);
    }
    const isSame = from !== undefined && from.id === answer.id;
    this.#say(`handshake: ${answer.timeoutMs} ms${isSame ? ', the same session' : ''}`);
    return this;
  }

  /** The reply; null where the connection ended. */
  async ask(
    what: string,
    op: number,
    body?: Buffer,
    { xid }: AskOptions = {},
  ): Promise<Reply | null> {
    const number = xid ?? this.#xid++;
    const reply = await this.#settle(this.client.ask(number, op, body), what);
    this.reportEvents();
    if (reply === null) {
      this.#say(`${what} → closed`);
      return null;
    }
    const zxid = this.#script.zxid(reply.zxid);
    if (reply.err !== 0) this.#say(`${what} → ${nameOfError(reply.err)} ${zxid}`);
    else this.#say(`${what} → ${describeBody(op, reply.body, this.#script)} ${zxid}`);
    return reply;
  }

  /** Sends all requests without waiting in between; the arrivals are written in their order. */
  async askAll(
    requests: readonly (readonly [what: string, op: number, body: Buffer])[],
  ): Promise<void> {
    const { arrivals } = this.client;
    const before = arrivals.length;
    const sent = new Map(requests.map(([what, op], at) => [this.#xid + at, { what, op }]));
    const replies = requests.map(([, op, body]) => this.client.ask(this.#xid++, op, body));
    await this.#settle(Promise.all(replies), 'many requests');
    for (const arrival of arrivals.slice(before)) {
      if (arrival.kind === 'event') {
        this.#reported += 1;
        this.#say(`event ${EVENT_NAMES.get(arrival.event.type)} ${arrival.event.path}`);
      } else if (arrival.kind === 'reply') {
        const { xid, err, zxid, body } = arrival.reply;
        if (xid === Xid.ping) continue;
        const { what, op } = sent.get(xid) ?? { what: `xid ${xid}`, op: 0 };
        const text = err === 0 ? describeBody(op, body, this.#script) : nameOfError(err);
        this.#say(`${what} → ${text} ${op === Op.exists ? '' : this.#script.zxid(zxid)}`);
      } else {
        this.#say('closed');
      }
    }
  }

  /** Until everything that was committed before is known to this client's server. */
  async barrier(): Promise<void> {
    if (this.client.isClosed) return;
    const sync = this.client.ask(this.#xid++, Op.sync, pathBody('/'));
    await this.#settle(sync, 'sync');
    this.reportEvents();
  }

  async closed(): Promise<void> {
    await this.#script.stage.settle(this.client.closed(), `${this.name}: closed`);
    this.reportEvents();
    this.#say('closed');
  }

  /** Writes new watch events, sorted: servers keep watches in unordered sets. */
  reportEvents(): void {
    const { events } = this.client;
    const fresh = events.slice(this.#reported);
    this.#reported = events.length;
    const lines = fresh.map(({ type, path }) => `event ${EVENT_NAMES.get(type) ?? type} ${path}`);
    for (const line of lines.sort()) this.#say(line);
  }

  async #settle<T>(promise: Promise<T>, what: string): Promise<T> {
    const nudge = () => void this.client.ping();
    return await this.#script.stage.settle(promise, `${this.name}: ${what}`, nudge);
  }

  #say(text: string): void {
    this.#script.line(`${this.name}: ${text}`);
  }
}
