// The popup for everyone: axe-core on every screen, the keyboard alone, right to left, small screens.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { suite } from './suite.mjs';

const { open, start, mock, shot } = suite();
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Fails with what axe-core finds in the popup. */
async function check(page) {
  await page.addScriptTag({ path: axe });
  const found = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run('neoron-call', { resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' | ')}`);
  });
  assert.deepEqual(found, []);
}

for (const colorScheme of ['light', 'dark']) {
  test(`axe-core finds nothing on any ${colorScheme} screen`, async () => {
    const page = await open({ context: { colorScheme }, data: { voice: '/voice.js' } });
    await check(page);
    await page.locator('neoron-call button').first().click();
    await page.locator('[data-act=type]').waitFor();
    await check(page);
    await shot(page, `choice-${colorScheme}`);
    mock().refuse.session = { status: 503, code: 'no_room' };
    await page.locator('[data-act=type]').click();
    await page.locator('.trouble').waitFor();
    await check(page);
    mock().refuse = {};
    await page.locator('[data-act=retry]').click();
    await page.getByText('Welcome to Trattoria Ada').waitFor();
    await page.getByRole('textbox').fill('Two margherita pizzas and a cola');
    await page.keyboard.press('Enter');
    await page.locator('.quote').waitFor();
    await check(page);
    await shot(page, `quote-${colorScheme}`);
    await page.getByRole('button', { name: 'Yes, place it' }).click();
    await page.locator('.document').waitFor();
    mock().push('notice', { code: 'other', text: 'The kitchen is busy.', level: 'warning' });
    await page.locator('.log').getByText('The kitchen is busy.').waitFor();
    await check(page);
    mock().document('working', 'Preparing');
    await page.getByText('Preparing').first().waitFor();
    await shot(page, `document-${colorScheme}`);
    mock().down = true;
    mock().cut();
    await page.locator('.warning').waitFor();
    await check(page);
    mock().down = false;
    await page.locator('.warning').waitFor({ state: 'hidden', timeout: 30_000 });
    await page.locator('[data-act=hangup]').click();
    await page.locator('.over').waitFor();
    await check(page);
  });
}

test('the whole call works by keyboard, and the focus comes back', async () => {
  const page = await open();
  const focused = () => page.evaluate(() => {
    const active = document.activeElement?.shadowRoot?.activeElement;
    return active?.dataset.act ?? active?.tagName;
  });
  await page.locator('neoron-call button').first().focus();
  await page.keyboard.press('Enter');
  await page.locator('[data-act=type]').waitFor();
  assert.equal(await focused(), 'type');
  await page.keyboard.press('Enter');
  await page.getByText('Welcome to Trattoria Ada').waitFor();
  await page.waitForFunction(() => document.activeElement?.shadowRoot?.activeElement?.tagName === 'INPUT');
  await page.keyboard.type('pizza');
  await page.keyboard.press('Enter');
  await page.locator('.quote').waitFor();
  // The first quick reply is two steps back: the log can be scrolled by keyboard and comes before it.
  for (let steps = 0; steps < 12 && (await focused()) !== 'reply'; steps += 1) await page.keyboard.press('Shift+Tab');
  for (let steps = 0; steps < 3 && !(await page.getByRole('button', { name: 'Yes, place it' }).evaluate((button) => button.getRootNode().activeElement === button)); steps += 1) {
    await page.keyboard.press('Shift+Tab');
  }
  await page.keyboard.press('Enter');
  await page.locator('.document').waitFor();
  for (let steps = 0; steps < 30; steps += 1) {
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => {
      const host = document.querySelector('neoron-call');
      return document.activeElement === host || document.activeElement === document.body;
    }), 'the dialog keeps the focus');
  }
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'hidden' });
  assert.equal(await focused(), 'BUTTON', 'the launcher has the focus again');
});

test('everything to press is at least 44 pixels high', async () => {
  const page = await start();
  await page.getByRole('textbox').fill('pizza');
  await page.keyboard.press('Enter');
  await page.locator('.quote').waitFor();
  const small = await page.locator('neoron-call').evaluate((host) =>
    [...host.shadowRoot.querySelectorAll('button, input, a')]
      .filter((element) => element.getClientRects().length && element.getBoundingClientRect().height < 44)
      .map((element) => element.outerHTML));
  assert.deepEqual(small, []);
});

test('an Arabic page gets an Arabic popup from right to left', async () => {
  const page = await open({ lang: 'ar-EG', dir: 'rtl', context: { locale: 'ar-EG' } });
  await page.getByRole('button', { name: 'تحدث معنا' }).click();
  await page.locator('[data-act=type]').waitFor();
  assert.equal(await page.locator('dialog').getAttribute('dir'), 'rtl');
  await check(page);
  await page.locator('[data-act=type]').click();
  await page.getByText('Welcome to Trattoria Ada').waitFor();
  await page.getByRole('textbox').fill('pizza');
  await page.keyboard.press('Enter');
  await page.locator('.quote').waitFor();
  await page.getByRole('button', { name: 'نعم، أكِّد الطلب' }).waitFor();
  await check(page);
  await shot(page, 'rtl');
  const box = await page.locator('dialog').boundingBox();
  assert.ok(box.x < 100, 'the popup is on the left');
});

test('a German page gets German words and a language we lack gets English', async () => {
  const page = await open({ lang: 'de-AT' });
  await page.getByRole('button', { name: 'Sprechen Sie mit uns' }).click();
  await page.getByText('KI-Assistenten').waitFor();
  const other = await open({ lang: 'fi' });
  await other.getByRole('button', { name: 'Talk to us' }).click();
  await other.getByText('an AI assistant, not a person').waitFor();
});

test('a phone gets the whole screen without a bar to scroll sideways', async () => {
  const page = await start({ context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } });
  await page.getByRole('textbox').fill('Two margherita pizzas and a cola');
  await page.keyboard.press('Enter');
  await page.locator('.quote').waitFor();
  await shot(page, 'mobile');
  const box = await page.locator('dialog').boundingBox();
  assert.deepEqual([box.x, box.width, box.height], [0, 390, 844]);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 390));
});

test('a visitor who wants no motion gets none', async () => {
  const page = await start();
  const moving = await page.locator('neoron-call').evaluate((host) =>
    [...host.shadowRoot.querySelectorAll('*')].filter((element) => getComputedStyle(element).animationName !== 'none').length);
  assert.equal(moving, 0);
});
