// The popup without WebAssembly: a plain text conversation by requests alone, and the site's other contact. It has no
// voice, no cards and no live connection; it asks for the news every two seconds while it is open.
const WORDS = {
  en: {
    title: 'Write to us',
    note: 'You will be writing to a machine: an AI assistant, not a person. By sending you agree that your message is processed.',
    field: 'Your message', send: 'Send', close: 'Close', contact: 'Contact us another way', you: 'You', agent: 'Assistant',
    wrong: 'That did not work. Please try again, or use the other way to contact us.', over: 'The conversation has ended.',
    waits: 'All lines are busy. You are number {} in the queue; your message is sent when it is your turn.',
  },
  de: {
    title: 'Schreiben Sie uns',
    note: 'Sie schreiben mit einer Maschine: einem KI-Assistenten, keinem Menschen. Mit dem Senden stimmen Sie der Verarbeitung Ihrer Nachricht zu.',
    field: 'Ihre Nachricht', send: 'Senden', close: 'Schließen', contact: 'Anders Kontakt aufnehmen', you: 'Sie', agent: 'Assistent',
    wrong: 'Das hat nicht geklappt. Bitte versuchen Sie es noch einmal oder nehmen Sie anders Kontakt auf.', over: 'Das Gespräch ist beendet.',
    waits: 'Alle Leitungen sind belegt. Sie sind Nummer {} in der Warteschlange; Ihre Nachricht geht hinaus, sobald Sie an der Reihe sind.',
  },
  ar: {
    title: 'راسلنا',
    note: 'ستراسل آلة: مساعد ذكاء اصطناعي وليس إنسانًا. بالإرسال فإنك توافق على معالجة رسالتك.',
    field: 'رسالتك', send: 'إرسال', close: 'إغلاق', contact: 'تواصل معنا بطريقة أخرى', you: 'أنت', agent: 'المساعد',
    wrong: 'لم ينجح ذلك. حاول مرة أخرى أو تواصل معنا بطريقة أخرى.', over: 'انتهت المحادثة.',
    waits: 'جميع الخطوط مشغولة. رقمك في قائمة الانتظار {}، وتُرسَل رسالتك عند حلول دورك.',
  },
};
const CSS =
  'dialog{position:fixed;inset-block:auto 24px;inset-inline:auto 24px;width:380px;max-width:calc(100vw - 32px);max-height:calc(100vh - 48px);' +
  'padding:20px;border:1px solid #d6d6e2;border-radius:20px;font:15px/1.45 var(--neoron-font,system-ui,sans-serif);color:#1b1b29;background:#fff}' +
  'h2{margin:0 0 8px;font-size:18px}p{margin:0 0 12px}ul{list-style:none;margin:0 0 12px;padding:0;max-height:40vh;overflow:auto}li{margin:0 0 8px;overflow-wrap:anywhere}' +
  'label{display:block;font-weight:600}textarea{width:100%;box-sizing:border-box;min-height:76px;margin:4px 0 12px;padding:10px;font:inherit;border:1px solid #6c6c80;border-radius:12px}' +
  'button{min-height:44px;padding:0 20px;border:0;border-radius:12px;font:inherit;cursor:pointer;background:#ececf4;color:#1b1b29}' +
  '.send{background:var(--neoron-accent,#4338ca);color:var(--neoron-on-accent,#fff);margin-inline-end:8px}a{display:inline-block;padding:11px 0;color:#4338ca}';
const POLL_MS = 2000;
let dialog;

/** Opens the dialog; draws it at the first call. */
export function open(root, options) {
  dialog ??= draw(root, options);
  if (dialog.isConnected && !dialog.open) dialog.showModal();
}

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function draw(root, options) {
  const tag = options.language.slice(0, 2);
  const words = WORDS[tag] ?? WORDS.en;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(CSS);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  const box = element('dialog', '', { 'aria-labelledby': 'neoron-plain', dir: words === WORDS.ar ? 'rtl' : 'ltr' });
  const lines = element('ul', '', { 'aria-live': 'polite' });
  const form = element('form');
  const label = element('label', words.field);
  const field = element('textarea', '', { required: '', maxlength: '500' });
  const status = element('p', '', { role: 'status' });
  const close = element('button', words.close, { type: 'button' });
  label.append(field);
  const submit = element('button', words.send, { class: 'send' });
  form.append(label, status, submit, close);
  box.append(element('h2', words.title, { id: 'neoron-plain' }), element('p', words.note), lines, form);
  if (options.fallback) box.append(element('a', words.contact, { href: options.fallback }));
  close.addEventListener('click', () => box.close());
  const talk = conversation(options, (said, state) => {
    lines.replaceChildren(...said.map((line) => element('li', `${line.speaker === 'visitor' ? words.you : words.agent}: ${line.text}`)));
    lines.scrollTop = lines.scrollHeight;
    if (state) status.textContent = words.over;
  }, (ahead) => {
    status.textContent = words.waits.replace('{}', ahead + 1);
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    status.textContent = '';
    submit.disabled = true;
    try {
      await talk(field.value.trim());
      field.value = status.textContent = '';
    } catch {
      status.textContent = words.wrong;
    }
    submit.disabled = false;
  });
  root.append(box);
  return box;
}

async function ask(url, secret, body, proof) {
  const headers = { 'Content-Type': 'application/json', ...(secret && { Authorization: `Bearer ${secret}` }), ...(proof && { 'X-Neoron-Proof': proof }) };
  const request = body ? { method: 'POST', body: JSON.stringify(body) } : {};
  const answer = await fetch(url, { ...request, headers, cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw Object.assign(new Error(String(answer.status)), { refusal: await answer.json().catch(() => ({})) });
  return answer.json();
}

/** Returns a function that says something; `show` gets the lines after each change, `wait` the place in the queue. */
function conversation({ gateway, grant, business, language, prove }, show, wait) {
  let session;
  let count = 0;
  const follow = async (at) => {
    try {
      const { state, snapshot } = await ask(`${at.url}`, at.ticket);
      const over = ['completed', 'failed', 'abandoned'].includes(state);
      show(snapshot.transcript, over);
      if (over) session = undefined;
    } catch {
      // Asked again in two seconds.
    }
    if (session === at) setTimeout(follow, POLL_MS, at);
  };
  const begin = async () => {
    const permit = await ask(grant, '', { business, language });
    const consent = { kind: 'ai_call', at: Date.now(), version: '1' };
    const want = (proof) => ask(`${gateway}/v1/sessions`, permit.grant, { media: 'text', language, consent }, proof);
    let made = await want().catch(async (error) => {
      if (!error.refusal?.challenge) throw error;
      return want(await prove(error.refusal));
    });
    const ticket = made.waiting?.ticket;
    while (made.waiting) {
      const { id, ahead, ask_again_in: pause } = made.waiting;
      wait(ahead);
      await new Promise((done) => setTimeout(done, pause));
      made = await ask(`${gateway}/v1/waiting/${id}`, ticket, {});
    }
    return { url: `${gateway}/v1/sessions/${made.session}`, ticket: made.ticket };
  };
  return async (text) => {
    if (!text) return;
    const fresh = !session;
    session ??= await begin();
    count += 1;
    await ask(`${session.url}/messages`, session.ticket, { id: `f${Date.now()}-${count}`, text });
    if (fresh) follow(session);
  };
}
