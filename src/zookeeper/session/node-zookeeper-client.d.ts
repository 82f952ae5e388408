/**
 * The parts of node-zookeeper-client 1.1.3 that lockex uses: its connection manager, and its codec
 * for requests (answers: decode.ts).
 * The package has no types of its own. Longs are buffers of 8 bytes, big endian.
 */
declare module 'node-zookeeper-client/lib/ConnectionManager.js' {
  import type { Request } from 'node-zookeeper-client/lib/jute/index.js';

  // Responses are created by answers.ts.
  type Response = import('./answers.ts').Response;

  interface Packet {
    readonly request: Request;
    readonly callback: (error: Error | null, response?: Response) => void;
  }

  class ConnectionManager {
    static readonly STATES: {
      readonly CONNECTING: number;
      readonly CONNECTED: number;
      readonly CLOSED: number;
    };
    constructor(
      connectionString: string,
      options: { sessionTimeout: number; spinDelay: number },
      stateListener: (state: number) => void,
    );
    state: number;
    xid: number;
    zxid: Buffer;
    sessionId: Buffer;
    sessionPassword: Buffer;
    chrootPath: string | undefined;
    socket:
      | {
          write(bytes: Uint8Array, onTaken?: () => void): boolean;
          destroy(): unknown;
          readonly destroyed: boolean;
        }
      | undefined;
    readonly pendingQueue: Packet[];
    readonly packetQueue: { shift(): Packet | undefined };
    connect(): void;
    queue(request: Request, callback?: Packet['callback']): void;
    setState(state: number): void;
    onSocketDrain(): void;
    onPacketQueueReadable(): void;
  }
  export default ConnectionManager;
  export type { Packet };
}

declare module 'node-zookeeper-client/lib/jute/index.js' {
  interface JuteRecord {
    setChrootPath(path: string): void;
    byteLength(): number;
  }
  interface RequestHeader extends JuteRecord {
    xid: number;
    type: number;
  }
  class Request {
    constructor(header: RequestHeader | null, payload: object | null);
    readonly header: RequestHeader;
    readonly payload: object | null;
    toBuffer(): Buffer;
  }
  const jute: {
    readonly PROTOCOL_VERSION: number;
    readonly XID_PING: number;
    readonly OP_CODES: Readonly<Record<string, number>>;
    readonly Request: typeof Request;
    readonly TransactionRequest: new (
      ops: readonly { readonly type: number }[],
    ) => { readonly ops: readonly { readonly type: number }[] };
    readonly protocol: {
      readonly RequestHeader: new (xid?: number, type?: number) => RequestHeader;
      readonly ConnectRequest: new (
        protocolVersion: number,
        lastZxidSeen: Buffer,
        timeOut: number,
        sessionId: Buffer,
        passwd: Buffer,
      ) => object;
    } & Readonly<Record<string, new () => object>>;
    readonly data: {
      readonly ACL: new (perms: number, id: object) => object;
      readonly Id: new (scheme: string, id: string) => object;
    };
  };
  export default jute;
  export type { Request, RequestHeader };
}
