/** Opens inspector pages in Debian's Chromium; a request to another host fails the test. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import type { Program } from '../support/processes.ts';

const EXECUTABLE = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) =>
  existsSync(path),
);
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The rules that axe-core finds violated, with the elements. */
export async function axeProblems(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  return await page.evaluate<string[]>(
    `axe.run().then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target)))`,
  );
}

export async function startBrowser(): Promise<Browser> {
  if (EXECUTABLE === undefined) throw new Error('this test needs chromium: run npm test');
  return await chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
}

/** The inspector's URL, as lockex logs it. */
export async function urlOf(program: Program): Promise<string> {
  const line = await program.line(/"url":"http/, 'stderr');
  return JSON.parse(line).url;
}

export interface Viewer {
  readonly page: Page;
  /** Resolves when the chart highlights this state. */
  shows(state: string): Promise<void>;
  /** The states of the run so far, in order, from the table of events. */
  readonly states: () => Promise<readonly string[]>;
}

export async function openViewer(
  browser: Browser,
  url: string,
  {
    mayFailToLoad = false,
    stubbedHost,
    ...options
  }: Parameters<Browser['newContext']>[0] & {
    /** The test ends lockex, or makes it refuse requests. */
    readonly mayFailToLoad?: boolean;
    /** Besides the page's own; answered by the test. */
    readonly stubbedHost?: string;
  } = {},
): Promise<Viewer> {
  const context = await browser.newContext(options);
  const expected = mayFailToLoad ? /WebSocket|Failed to load resource/ : /WebSocket/;
  const foreignRequests: string[] = [];
  const problems: string[] = [];
  const { host } = new URL(url);
  const check = (requested: string) => {
    const its = new URL(requested).host;
    if (its !== host && its !== stubbedHost) foreignRequests.push(requested);
  };
  context.on('request', (request) => check(request.url()));
  const page = await context.newPage();
  page.on('websocket', (socket) => check(socket.url()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // Errors of connections that the test itself breaks are expected.
    if (message.type() === 'error' && !expected.test(message.text())) problems.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(foreignRequests).toEqual([]);
    expect(problems).toEqual([]);
  });
  await page.goto(url);
  return {
    page,
    shows: async (state) => {
      await page.locator(`[id="state-${state}"].on`).waitFor({ timeout: 30_000 });
    },
    states: async () => {
      const rows = await page.locator('#events .pill').allTextContents();
      return rows.reverse().filter((state, index, all) => state !== all[index - 1]);
    },
  };
}
