// What a visitor does with the popup, in a real browser against the mock gateway.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suite } from './suite.mjs';

const { open, start, mock, shot } = suite();

const bubbles = (page) => page.locator('.line.agent p, .line.visitor p').allTextContents();

async function order(page) {
  await page.getByRole('textbox').fill('Two margherita pizzas and a cola for pickup, name Ada');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.locator('.quote').waitFor();
}

test('nothing is contacted before the click', async () => {
  const page = await open();
  await page.getByRole('button', { name: 'Talk to us' }).waitFor();
  assert.deepEqual(mock().seen, ['GET /page', 'GET /widget/loader.js']);
});

test('a click shows the disclosure and contacts no gateway before consent', async () => {
  const page = await open();
  await page.getByRole('button', { name: 'Talk to us' }).click();
  await page.getByText('an AI assistant, not a person').waitFor();
  assert.ok(await page.locator('dialog').evaluate((dialog) => dialog.open));
  assert.ok(!mock().seen.some((line) => line.includes('/grant') || line.includes('/v1/')));
  assert.equal(await page.getByRole('button', { name: 'Talk Uses' }).count(), 0, 'no voice module, no voice button');
  await shot(page, 'choice');
});

test('consent is sent with the session, with the page but without its query', async () => {
  await start({ query: '?phone=1' });
  const { consent, media, language, page } = mock().last.request;
  assert.equal(media, 'text');
  assert.equal(language, 'en');
  assert.deepEqual([consent.kind, consent.version], ['ai_call', '1']);
  assert.ok(Math.abs(consent.at - Date.now()) < 60_000);
  assert.equal(page, `${mock().url}/page`);
  assert.deepEqual(mock().grantRequest, { business: 'restaurant', language: 'en' });
});

test('an order goes from a sentence over a quote and a yes to a ready card', async () => {
  const page = await start();
  await order(page);
  assert.match(await page.locator('.quote .total').innerText(), /£21\.50/);
  await shot(page, 'quote');
  await page.getByRole('button', { name: 'Change something' }).click();
  assert.equal(await page.evaluate(() => document.querySelector('neoron-call').shadowRoot.activeElement.tagName), 'INPUT');
  await page.keyboard.type('change the cola to two');
  await page.keyboard.press('Enter');
  await page.getByText('£24.00').waitFor();
  assert.equal(await page.locator('.quote').count(), 1, 'an amended quote is the same card');
  await page.getByRole('button', { name: 'Yes, place it' }).click();
  const card = page.locator('.document');
  await card.waitFor();
  assert.equal(await page.locator('.quote').count(), 0, 'the document takes the place of its quote');
  await card.getByText('VO-0001').waitFor();
  await card.getByText('Ready in about 25 min').waitFor();
  mock().document('working', 'Preparing');
  await card.getByText('Preparing').waitFor();
  await shot(page, 'document');
  mock().document('ready', 'Ready');
  await card.locator('.badge', { hasText: 'Ready' }).waitFor();
  assert.equal(await card.locator('.steps .done').count(), 3);
  assert.equal(await card.getByText('Ready in about').count(), 0);
  await page.getByRole('button', { name: 'End conversation' }).click();
  await page.getByRole('heading', { name: 'The conversation has ended' }).waitFor();
  await shot(page, 'ended');
  mock().document('done', 'Completed');
  await card.getByText('Completed').waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
});

test('what the visitor types is shown at once and marked until the gateway has it', async () => {
  const page = await start();
  mock().cut();
  mock().down = true;
  await page.locator('.pill', { hasText: 'Reconnecting…' }).waitFor();
  await page.getByRole('textbox').fill('hello there');
  await page.keyboard.press('Enter');
  await page.getByText('Sending…').waitFor();
  await shot(page, 'offline');
  mock().down = false;
  await page.getByText('You said: hello there').waitFor({ timeout: 30_000 });
  assert.equal(await page.getByText('Sending…').count(), 0);
  assert.equal(mock().last.events.filter((event) => event.data.text === 'hello there').length, 1);
});

test('a cut socket resumes without loss and without repeats', async () => {
  const page = await start();
  await order(page);
  const before = await bubbles(page);
  mock().cut();
  mock().say(mock().last, 'late', 'Are you still there?');
  await page.getByText('Are you still there?').waitFor({ timeout: 30_000 });
  assert.deepEqual(await bubbles(page), [...before, 'Are you still there?']);
  const resumes = mock().frames.filter((frame) => frame.type === 'resume');
  assert.deepEqual(resumes[0], { type: 'resume', epoch: '', offset: 0 });
  assert.equal(resumes.at(-1).epoch, 'e1');
  assert.ok(resumes.at(-1).offset > 0);
});

test('a new epoch replaces the window by one snapshot', async () => {
  const page = await start();
  await order(page);
  mock().last.epoch = 'e2';
  mock().last.events = mock().last.events.map((event, at) => ({ ...event, epoch: 'e2', offset: at + 1 }));
  const before = await bubbles(page);
  mock().cut();
  await page.locator('.pill', { hasText: 'Back online' }).waitFor({ timeout: 30_000 });
  mock().say(mock().last, 'after', 'We have moved.');
  await page.getByText('We have moved.').waitFor();
  assert.deepEqual(await bubbles(page), [...before, 'We have moved.']);
});

test('going_away reconnects at the named moment and says so', async () => {
  const page = await start();
  mock().goingAway(300);
  await page.getByText('Switching over…').waitFor();
  await page.locator('.pill', { hasText: 'Back online' }).waitFor({ timeout: 30_000 });
  assert.equal(mock().seen.filter((line) => line.startsWith('UPGRADE')).length, 2);
});

