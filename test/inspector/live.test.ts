/** The page beside a live lockex: what is drawn when, a lockex that is gone, Stately's inspector. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLockex } from '../e2e/program.ts';
import { sharedServerWithChroot } from '../support/zookeeper.ts';
import { axeProblems, openViewer, startBrowser, urlOf } from './browser.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

async function startRunning(options: Parameters<typeof openViewer>[2] = {}) {
  const { connectString } = await sharedServerWithChroot();
  const args = ['-z', connectString, '-i', 'live', '-T', '10', '--inspect'];
  const program = startLockex([...args, '--', 'echo up; read line']);
  await program.line(/^up$/);
  const viewer = await openViewer(browser, await urlOf(program), options);
  await viewer.shows('running');
  return { program, viewer, page: viewer.page };
}

/** Counts changes in the page. A string: the tests are compiled without the browser's types. */
const COUNT_CHANGES = `
  window.counts = { spoken: 0, ticks: 0, added: 0, removed: 0 };
  const count = (id, options, see) =>
    new MutationObserver((all) => all.forEach(see)).observe(document.getElementById(id), options);
  count('announcer', { childList: true }, () => { window.counts.spoken += 1; });
  count('lease-left', { childList: true }, () => { window.counts.ticks += 1; });
  count('events', { childList: true }, ({ addedNodes, removedNodes }) => {
    window.counts.added += addedNodes.length;
    window.counts.removed += removedNodes.length;
  });
`;

const countsIn = (page: Page) =>
  page.evaluate<{ spoken: number; ticks: number; added: number; removed: number }>('window.counts');

it('speaks on changes of state only, and adds rows without drawing the others again', async () => {
  const { program, page, viewer } = await startRunning();
  await page.locator('#renewals').check();
  const before = await page.locator('#events tr').count();
  await page.evaluate(COUNT_CHANGES);
  await expect
    .poll(async () => (await countsIn(page)).ticks, { timeout: 30_000 })
    .toBeGreaterThan(3);
  const after = await page.locator('#events tr').count();
  const counts = await countsIn(page);
  expect(counts.spoken).toBe(0);
  expect(counts.removed).toBe(0);
  expect(counts.added).toBeGreaterThanOrEqual(after - before);
  program.stdin.end('go\n');
  await viewer.shows('done');
  await page.locator('#announcer', { hasText: 'done: exited with status 0' }).waitFor();
  const { spoken, removed } = await countsIn(page);
  expect(removed).toBe(0);
  // At most once for each state, and for the exit status.
  expect(spoken).toBeLessThanOrEqual(6);
});

describe('a lockex that is gone', () => {
  it('by SIGKILL: the page stops its clock, and names the command to ask', async () => {
    const { program, page } = await startRunning({ mayFailToLoad: true });
    program.signal('SIGKILL');
    const cut = page.locator('#cut:not([hidden])');
    await cut.waitFor();
    expect(await cut.textContent()).toMatch(
      /^No message since \d\d:\d\d:\d\d: lockex was killed .* run: lockex status live$/,
    );
    await page.locator('body.cut').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await axeProblems(page), colorScheme).toEqual([]);
    }
    await page.locator('#announcer', { hasText: 'No message since' }).waitFor();
    await page.evaluate(COUNT_CHANGES);
    const since = await page.locator('#since').textContent();
    // Two attempts to reconnect: the page is not idle meanwhile.
    for (let attempt = 0; attempt < 2; attempt += 1) await page.waitForEvent('requestfailed');
    expect(await page.locator('#since').textContent()).toBe(since);
    expect((await countsIn(page)).ticks).toBe(0);
  });

  it('by SIGSTOP: the connection is open, but silent; it is live again after SIGCONT', async () => {
    const { program, page } = await startRunning();
    program.signal('SIGSTOP');
    await page.locator('#cut', { hasText: 'lockex hangs, is suspended' }).waitFor();
    program.signal('SIGCONT');
    await page.locator('#cut').waitFor({ state: 'hidden' });
    await page.locator('#connection[data-link=live], #connection[data-link=ended]').waitFor();
  });
});

it('Stately Inspector ↗ sends the machine and the events to a window of that origin', async () => {
  const { page, program } = await startRunning({ stubbedHost: 'stately.ai' });
  await page.context().route('https://stately.ai/**', async (route) => {
    const body = `<!doctype html><title>stub</title><script>${await receiver()}</script>`;
    await route.fulfill({ contentType: 'text/html', body });
  });
  const [opened] = await Promise.all([page.waitForEvent('popup'), page.click('#stately')]);
  const heard = () =>
    opened.evaluate<{ type: string; definition?: string }[]>('window.heard ?? []');
  await expect.poll(async () => (await heard()).length, { timeout: 30_000 }).toBeGreaterThan(3);
  const [actor] = await heard();
  expect(actor?.type).toBe('@xstate.actor');
  expect(JSON.parse(actor?.definition ?? '{}').states).toHaveProperty('suspended');
  program.stdin.end('go\n');
  await expect
    .poll(async () => JSON.stringify((await heard()).at(-1)), { timeout: 30_000 })
    .toMatch(/"value":"done"/);
});

/** The package's own receiver, as a script. */
async function receiver(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { createBrowserReceiver } from '@statelyai/inspect';
        window.heard = [];
        createBrowserReceiver({ window }).subscribe((event) => window.heard.push(event));`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    ...{ bundle: true, write: false, format: 'iife', platform: 'browser' },
  });
  return (outputFiles[0]?.text ?? '').replaceAll('</script', '<\\/script');
}
