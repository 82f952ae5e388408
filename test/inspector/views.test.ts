/** The page with a saved run: every state, at several sizes, with axe-core and the keyboard. */
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeProblems, openViewer, startBrowser } from './browser.ts';

const PAGE = fileURLToPath(new URL('../../dist/program/inspector.html', import.meta.url));
/** A recorded run: waits, runs, is suspended twice, and loses its lock. */
const RUN = fileURLToPath(new URL('lost-run.json', import.meta.url));

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

async function openRun(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const { page, shows } = await openViewer(browser, pathToFileURL(PAGE).href, options);
  await page.setInputFiles('#file', RUN);
  await shows('done');
  return page;
}

/** Shows each event of the run; calls back once for each state. */
async function forEachState(page: Page, look: (state: string) => Promise<void>): Promise<string[]> {
  const seen: string[] = [];
  const buttons = page.locator('#events button');
  for (let index = (await buttons.count()) - 1; index >= 0; index -= 1) {
    const state = await page.locator('#events .pill').nth(index).textContent();
    if (state === null || seen.includes(state)) continue;
    await buttons.nth(index).click();
    await page.locator('#events tr.shown').waitFor();
    const shown = (await page.locator('#state').textContent()) ?? '';
    if (seen.includes(shown)) continue;
    seen.push(shown);
    await look(shown);
  }
  return seen;
}

const SIZES = [1440, 390].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
);

it.each(SIZES)('axe finds nothing at $width px, $colorScheme', async ({ width, colorScheme }) => {
  const page = await openRun({ viewport: { width, height: 900 }, colorScheme });
  const seen = await forEachState(page, async (state) => {
    expect(await axeProblems(page), state).toEqual([]);
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(wide, state).toBeLessThanOrEqual(width);
  });
  expect(seen).toEqual(expect.arrayContaining(['running', 'suspended.running', 'lost.stopping']));
});

describe('the keyboard', () => {
  it('moves through the run on the slider: arrows, Home, End', async () => {
    const page = await openRun();
    const slider = page.locator('#slider');
    const value = () => slider.getAttribute('aria-valuetext');
    await slider.focus();
    await page.keyboard.press('Home');
    await expect.poll(value).toMatch(/, connecting: starting a session/);
    await page.locator('#as-of').waitFor();
    await page.locator('[id="state-connecting"].on').waitFor();
    await page.keyboard.press('ArrowRight');
    await expect.poll(value).toMatch(/, waiting: /);
    await page.keyboard.press('End');
    await expect.poll(value).toMatch(/, done: exited with status 124/);
    await page.keyboard.press('ArrowLeft');
    await expect.poll(value).toMatch(/, (done|cleanup\.closing): /);
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await expect.poll(value).toMatch(/, lost\.stopping: could not renew the lease/);
  });

  it('reaches every state, and shows where it leads', async () => {
    const page = await openRun();
    const reached: string[] = [];
    await page.locator('#open').focus();
    for (let press = 0; press < 9; press += 1) {
      await page.keyboard.press('Tab');
      const id = await page.evaluate<string>('document.activeElement.id');
      if (id.startsWith('state-')) reached.push(id.slice('state-'.length));
      if (id === 'state-running') {
        await page.locator('#hint', { hasText: '→ suspended session.suspended' }).waitFor();
        expect(await page.locator('.wire.asked').count()).toBe(3);
      }
    }
    expect(reached.toSorted()).toEqual([
      'cleanup',
      'connecting',
      'done',
      'locked',
      'lost',
      'running',
      'suspended',
      'waiting',
    ]);
  });
});

it('a saved run is saved again as it was, and a damaged one is refused', async () => {
  const page = await openRun({ acceptDownloads: true });
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('#save').click(),
  ]);
  const saved = JSON.parse(readFileSync(await download.path(), 'utf8'));
  const original = JSON.parse(readFileSync(RUN, 'utf8'));
  expect({ ...saved, savedAt: 0 }).toEqual({ ...original, savedAt: 0 });
  await page.setInputFiles('#file', {
    name: 'other.json',
    mimeType: 'application/json',
    buffer: Buffer.from('{}'),
  });
  await page.locator('#notice', { hasText: 'other.json: not a saved run of lockex' }).waitFor();
  expect(await page.locator('#state').textContent()).toBe('done');
});

it('a danger state says what holds, in the header and in itself', async () => {
  const page = await openRun();
  await forEachState(page, async (state) => {
    const why = (await page.locator('#why').textContent()) ?? '';
    if (state === 'suspended.running') expect(why).toMatch(/is stopped in .* unless lockex recon/);
    if (state === 'lost.stopping') expect(why).not.toMatch(/unless/);
    const own = page.locator('.node.on .summary, .lane.on .summary');
    expect(await own.textContent(), state).toBe(why);
  });
});
