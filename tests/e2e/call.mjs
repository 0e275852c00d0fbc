// One visitor's whole call against the real gateway of the demo: from the click to an order that is ready.
//
// NEORON_DEMO_URL          the demo site's page
// NEORON_ERPNEXT_CONTROL   the ERPNext simulator's control address
// NEORON_SCREENSHOT        where to write a picture of the popup in use (optional)
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch } from './lib/browser.mjs';

const { NEORON_DEMO_URL: demo, NEORON_ERPNEXT_CONTROL: erpnext, NEORON_SCREENSHOT: picture } = process.env;
const ORDER = 'Voice Restaurant Order';
// Generous: two cores may be compiling beside us.
const PATIENCE = 60_000;

let browser;
before(async () => {
  assert.ok(demo && erpnext, 'NEORON_DEMO_URL and NEORON_ERPNEXT_CONTROL must be set');
  browser = await launch();
});
after(() => browser?.close());

async function orders() {
  const answer = await fetch(`${erpnext}/_control/documents?doctype=${encodeURIComponent(ORDER)}`);
  assert.equal(answer.status, 200);
  const body = await answer.json();
  return Array.isArray(body) ? body : (body.documents ?? body.data ?? body.message);
}

async function setStatus(name, status) {
  const answer = await fetch(`${erpnext}/_control/documents/status`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ doctype: ORDER, name, status }),
  });
  assert.ok(answer.ok, `the simulator answered ${answer.status}`);
}

test('a visitor orders, changes, confirms and sees the order become ready', { timeout: 240_000 }, async (t) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const known = new Set((await orders()).map((order) => order.name));

  const say = async (text) => {
    await page.getByRole('textbox').fill(text);
    await page.keyboard.press('Enter');
    // The gateway has it once the line is no longer marked as being sent.
    await page.locator('.line.visitor', { hasText: text }).last().waitFor();
  };

  await page.goto(demo);
  await page.locator('neoron-call button').first().click();
  await page.locator('[data-act=type]').click();
  await page.locator('[data-indicator=signalling][data-mood=good]').waitFor();

  await say('two margherita pizzas and a cola for pickup, name Ada');
  const quote = page.locator('.quote');
  await quote.waitFor();
  await quote.locator('li', { hasText: /margherita/i }).filter({ hasText: '2×' }).waitFor();
  const first = await quote.locator('.total .amount').innerText();

  await say('change the cola to two');
  await quote.locator('li', { hasText: /cola/i }).filter({ hasText: '2×' }).waitFor();
  assert.notEqual(await quote.locator('.total .amount').innerText(), first, 'a cola more costs more');
  assert.deepEqual((await orders()).filter((order) => !known.has(order.name)), [], 'nothing is ordered before the yes');

  await say('yes');
  const card = page.locator('.document');
  await card.waitFor();
  await card.locator('.number').waitFor();
  const placed = (await orders()).filter((order) => !known.has(order.name));
  assert.equal(placed.length, 1, 'one order, once');

  await setStatus(placed[0].name, 'Preparing');
  await card.locator('.badge', { hasText: 'Preparing' }).waitFor();
  if (picture) {
    // Let the last line and its animation settle.
    await page.locator('.dots').waitFor({ state: 'hidden' });
    await page.waitForTimeout(600);
    await page.screenshot({ path: picture });
  }
  await setStatus(placed[0].name, 'Ready');
  await card.locator('.badge', { hasText: 'Ready' }).waitFor();

  await page.locator('[data-act=hangup]').click();
  await page.locator('.over').waitFor();
});
