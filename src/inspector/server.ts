/**
 * Serves the page and its live feed over HTTP and WebSocket. Nothing can be changed through it.
 *
 * Against other people's pages: the Host header has to name this server (DNS rebinding), and the
 * Origin of a WebSocket has to be this server's, or one that was allowed by name. Against viewers
 * that read slowly or not at all: what waits for each is bounded, and one that is over is dropped.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { hostname } from 'node:os';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Host } from '../access.ts';

export interface InspectorServerOptions {
  /** Port 0: a free one. */
  readonly address: Host;
  /** Origins of other sites whose pages may attach, such as `https://stately.ai`. */
  readonly allowedOrigins: readonly string[];
  readonly page: string;
  /** Value of its Content-Security-Policy. */
  readonly policy: string;
  /** A viewer has come; gives what it is told first. */
  readonly onViewer: (kind: ViewerKind) => readonly string[];
  readonly onViewersGone: () => void;
}

/** `live`: our page's feed at /live. `stately`: the protocol of @statelyai/inspect, everywhere else. */
export type ViewerKind = 'live' | 'stately';

const MOST_VIEWERS = 32;
/** Waiting to be read by one viewer; bytes. */
const MOST_WAITING = 4 * 1024 * 1024;
const LONGEST_MESSAGE_BYTES = 1024;
const PING_MS = 30_000;
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
/** Listening on all addresses: any of them is us, and so is the host's name. No other name is. */
const WILDCARDS = ['0.0.0.0', '::'];
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/;

export class InspectorServer {
  readonly #options: InspectorServerOptions;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LONGEST_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });
  readonly #viewers = new Map<WebSocket, ViewerKind>();
  readonly #pings: NodeJS.Timeout;
  #names: readonly string[] = [];
  #port = 0;

  constructor(options: InspectorServerOptions) {
    this.#options = options;
    this.#server = createServer({ maxHeaderSize: 8192 }, (request, response) =>
      this.#answer(request, response),
    );
    this.#server.on('upgrade', (request, socket, head) =>
      this.#upgrade(request, socket as Socket, head),
    );
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    this.#pings = setInterval(() => this.#pingAll(), PING_MS).unref();
  }

  /** Resolves to the page's URL; rejects with the system's error (EADDRINUSE, …). */
  async listen(): Promise<string> {
    const { host, port } = this.#options.address;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        this.#server.on('error', () => {});
        resolve();
      });
    });
    // The run decides how long this process lives.
    this.#server.unref();
    const bound = (this.#server.address() as AddressInfo).port;
    const shown = host.includes(':') ? `[${host}]` : host;
    this.#port = bound;
    this.#names = [shown.toLowerCase(), hostname().toLowerCase(), ...LOOPBACK];
    return `http://${shown}:${bound}/`;
  }

  /** To all viewers of this kind. */
  send(kind: ViewerKind, text: string): void {
    for (const [viewer, viewed] of this.#viewers) if (viewed === kind) this.#give(viewer, text);
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Ends it; what viewers were sent before has `boundMs` to get through. */
  async close(boundMs: number): Promise<void> {
    clearInterval(this.#pings);
    this.#server.close();
    const bound = performance.now() + boundMs;
    for (const viewer of this.#viewers.keys()) viewer.close(1001, 'lockex has ended');
    while (this.#viewers.size > 0 && performance.now() < bound) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const viewer of this.#viewers.keys()) viewer.terminate();
    this.#server.closeAllConnections();
  }

  // ---- HTTP ----

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const refuse = (status: number, text: string) =>
      response
        .writeHead(status, { 'content-type': 'text/plain', ...COMMON_HEADERS })
        .end(`${text}\n`);
    // Whoever pours in a body is not read.
    request.on('error', () => {});
    if (!this.#isForUs(request)) return void refuse(421, 'this server goes by another name');
    if (request.method !== 'GET' && request.method !== 'HEAD') return void refuse(405, 'GET only');
    const [path] = (request.url ?? '/').split('?');
    if (path !== '/') return void refuse(404, 'there is / and nothing else');
    const { page, policy } = this.#options;
    response
      .writeHead(200, {
        'content-type': 'text/html; charset=utf-8',
        'content-length': Buffer.byteLength(page),
        'content-security-policy': policy,
        ...COMMON_HEADERS,
      })
      .end(request.method === 'HEAD' ? undefined : page);
  }

  #isForUs({ headers }: IncomingMessage): boolean {
    return this.#isUs((headers.host ?? '').toLowerCase());
  }

  /** `name:port`, as a Host header has it. */
  #isUs(host: string): boolean {
    const suffix = `:${this.#port}`;
    if (!host.endsWith(suffix)) return false;
    const name = host.slice(0, -suffix.length);
    const isAnyAddress = WILDCARDS.includes(this.#options.address.host) && ADDRESS.test(name);
    return isAnyAddress || this.#names.includes(name);
  }

  /** None: no browser's page. */
  #isAllowedOrigin(origin: string | undefined): boolean {
    if (origin === undefined) return true;
    if (this.#options.allowedOrigins.includes(origin)) return true;
    const [, host] = /^http:\/\/(.*)$/.exec(origin.toLowerCase()) ?? [];
    return host !== undefined && this.#isUs(host);
  }

  // ---- WebSocket ----

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => {});
    const refusal = !this.#isForUs(request)
      ? '421 Misdirected Request'
      : !this.#isAllowedOrigin(request.headers.origin)
        ? '403 Forbidden'
        : this.#viewers.size >= MOST_VIEWERS
          ? '503 Service Unavailable'
          : null;
    if (refusal !== null) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const kind = request.url?.split('?')[0] === '/live' ? 'live' : 'stately';
    this.#sockets.handleUpgrade(request, socket, head, (viewer) => {
      socket.unref();
      this.#welcome(viewer, kind);
    });
  }

  #welcome(viewer: WebSocket, kind: ViewerKind): void {
    // What viewers say is not listened to.
    viewer.on('error', () => viewer.terminate());
    viewer.once('close', () => {
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#options.onViewersGone();
    });
    this.#viewers.set(viewer, kind);
    for (const text of this.#options.onViewer(kind)) this.#give(viewer, text);
  }

  #give(viewer: WebSocket, text: string): void {
    if (viewer.readyState !== viewer.OPEN) return;
    if (viewer.bufferedAmount + text.length > MOST_WAITING) return viewer.terminate();
    viewer.send(text);
  }

  /** A viewer whose host is gone would be kept for ever. */
  #pingAll(): void {
    for (const viewer of this.#viewers.keys()) {
      if (viewer.bufferedAmount > 0) viewer.terminate();
      else viewer.ping();
    }
  }
}

const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
} as const;