test('a reload and a change of page go on with the same conversation', async () => {
  const page = await start();
  await order(page);
  const before = await bubbles(page);
  for (const go of [() => page.reload(), () => page.goto(`${mock().url}/other`)]) {
    await go();
    await page.locator('.quote').waitFor();
    await page.getByText('Connected').waitFor();
    assert.deepEqual(await bubbles(page), before);
  }
  assert.equal(mock().sessions.size, 1);
  await page.getByRole('button', { name: 'Yes, place it' }).click();
  await page.locator('.document').waitFor();
});

test('a ticket that opens nothing any more is forgotten quietly', async () => {
  const page = await start();
  mock().sessions.clear();
  await page.reload();
  await page.waitForFunction(() => sessionStorage.length === 0);
  assert.ok(!(await page.locator('dialog').evaluate((dialog) => dialog.open)));
});

test('a minimised conversation goes on and the launcher brings it back', async () => {
  const page = await start();
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'hidden' });
  mock().say(mock().last, 'b', 'Anything else?');
  await page.getByRole('button', { name: 'Talk to us' }).click();
  await page.getByText('Anything else?').waitFor();
  assert.equal(mock().sessions.size, 1);
});

test('sound reads the final lines of the agent and no partial ones', async () => {
  const page = await start({
    before: (fresh) => fresh.addInitScript(() => {
      globalThis.spoken = [];
      speechSynthesis.speak = (line) => globalThis.spoken.push(line.text);
    }),
  });
  await page.getByRole('button', { name: 'Read answers aloud' }).click();
  mock().say(mock().last, 'c', 'Spoken once.');
  await page.getByText('Spoken once.').waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.spoken), ['Spoken once.']);
});

test('the page hears what happens by events without personal data', async () => {
  const page = await start({
    before: (fresh) => fresh.addInitScript(() => {
      globalThis.heard = [];
      for (const name of ['open', 'consent', 'start', 'quote', 'document', 'end']) {
        addEventListener(`neoron:${name}`, (event) => globalThis.heard.push([name, event.detail]));
      }
    }),
  });
  await order(page);
  const heard = await page.evaluate(() => globalThis.heard);
  assert.deepEqual(heard, [['open', null], ['consent', null], ['start', null], ['quote', null]]);
});

test('the loader injected twice and run late draws one launcher', async () => {
  const page = await open({ twice: true });
  await page.evaluate(() => import('/widget/loader.js?late'));
  await page.getByRole('button', { name: 'Talk to us' }).waitFor();
  assert.equal(await page.locator('neoron-call').count(), 1);
});

test('a page that leaves closes the socket and not the conversation', async () => {
  const page = await start();
  await page.goto('about:blank');
  for (let tries = 0; tries < 100 && mock().sockets.size; tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(mock().sockets.size, 0);
  assert.equal(mock().last.state, 'active');
});

test('the voice module is asked for the microphone before there is a session', async () => {
  const page = await open({ data: { voice: '/voice.js' } });
  await page.getByRole('button', { name: 'Talk to us' }).click();
  await shot(page, 'choice-voice');
  assert.ok(!mock().seen.includes('GET /voice.js'), 'not loaded before consent');
  await page.getByRole('button', { name: 'Talk Uses' }).click();
  await page.getByText('Listening').waitFor();
  assert.equal(mock().last.request.media, 'voice');
  assert.equal(await page.evaluate(() => globalThis.voice.url), 'wss://voice.example/join');
  await page.getByRole('button', { name: 'Mute microphone', exact: true }).click();
  await page.getByText('Microphone muted').waitFor();
  mock().cut();
  mock().down = true;
  await page.locator('.warning', { hasText: 'You can talk, but this window' }).waitFor();
  await page.evaluate(() => globalThis.voice.report('speaking'));
  await page.locator('.warning', { hasText: 'You can talk, but this window' }).waitFor();
  await shot(page, 'voice-offline');
});

test('a refused microphone goes on in text and says why', async () => {
  const page = await open({ data: { voice: '/voice.js' } });
  await page.evaluate(() => { globalThis.refuseMicrophone = true; });
  await page.getByRole('button', { name: 'Talk to us' }).click();
  await page.getByRole('button', { name: 'Talk Uses' }).click();
  await page.locator('.log').getByText('The microphone is not allowed').waitFor();
  await page.getByText('Welcome to Trattoria Ada').waitFor();
  assert.equal(mock().last.request.media, 'text');
});

test('a microphone that the site forbids has its own words', async () => {
  const page = await open({ data: { voice: '/voice.js' }, headers: { 'Permissions-Policy': 'microphone=()' } });
  await page.getByRole('button', { name: 'Talk to us' }).click();
  await page.getByRole('button', { name: 'Talk Uses' }).click();
  await page.locator('.log').getByText('This website has switched the microphone off').waitFor();
});

test('a voice path that breaks goes on in text in the same session', async () => {
  const page = await open({ data: { voice: '/voice.js' } });
  await page.getByRole('button', { name: 'Talk to us' }).click();
  await page.getByRole('button', { name: 'Talk Uses' }).click();
  await page.getByText('Listening').waitFor();
  await page.evaluate(() => globalThis.voice.report('lost'));
  await page.locator('.log').getByText('Voice is not available').waitFor();
  assert.equal(mock().sessions.size, 1);
  assert.ok(await page.evaluate(() => globalThis.voice.left));
});
