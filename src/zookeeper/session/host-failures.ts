/** The reason why each server could not be used: the most informative one of its attempts. Pure. */
import type { HostFailure } from '../../../machines/contract.ts';
import type { Host } from '../../settings/access.ts';
import type { EndReason } from './connection.ts';
import { hostName } from './host-rotation.ts';

export class HostFailures {
  readonly #reasons = new Map<string, EndReason>();

  /**
   * The newest reason counts. But a timeout is less informative than a reason from the server, the
   * kernel or a setting, so it replaces only another timeout.
   */
  add(host: Host, reason: EndReason): void {
    const known = this.#reasons.get(hostName(host));
    const saysLess = reason.kind === 'late' && known !== undefined && known.kind !== 'late';
    if (!saysLess) this.#reasons.set(hostName(host), reason);
  }

  of(hosts: readonly Host[]): HostFailure[] {
    return hosts.map((host) => ({
      host: hostName(host),
      problem: this.#reasons.get(hostName(host))?.message ?? 'not tried: connect timeout reached',
    }));
  }

  /** `a:2181: no connection within 3 s; b:2181: …`, of the hosts that were tried. */
  toString(): string {
    return [...this.#reasons].map(([host, { message }]) => `${host}: ${message}`).join('; ');
  }
}
