/** The part of Bun's API that is used here (bun.com/reference/bun); Bun ships no types. */
declare namespace Bun {
  /** Collects garbage, synchronously if `isForced`. */
  function gc(isForced: boolean): void;

  interface Socket {
    /**
     * Returns the number of bytes accepted; write the rest on `drain`. Below 0: the socket is
     * closed.
     */
    write(bytes: Uint8Array): number;
    /** Closes it now; the peer still receives the bytes that were written. Calls the handler. */
    close(): void;
    setNoDelay(noDelay: boolean): void;
    unref(): void;
  }

  /** None is called from within `connect`, except `open` if `fd` was given. */
  interface SocketHandler {
    open(socket: Socket): void;
    data(socket: Socket, bytes: Buffer): void;
    drain(socket: Socket): void;
    /** `error`: the reason, unless it was closed normally. */
    close(socket: Socket, error?: Error): void;
    /** An error that another handler has thrown. */
    error(socket: Socket, error: unknown): void;
    connectError(socket: Socket, error: Error): void;
  }

  /** Rejects if `connectError` is called, with the same error. */
  function connect(
    options: { socket: SocketHandler } & ({ fd: number } | { hostname: string; port: number }),
  ): Promise<Socket>;

  namespace dns {
    /**
     * `libc`: getaddrinfo, at each call. Rejects with codes like DNS_ENOTFOUND. (`Bun.connect`
     * caches its lookups for 30 seconds.)
     */
    function lookup(
      name: string,
      options: { readonly backend: 'libc' },
    ): Promise<readonly { readonly address: string }[]>;
  }

  interface Subprocess {
    readonly pid: number;
    /** Descriptors of this end of each pipe, which is a socket. */
    readonly stdio: readonly (number | null)[];
    kill(signal: string): void;
    unref(): void;
  }

  /** Throws if the process cannot be started. */
  function spawn(
    argv: readonly string[],
    options: {
      readonly cwd?: string;
      readonly env: Readonly<Record<string, string>>;
      readonly detached: boolean;
      readonly stdio: readonly ('inherit' | 'ignore' | 'pipe')[];
      /** `signal`: its name, or its number if it has no name. */
      onExit(child: Subprocess, code: number | null, signal: string | number | null): void;
    },
  ): Subprocess;
}
