/**
 * `Type=notify` (sd_notify(3)): notifies systemd that lockex is ready, of its state, and that it
 * stops. Uses systemd-notify(1), because Node has no Unix datagram sockets. So the messages come
 * from another process, and the unit needs NotifyAccess=all.
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

/** `VARIABLE=VALUE`, one line of the message each. */
function messagesFor(
  { state, reason, fencingToken }: StateChange,
  readyWhen: ReadyWhen,
): readonly string[] {
  // A standby is ready when it waits; units that need the command are ordered after `running`.
  const isReady = state === 'running' || (state === 'waiting' && readyWhen === 'waiting');
  const isStopping = state === 'cleanup' || state === 'done';
  const detail = reason || (fencingToken !== null && `fencing token ${fencingToken}`);
  const status = `STATUS=${state}${detail ? `: ${detail}` : ''}`;
  return [
    ...(isReady ? ['READY=1'] : []),
    ...(isStopping ? ['STOPPING=1'] : []),
    // A line break would end the message.
    escaped(status.replace(/\s+/g, ' ')),
  ];
}
