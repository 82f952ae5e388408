/** The gate's script alone, where the host behaves badly. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { GATE_SCRIPT } from '../../../../src/command/gate/gate-script.ts';
import { cleanUp, onCleanUp, SHELLS } from '../harness.ts';

afterEach(cleanUp);

/** Opens a gate with a far deadline; resolves to what it reported, and the command's output. */
async function open([program = '', ...others]: readonly string[], script: string) {
  const settings = ['', '100', '', '', '', '0'];
  const command = ['/bin/echo', 'ran'];
  const child = spawn(program, [...others, '-c', script, 'gate', ...settings, ...command], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
  });
  onCleanUp(() => void child.kill('SIGKILL'));
  const said = { reported: '', output: '' };
  const socket = child.stdio[3] as Duplex;
  socket.on('data', (text) => {
    said.reported += text;
  });
  child.stdout?.on('data', (text) => {
    said.output += text;
  });
  socket.write(`1\n/path\n999999999\n`);
  await once(child, 'close');
  return said;
}

describe.each(SHELLS)('a gate in %s', (_name, shell) => {
  it('opens if the clock shows that the deadline has not passed', async () => {
    const { reported, output } = await open(shell, GATE_SCRIPT);
    expect(reported).not.toContain('late');
    expect(output).toBe('ran\n');
  });

  it.each(['/nowhere/uptime', '/dev/null', '/proc/version'])(
    'does not open if the clock cannot be read (%s)',
    async (clock) => {
      const script = GATE_SCRIPT.replace('</proc/uptime', `<${clock}`);
      expect(script).not.toBe(GATE_SCRIPT);
      const { reported, output } = await open(shell, script);
      expect(reported).toMatch(/^late$/m);
      expect(output).toBe('');
    },
  );
});
