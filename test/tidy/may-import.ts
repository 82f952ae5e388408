/**
 * The layers of the program; docs/architecture.md shows the same, and test/docs.test.ts compares.
 */

/**
 * What a file of a directory may import besides files of the same directory. The longest name
 * counts.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  machines: ['xstate'],
  'src/util': ['node:', 'machines/contract.ts', 'package.json'],
  'src/settings': ['machines/contract.ts', 'src/util'],
  'src/platform': ['node:', 'machines', 'src/settings'],
  'src/zookeeper': [
    ...['node:', 'node-zookeeper-client', 'machines', 'src/platform', 'src/settings', 'src/util'],
  ],
  'src/command': ['node:', 'machines', 'src/platform', 'src/settings', 'src/util'],
  'src/actors': [
    ...['node:', 'machines', 'src/command', 'src/platform', 'src/settings', 'src/util'],
    'src/zookeeper',
  ],
  'src/cli': ['node:', 'cac', 'machines', 'src/log', 'src/settings', 'src/util'],
  'src/log': ['node:', 'winston', 'machines', 'src/platform', 'src/util'],
  'src/observers': [
    ...['node:', 'xstate', 'machines', 'src/cli/usage-error.ts', 'src/inspector', 'src/log'],
    ...['src/platform', 'src/settings', 'src/util'],
  ],
  'src/status': ['node:', 'machines', 'src/settings', 'src/util', 'src/zookeeper'],
  'src/inspector': [
    ...['node:', 'ws', 'machines', 'src/log', 'src/settings', 'src/status', 'src/util'],
    'src/zookeeper',
  ],
  'src/wiring.ts': ['xstate', 'machines', 'src/actors', 'src/command', 'src/settings', 'src/util'],
  'src/run.ts': ['machines', 'src/'],
  'src/main.ts': ['node:', 'machines', 'src/'],
  'src/index.ts': ['machines', 'src/platform', 'src/settings', 'src/wiring.ts'],
  'src/launch.ts': ['node:', 'src/platform/code-cache.ts'],
  'src/reaper.ts': ['node:', 'src/util', 'src/zookeeper/reap.ts'],
  'src/standalone.ts': ['src/main.ts', 'src/platform', 'src/reaper.ts'],
};
