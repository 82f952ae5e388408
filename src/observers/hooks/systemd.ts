/**
 * `Type=notify` (sd_notify(3)): tells systemd, through systemd-notify(1), when lockex is ready, what it
 * is doing, and that it stops. Node has no unix datagram sockets of its own. The messages come from
 * another process than lockex, so that the unit has to say NotifyAccess=all.
 */

import type { ReadyWhen } from '../../settings/settings.ts';
import { escaped } from '../../util/printable.ts';
import type { HookProgram, StateChange } from './hook-runner.ts';

export function notifyProgram(
  readyWhen: ReadyWhen,
  env: NodeJS.ProcessEnv,
): (change: StateChange) => HookProgram {
  return (change) => ({
    program: 'systemd-notify',
    args: messagesFor(change, readyWhen),
    env: { PATH: env['PATH'], NOTIFY_SOCKET: env['NOTIFY_SOCKET'] },
  });
}

/** `VARIABLE=VALUE`, each a line of one message. */
function messagesFor(
  { state, reason, fencingToken }: StateChange,
  readyWhen: ReadyWhen,
): readonly string[] {
  // A standby is healthy as soon as it waits; who orders other units after the command wants more.
  const isReady = state === 'running' || (state === 'waiting' && readyWhen === 'waiting');
  const isStopping = state === 'cleanup' || state === 'done';
  const detail = reason || (fencingToken !== null && `fencing token ${fencingToken}`);
  const status = `STATUS=${state}${detail ? `: ${detail}` : ''}`;
  return [
    ...(isReady ? ['READY=1'] : []),
    ...(isStopping ? ['STOPPING=1'] : []),
    // A line of its own ends a message.
    escaped(status.replace(/\s+/g, ' ')),
  ];
}
