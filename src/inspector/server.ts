/**
 * Serves the page and its live feed over HTTP and WebSocket, read-only.
 *
 * admission.ts decides which requests are answered. Connections are bounded in number and lifetime
 * (connections.ts). Viewers are bounded in number; a viewer is dropped when too much data is queued
 * for it, or when it does not answer a ping before the next one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { hostname } from 'node:os';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Host } from '../settings/access.ts';
import { randomHex } from '../util/random.ts';
import { Admission, inUrl, type Refusal } from './admission.ts';
import { type ConnectionBounds, Connections } from './connections.ts';

export interface InspectorServerOptions {
  /** Port 0 means a free port. */
  readonly address: Host;
  /** Other origins whose pages may connect, such as `https://stately.ai`. */
  readonly allowedOrigins: readonly string[];
  readonly page: string;
  /** The page's Content-Security-Policy. */
  readonly policy: string;
  /** Called for each new viewer; returns the first messages to it. */
  readonly onViewer: (kind: ViewerKind) => readonly string[];
  readonly onViewersGone: () => void;
  readonly bounds?: InspectorServerBounds;
}

export interface InspectorServerBounds extends ConnectionBounds {
  /** Milliseconds between pings: a viewer that has not answered by the next one is dropped. */
  readonly pingMs: number;
}

/**
 * `live`: the page's feed, at /live. `stately`: the protocol of @statelyai/inspect, at other paths.
 */
export type ViewerKind = 'live' | 'stately';

const MAX_VIEWERS = 32;
/** Maximum of bytes that are queued for one viewer. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const MAX_MESSAGE_BYTES = 1024;
/** Enough for a page of 200 kB through a slow tunnel. */
const DEFAULT_BOUNDS = { maxPending: 32, maxPendingMs: 30_000, pingMs: 30_000 };
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
const TOKEN_BYTES = 16;
const REASONS: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  421: 'Misdirected Request',
  503: 'Service Unavailable',
};

export class InspectorServer {
  readonly #options: InspectorServerOptions;
  readonly #server: Server;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
    // Pongs to a client that does not read would pile up: see #welcome.
    autoPong: false,
  });
  readonly #connections: Connections;
  readonly #viewers = new Map<WebSocket, ViewerKind>();
  /** Viewers that have not answered the last ping. */
  readonly #unanswered = new Set<WebSocket>();
  readonly #pings: NodeJS.Timeout;
  #admission: Admission | null = null;

  constructor(options: InspectorServerOptions) {
    this.#options = options;
    const bounds = options.bounds ?? DEFAULT_BOUNDS;
    this.#connections = new Connections(bounds);
    this.#server = createServer({ maxHeaderSize: 8192 }, (request, response) =>
      this.#answer(request, response),
    );
    this.#server.on('connection', (socket) => this.#connections.accept(socket));
    this.#server.on('upgrade', (request, socket, head) =>
      this.#upgrade(request, socket as Socket, head),
    );
    this.#server.on('clientError', (_error, socket) => socket.destroy());
    this.#pings = setInterval(() => this.#pingAll(), bounds.pingMs).unref();
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
    // The server must not keep the process alive.
    this.#server.unref();
    const bound = (this.#server.address() as AddressInfo).port;
    const token = randomHex(TOKEN_BYTES);
    const { allowedOrigins } = this.#options;
    this.#admission = new Admission({
      names: [inUrl(host), hostname(), ...LOOPBACK].map((name) => name.toLowerCase()),
      port: bound,
      allowedOrigins,
      token,
    });
    return `http://${inUrl(host)}:${bound}/?token=${token}`;
  }

  /** Sends a message to all viewers of this kind. */
  send(kind: ViewerKind, text: string): void {
    for (const [viewer, its] of this.#viewers) if (its === kind) this.#send(viewer, text);
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  /** Connections other than viewers. */
  get pendingConnections(): number {
    return this.#connections.pending;
  }

  /** Stops the server, after at most `boundMs` for the viewers to receive the last messages. */
  async close(boundMs: number): Promise<void> {
    clearInterval(this.#pings);
    this.#server.close();
    const bound = performance.now() + boundMs;
    for (const viewer of this.#viewers.keys()) viewer.close(1001, 'lockex has exited');
    while (this.#viewers.size > 0 && performance.now() < bound) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const viewer of this.#viewers.keys()) viewer.terminate();
    this.#connections.dropAll();
    this.#server.closeAllConnections();
  }

  // ---- HTTP ----

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const refuse = (status: number, text: string) =>
      response
        .writeHead(status, { 'content-type': 'text/plain', ...COMMON_HEADERS })
        .end(`${text}\n`);
    // A request body is not read.
    request.on('error', () => {});
    const refusal = this.#refusalOf(request, request.socket);
    if (refusal !== null) return void refuse(refusal.status, refusal.message);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return void refuse(405, 'only GET is supported');
    if (pathOf(request) !== '/') return void refuse(404, 'not found: the only page is /');
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

  #refusalOf(request: IncomingMessage, { localAddress }: Socket): Refusal | null {
    // Set before the first connection is accepted.
    if (this.#admission === null) throw new Error('a request before listening');
    return this.#admission.refusalOf(request, localAddress);
  }

  // ---- WebSocket ----

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const refusal = this.#refusalOf(request, socket);
    const status = refusal?.status ?? (this.#viewers.size >= MAX_VIEWERS ? 503 : null);
    if (status !== null) {
      const head = `HTTP/1.1 ${status} ${REASONS[status]}`;
      // Destroyed, not left half-open: the client may never close its end.
      socket.end(`${head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
        socket.destroy(),
      );
      return;
    }
    const kind = pathOf(request) === '/live' ? 'live' : 'stately';
    this.#webSockets.handleUpgrade(request, socket, head, (viewer) => {
      this.#connections.promote(socket);
      socket.unref();
      this.#welcome(viewer, kind);
    });
  }

  #welcome(viewer: WebSocket, kind: ViewerKind): void {
    // Messages from viewers are ignored.
    viewer.on('error', () => viewer.terminate());
    viewer.on('pong', () => this.#unanswered.delete(viewer));
    viewer.on('ping', () => {
      if (viewer.bufferedAmount === 0) viewer.pong();
    });
    viewer.once('close', () => {
      this.#unanswered.delete(viewer);
      this.#viewers.delete(viewer);
      if (this.#viewers.size === 0) this.#options.onViewersGone();
    });
    this.#viewers.set(viewer, kind);
    for (const text of this.#options.onViewer(kind)) this.#send(viewer, text);
  }

  #send(viewer: WebSocket, text: string): void {
    if (viewer.readyState !== viewer.OPEN) return;
    if (viewer.bufferedAmount + text.length > MAX_WAITING_BYTES) return viewer.terminate();
    viewer.send(text);
  }

  /** Detects viewers whose host is gone or that do not read. */
  #pingAll(): void {
    for (const viewer of this.#viewers.keys()) {
      if (this.#unanswered.has(viewer)) viewer.terminate();
      else {
        this.#unanswered.add(viewer);
        viewer.ping();
      }
    }
  }
}

function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/';
}

const COMMON_HEADERS = {
  connection: 'close',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
} as const;
