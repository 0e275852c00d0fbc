// The frame of the popup's tests: one browser and one mock for a file, a fresh context and a clean mock for each test.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, afterEach, before } from 'node:test';
import { launch, watchErrors } from '../lib/browser.mjs';
import { Mock } from '../lib/mock.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** Where the built popup lies. */
export const widget = process.env.NEORON_WIDGET_DIR ?? resolve(here, '../../../target/popup');
/** Where pictures go, if they are wanted. */
const pictures = process.env.NEORON_SCREENSHOT_DIR;

/** Sets a file of tests up and returns what they share. */
export function suite() {
  let browser;
  let mock;
  const contexts = [];
  const mocks = [];

  before(async () => {
    browser = await launch();
    if (pictures) await mkdir(pictures, { recursive: true });
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    for (const used of mocks.splice(0)) await used.stop();
  });
  after(() => browser?.close());

  /** Opens the host page; the popup is not opened. */
  async function open({ context: options = {}, query = '', before: prepare, expectErrors = false, ...page } = {}) {
    mock = await Mock.start(widget);
    mocks.push(mock);
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
    contexts.push(context);
    const tab = await context.newPage();
    tab.setDefaultTimeout(15_000);
    tab.errors = watchErrors(tab);
    await prepare?.(tab);
    await tab.goto(mock.page(page) + query);
    if (!expectErrors) assert.deepEqual(tab.errors, []);
    return tab;
  }

  /** Opens the page and a text conversation, up to the agent's first line. */
  async function start(options) {
    const page = await open(options);
    await page.locator('neoron-call button').first().click();
    await page.locator('[data-act=type]').click();
    await page.getByText('Welcome to Trattoria Ada! What would you like?').waitFor();
    await page.locator('[data-indicator=signalling][data-mood=good]').waitFor();
    return page;
  }

  /** Writes a picture, if NEORON_SCREENSHOT_DIR is set. */
  async function shot(page, name) {
    if (pictures) await page.screenshot({ path: `${pictures}/${name}.png` });
  }

  return { open, start, shot, mock: () => mock };
}
