// What a visitor sees when something does not work: plain words, a retry, another way to get in touch.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suite } from './suite.mjs';

const { open, start, mock, shot } = suite();

const launcher = (page) => page.locator('neoron-call button').first();

async function choose(page) {
  await launcher(page).click();
  await page.locator('[data-act=type]').click();
}

const REFUSALS = [
  ['grant', { status: 403, code: 'rest_forbidden' }, 'not available on this page'],
  ['grant', { status: 404, plain: true }, 'not available on this page'],
  ['grant', { status: 503, plain: true }, 'All lines are busy'],
  ['session', { status: 403, code: 'origin_refused' }, 'not available on this page'],
  ['session', { status: 429, code: 'budget_exhausted' }, 'used up its time for today'],
  ['session', { status: 503, code: 'no_room' }, 'All lines are busy'],
  ['session', { status: 503, code: 'voice_unavailable' }, 'cannot take a conversation'],
  ['session', { status: 500, code: 'internal' }, 'wrong on our side'],
];

for (const [at, refusal, words] of REFUSALS) {
  test(`a ${refusal.status} ${refusal.code ?? 'page'} at the ${at} is told in plain words with the other contact`, async () => {
    const page = await open();
    mock().refuse[at] = refusal;
    await choose(page);
    await page.locator('.trouble', { hasText: words }).waitFor();
    const link = page.getByRole('link', { name: 'Contact us another way' });
    assert.equal(await link.getAttribute('href'), '/contact');
    if (refusal.code === 'no_room') await shot(page, 'trouble');
  });
}

test('trying again works once the reason is gone', async () => {
  const page = await open();
  mock().refuse.session = { status: 503, code: 'no_room' };
  await choose(page);
  const retry = page.getByRole('button', { name: 'Try again' });
  await retry.waitFor();
  mock().refuse = {};
  await retry.click();
  await page.getByText('Welcome to Trattoria Ada').waitFor();
});

test('a grant that was used already is replaced once, unseen', async () => {
  const page = await open();
  mock().refuse.session = { status: 409, code: 'grant_reused' };
  await choose(page);
  await page.locator('.trouble').waitFor();
  assert.equal(mock().seen.filter((line) => line === 'POST /grant').length, 2);
});

test('a gateway that cannot be reached is told as such', async () => {
  const page = await open({ data: { gateway: 'http://127.0.0.1:9' }, expectErrors: true });
  await choose(page);
  await page.locator('.trouble', { hasText: 'cannot reach the service' }).waitFor();
});

test('a session that is gone while its socket is down ends instead of trying for ever', async () => {
  const page = await start();
  mock().down = true;
  mock().refuse.resume = { status: 410, code: 'session_over' };
  mock().cut();
  await page.getByRole('heading', { name: 'The conversation has ended' }).waitFor({ timeout: 30_000 });
  await page.getByText('broke off').waitFor();
});

test('an error screen that is left leads back to the choice', async () => {
  const page = await open();
  mock().refuse.grant = { status: 500, plain: true };
  await choose(page);
  await page.locator('.trouble').waitFor();
  await page.keyboard.press('Escape');
  await launcher(page).click();
  await page.getByText('an AI assistant, not a person').waitFor();
});

test('frames of another kind or shape change nothing', async () => {
  const page = await start();
  const base = { epoch: 'e1', offset: 0, at: 1 };
  for (const frame of [{ ...base, type: 'weather', data: {} }, { ...base, type: 'quote', data: { quote: 5 } }, { type: 7 }, [], 'x']) {
    mock().raw(frame);
  }
  mock().say(mock().last, 'z', 'Still here.');
  await page.getByText('Still here.').waitFor();
  assert.deepEqual(page.errors, []);
});

test('what an agent says is text and never markup', async () => {
  const page = await start();
  mock().say(mock().last, 'x', '<img src=x onerror="document.title=1"><b>bold</b>');
  await page.getByText('<b>bold</b>').waitFor();
  assert.equal(await page.locator('.log img, .log b').count(), 0);
});

test("without WebAssembly a plain form takes the popup's place and holds a conversation", async () => {
  const csp = "default-src 'self'; script-src 'self'; connect-src *; style-src 'self'";
  const page = await open({ headers: { 'Content-Security-Policy': csp }, expectErrors: true });
  await launcher(page).click();
  await page.getByRole('heading', { name: 'Write to us' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Contact us another way' }).getAttribute('href'), '/contact');
  assert.ok(!mock().seen.includes('POST /grant'));
  await page.getByRole('textbox').fill('Two pizzas please');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('You: Two pizzas please').waitFor();
  await page.getByText('Shall I place it?').waitFor();
  await shot(page, 'fallback');
});

test('the popup works under a strict style policy and Trusted Types', async () => {
  const csp = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src *; img-src data:; require-trusted-types-for 'script'";
  const page = await start({ headers: { 'Content-Security-Policy': csp } });
  assert.equal(await page.locator('.head').evaluate((head) => getComputedStyle(head).display), 'flex');
  await page.getByRole('textbox').fill('pizza');
  await page.keyboard.press('Enter');
  await page.locator('.quote').waitFor();
  assert.deepEqual(page.errors, []);
});
