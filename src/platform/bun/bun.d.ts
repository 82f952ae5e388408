/** What of Bun's own interface is used here (bun.com/reference/bun); Bun brings no types of it. */
declare namespace Bun {
  /** Collects garbage, at once where `isForced`. */
  function gc(isForced: boolean): void;

  interface Socket {
    /** How many bytes were taken; the rest is to be written again upon `drain`. Below 0: none can be. */
    write(bytes: Uint8Array): number;
    /** At once, and in order: the other side gets what was written. Calls the handler itself. */
    close(): void;
    setNoDelay(noDelay: boolean): void;
    unref(): void;
  }

  /** None is called from within `connect`, but `open` where a descriptor was given. */
  interface SocketHandler {
    open(socket: Socket): void;
    data(socket: Socket, bytes: Buffer): void;
    drain(socket: Socket): void;
    /** `error`: why the other side's end is not an ordinary one. */
    close(socket: Socket, error?: Error): void;
    /** What another of these has thrown. */
    error(socket: Socket, error: unknown): void;
    connectError(socket: Socket, error: Error): void;
  }

  /** Rejects where `connectError` is called, and with the same error. */
  function connect(
    options: { socket: SocketHandler } & ({ fd: number } | { hostname: string; port: number }),
  ): Promise<Socket>;

  namespace dns {
    /**
     * `libc`: getaddrinfo, at each call. Rejects with codes like DNS_ENOTFOUND. (`Bun.connect` keeps what
     * it has looked up for 30 seconds.)
     */
    function lookup(
      name: string,
      options: { readonly backend: 'libc' },
    ): Promise<readonly { readonly address: string }[]>;
  }

  interface Subprocess {
    readonly pid: number;
    /** Descriptors of our ends of pipes, which are sockets. */
    readonly stdio: readonly (number | null)[];
    kill(signal: string): void;
    unref(): void;
  }

  /** Throws where no process can be made. */
  function spawn(
    words: readonly string[],
    options: {
      readonly cwd?: string;
      readonly env: Readonly<Record<string, string>>;
      readonly detached: boolean;
      readonly stdio: readonly ('inherit' | 'ignore' | 'pipe')[];
      /** `signal`: its name, or its number where it has none. */
      onExit(child: Subprocess, code: number | null, signal: string | number | null): void;
    },
  ): Subprocess;
}
