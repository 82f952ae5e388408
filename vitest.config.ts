import { defineConfig } from 'vitest/config';
import { embeddedScriptsInTests } from './scripts/build/embedded-scripts.ts';

export default defineConfig({
  plugins: [embeddedScriptsInTests],
  test: {
    include: ['test/**/*.test.ts'],
    // `npm run test:servers` names the release line; these tests are for the newest.
    exclude: process.env['ZOOKEEPER_LINE'] === undefined ? ['test/servers/**'] : [],
    globalSetup: ['test/support/global-setup.ts'],
    // Two cores: more workers than that would only make the servers under test slower.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A poll ends when what it waits for is there: its bound is only for what never comes.
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default'],
  },
});
