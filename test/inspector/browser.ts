/** Debian's Chromium, with a page on an inspector; every request to another host is a failure. */
import { existsSync } from 'node:fs';
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

/** Runs in the page: text, as this project's own code knows no browser. */
const NOTING_LIT_STATES = `
  window.lit = [];
  const look = () => {
    const on = [...document.querySelectorAll('.state.on:not(.compound)')].map(({ id }) => id.slice(6));
    if (on.length === 1 && on[0] !== window.lit.at(-1)) window.lit.push(on[0]);
  };
  const what = { subtree: true, attributes: true, attributeFilter: ['class'] };
  new MutationObserver(look).observe(document, what);
`;

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
  /** Until this state is the one that is lit. */
  shows(state: string): Promise<void>;
  /** States that were lit so far, in order. */
  readonly lit: () => Promise<readonly string[]>;
}

export async function openViewer(
  browser: Browser,
  url: string,
  {
    mayFailToLoad = false,
    ...options
  }: Parameters<Browser['newContext']>[0] & {
    /** The test ends lockex, or has it refuse requests. */
    readonly mayFailToLoad?: boolean;
  } = {},
): Promise<Viewer> {
  const context = await browser.newContext(options);
  const expected = mayFailToLoad ? /WebSocket|Failed to load resource/ : /WebSocket/;
  const strangers: string[] = [];
  const problems: string[] = [];
  const { host } = new URL(url);
  const note = (requested: string) => {
    if (new URL(requested).host !== host) strangers.push(requested);
  };
  context.on('request', (request) => note(request.url()));
  const page = await context.newPage();
  page.on('websocket', (socket) => note(socket.url()));
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // What the browser says of a connection that is gone is what the test has made.
    if (message.type() === 'error' && !expected.test(message.text())) problems.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(strangers).toEqual([]);
    expect(problems).toEqual([]);
  });
  // From before the page's own script on: no state is too short to be seen.
  await page.addInitScript({ content: NOTING_LIT_STATES });
  await page.goto(url);
  return {
    page,
    shows: async (state) => {
      await page.locator(`[id="state-${state}"].on`).waitFor({ timeout: 30_000 });
    },
    lit: () => page.evaluate<string[]>('window.lit'),
  };
}
