/** The lease keeper with a simulated clock, and a server that answers as a test says. */
import { expect } from 'vitest';
import type { LeaseInfo } from '../../../../machines/contract.ts';
import type { Confirmation, LockSession } from '../../../../src/zookeeper/client.ts';
import { requestError } from '../../../../src/zookeeper/errors.ts';
import { LeaseKeeper } from '../../../../src/zookeeper/lease/lease-keeper.ts';
import { SimulatedClock } from '../../../support/simulated-clock.ts';

export const T = 30_000;

/** A keeper that holds a lock, some time after the handshake that created its session. */
export function holding(sinceHandshakeMs = 5) {
  const clock = new SimulatedClock();
  const reports: string[] = [];
  let lease: LeaseInfo | null = null;
  let wallAhead = 0;
  let events = 0;
  const numbered = () => {
    events += 1;
    return events;
  };
  const server = {
    latencyMs: 5,
    answer: 'ok' as 'ok' | 'none' | 'NO_NODE' | 'SYSTEM_ERROR',
    asked: 0,
  };
  let attachments = 0;
  const session = {
    isAttached: true,
    check: (): Promise<Confirmation> => {
      server.asked += 1;
      const sentAt = clock.now();
      const sent = numbered();
      const { answer } = server;
      const attachment = attachments;
      return new Promise((resolve, reject) => {
        if (answer === 'none') return;
        clock.setTimeout(() => {
          if (answer === 'ok')
            resolve({
              attachment,
              sentAt,
              answeredAt: clock.now(),
              order: { sent, answered: numbered() },
            });
          else reject(requestError(answer, 'check'));
        }, server.latencyMs);
      });
    },
  };
  const keeper = new LeaseKeeper(session as unknown as LockSession, {
    clock,
    wallClock: () => clock.now() + wallAhead,
    killAfterMs: 5000,
    onRenewed: (renewed) => {
      lease = renewed;
      reports.push('renewed');
    },
    onProofNeeded: (reason) => reports.push(`proof needed: ${reason}`),
    onNodeGone: () => reports.push('node gone'),
    onEnding: () => reports.push('ending'),
  });
  /** By a handshake that was sent then, and is answered now. */
  const attach = (handshakeSentAt: number, timeoutMs = T) => {
    attachments += 1;
    session.isAttached = true;
    keeper.attached({ number: attachments, handshakeSentAt, timeoutMs });
  };
  const detach = () => {
    session.isAttached = false;
    keeper.detached();
  };
  /** As the contender does upon an attachment. */
  const confirm = async () => {
    const confirmation = session.check();
    await clock.advance(server.latencyMs);
    keeper.confirmed(await confirmation);
  };
  attach(clock.now() - sinceHandshakeMs);
  expect(keeper.isFresh).toBe(true);
  keeper.hold('/x');
  return {
    clock,
    keeper,
    server,
    reports,
    session,
    attach,
    detach,
    confirm,
    lease: () => lease,
    others: () => reports.filter((word) => word !== 'renewed'),
    jumpWallClock: (ms: number) => {
      wallAhead += ms;
    },
  };
}
