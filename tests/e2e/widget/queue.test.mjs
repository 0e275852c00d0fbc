// The waiting room and the proof of work, in a real browser against the mock gateway.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suite } from './suite.mjs';

const { open, mock, shot } = suite();

async function choose(page) {
  await page.locator('neoron-call button').first().click();
  await page.locator('[data-act=type]').click();
}

async function queue(options) {
  const page = await open(options);
  mock().ahead = 2;
  await choose(page);
  await page.locator('p', { hasText: 'You are number 3 in the queue' }).waitFor();
  return page;
}

const grants = () => mock().seen.filter((line) => line === 'POST /grant').length;

test('who finds no room sees the place move up and gets in', async () => {
  const page = await queue();
  await shot(page, 'queue');
  const leave = page.getByRole('button', { name: 'Leave the queue' });
  assert.ok(await leave.evaluate((button) => button.getRootNode().activeElement === button), 'the keyboard is somewhere');
  mock().ahead = 0;
  await page.locator('p', { hasText: 'You are number 1 in the queue' }).waitFor();
  assert.ok(await leave.evaluate((button) => button.getRootNode().activeElement === button), 'and stays there');
  mock().ahead = undefined;
  await page.getByText('Welcome to Trattoria Ada').waitFor();
  assert.equal(grants(), 1, 'one grant for all of it');
  assert.equal(mock().last.request.media, 'text');
});

test('a reload keeps the place', async () => {
  const page = await queue();
  const [id] = [...mock().places.keys()];
  mock().ahead = 1;
  await page.reload();
  await page.locator('p', { hasText: 'You are number 2 in the queue' }).waitFor();
  assert.deepEqual([...mock().places.keys()], [id]);
  mock().ahead = undefined;
  await page.getByText('Welcome to Trattoria Ada').waitFor();
  assert.equal(grants(), 1);
});

test('who leaves the queue is gone from it and finds the choice again', async () => {
  const page = await queue();
  await page.getByRole('button', { name: 'Leave the queue' }).click();
  await page.locator('dialog').waitFor({ state: 'hidden' });
  for (let tries = 0; mock().places.size > 0 && tries < 100; tries += 1) await page.waitForTimeout(50);
  assert.equal(mock().places.size, 0);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await page.locator('neoron-call button').first().click();
  await page.getByText('an AI assistant, not a person').waitFor();
});

test('a place that was lost leads to the end of the queue', async () => {
  const page = await queue();
  mock().ahead = 5;
  mock().places.clear();
  await page.locator('p', { hasText: 'You are number 6 in the queue' }).waitFor();
  assert.equal(grants(), 2);
});

test('the queue speaks the language of the page', async () => {
  const page = await open({ lang: 'de' });
  mock().ahead = 0;
  await choose(page);
  await page.locator('p', { hasText: 'Sie sind Nummer 1 in der Warteschlange' }).waitFor();
  await page.getByRole('button', { name: 'Warteschlange verlassen' }).waitFor();
});

test('a proof of work is solved unseen, for the same grant', async () => {
  const page = await open();
  mock().strict = true;
  await choose(page);
  await page.getByText('Welcome to Trattoria Ada').waitFor();
  assert.equal(mock().solution.counter, 30_000);
  assert.equal(grants(), 1);
  assert.equal(mock().seen.filter((line) => line === 'POST /v1/sessions').length, 2);
  assert.ok(mock().seen.includes('GET /widget/proof.js'), 'loaded when it is needed');
});

test('the solver loads for nobody who is not asked', async () => {
  const page = await open();
  await choose(page);
  await page.getByText('Welcome to Trattoria Ada').waitFor();
  assert.ok(!mock().seen.includes('GET /widget/proof.js'));
});

test('the plain form proves and waits as well', async () => {
  const csp = "default-src 'self'; script-src 'self'; connect-src *; style-src 'self'";
  const page = await open({ headers: { 'Content-Security-Policy': csp }, expectErrors: true });
  mock().strict = true;
  mock().ahead = 0;
  await page.locator('neoron-call button').first().click();
  await page.getByRole('textbox').fill('Two pizzas please');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('p', { hasText: 'You are number 1 in the queue' }).waitFor();
  mock().ahead = undefined;
  await page.getByText('You: Two pizzas please').waitFor();
});
