/** Follows lockex's feed: reconnects, and notices when lockex is gone or silent. */
import type { FeedMessage } from '../../feed.ts';

/**
 * `live`: messages arrive. `cut`: the connection is closed, or lockex is silent; `refusal`: the
 * server's own text, where it refused the page. `ended`: lockex has exited. `left`: the page shows
 * a file instead.
 */
export type Link =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'cut'; readonly why: 'closed' | 'silent'; readonly refusal: string | null }
  | { readonly kind: 'ended' }
  | { readonly kind: 'left' };

export interface ConnectionListener {
  readonly onMessage: (message: FeedMessage) => void;
  readonly onLink: (link: Link) => void;
}

const RECONNECT_MS = 1000;
/** lockex sends a sign of life every 2 s. */
const SILENT_MS = 8000;
const CHECK_MS = 1000;

export class Connection {
  readonly #listener: ConnectionListener;
  #link: Link = { kind: 'connecting' };
  #socket: WebSocket | null = null;
  /** By the browser's clock. */
  #heardAt = 0;
  /** lockex's wall clock minus that of the browser, in milliseconds. */
  #aheadMs = 0;

  constructor(listener: ConnectionListener) {
    this.#listener = listener;
  }

  get link(): Link {
    return this.#link;
  }

  /** The current time by lockex's clock; the time of the last message while cut off. */
  get now(): number {
    return (this.#link.kind === 'live' ? Date.now() : this.#heardAt) + this.#aheadMs;
  }

  /** A page from the file system has no lockex: it only opens saved runs. */
  start(): void {
    if (location.host === '') return this.#become({ kind: 'left' });
    this.#connect();
    setInterval(() => this.#checkSilence(), CHECK_MS);
  }

  /** The page shows a file from now on. */
  leave(): void {
    this.#become({ kind: 'left' });
    this.#socket?.close();
  }

  #connect(): void {
    if (this.#link.kind === 'left') return;
    // The token stays in the page's address, so that a reload works.
    const socket = new WebSocket(`ws://${location.host}/live${location.search}`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(String(data)) as FeedMessage);
    socket.onclose = () => this.#closed();
  }

  #take(message: FeedMessage): void {
    if (this.#link.kind === 'left') return;
    this.#heardAt = Date.now();
    if (message.type === 'hello' || message.type === 'alive')
      this.#aheadMs = message.now - this.#heardAt;
    this.#listener.onMessage(message);
    if (message.type === 'ended') this.#become({ kind: 'ended' });
    else if (this.#link.kind !== 'live') this.#become({ kind: 'live' });
  }

  #closed(): void {
    if (this.#link.kind === 'ended' || this.#link.kind === 'left') return;
    const refusal = this.#link.kind === 'cut' ? this.#link.refusal : null;
    this.#become({ kind: 'cut', why: 'closed', refusal });
    void this.#explainRefusal();
    setTimeout(() => this.#connect(), RECONNECT_MS);
  }

  /** A lockex that was stopped (SIGSTOP), or a network that drops everything, closes nothing. */
  #checkSilence(): void {
    if (this.#link.kind !== 'live' || Date.now() - this.#heardAt < SILENT_MS) return;
    this.#become({ kind: 'cut', why: 'silent', refusal: null });
  }

  /** Browsers hide why a WebSocket was refused; a request for the page shows it. */
  async #explainRefusal(): Promise<void> {
    const answer = await fetch(location.href).catch(() => null);
    if (answer === null || answer.ok) return;
    const refusal = (await answer.text()).trim();
    if (this.#link.kind === 'cut') this.#become({ ...this.#link, refusal });
  }

  #become(link: Link): void {
    this.#link = link;
    this.#listener.onLink(link);
  }
}
