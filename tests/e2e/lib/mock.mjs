// A site and a gateway that keep to the wire contract, for the popup's suite: grants, sessions, and a socket with resume
// by epoch and offset. Every refusal and every cut can be asked for. It never sleeps: time is the test's.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createHash, randomBytes } from 'node:crypto';
import { join, normalize } from 'node:path';
import { WebSocketServer } from 'ws';

const TYPES = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
const TOKEN = 'neoron.ticket.';

function listen(server) {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString() || '{}');
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}

/** One site with one gateway. */
export class Mock {
  /** Every request of either side, as `METHOD path`. */
  seen = [];
  /** What clients sent on sockets. */
  frames = [];
  sessions = new Map();
  sockets = new Set();
  /** Refuses handshakes while true. */
  down = false;
  /** `{status, code}` to refuse with, by what is asked. */
  refuse = {};
  headers = {};
  /** How many wait before a newcomer; `undefined` while there is room. */
  ahead = undefined;
  /** Who waits, by the id of the place. */
  places = new Map();
  /** Wants a proof of work while true. */
  strict = false;

  static async start(widget) {
    const mock = new Mock();
    mock.widget = widget;
    mock.site = createServer((request, response) => mock.#site(request, response));
    mock.gateway = createServer((request, response) => mock.#gateway(request, response));
    mock.wss = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('neoron.v1') ? 'neoron.v1' : false) });
    mock.gateway.on('upgrade', (request, socket, head) => mock.#upgrade(request, socket, head));
    mock.url = `http://127.0.0.1:${await listen(mock.site)}`;
    mock.gatewayUrl = `http://127.0.0.1:${await listen(mock.gateway)}`;
    return mock;
  }

  async stop() {
    for (const socket of this.sockets) socket.terminate();
    for (const server of [this.site, this.gateway]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** The address of a host page; `data` goes onto the script tag, `headers` onto the answer. */
  page({ data = {}, headers = {}, lang = 'en', dir = 'ltr', twice = false } = {}) {
    this.headers = headers;
    this.markup = { data, lang, dir, twice };
    return `${this.url}/page`;
  }

  async #site(request, response) {
    const path = request.url.split('?')[0];
    this.seen.push(`${request.method} ${path}`);
    if (path === '/page' || path === '/other') return this.#hostPage(response);
    if (path === '/grant') {
      await bodyOf(request).then((body) => (this.grantRequest = body));
      if (this.refuse.grant) return this.#problem(response, this.refuse.grant);
      return this.#json(response, 200, { grant: `head.${randomBytes(8).toString('hex')}.sig`, expires_in: 60 });
    }
    if (path.startsWith('/widget/')) return this.#file(response, path.slice('/widget/'.length));
    if (path === '/voice.js') {
      response.writeHead(200, { 'Content-Type': 'text/javascript' });
      return response.end(VOICE);
    }
    response.writeHead(404).end();
  }

  #hostPage(response) {
    const { data, lang, dir, twice } = this.markup;
    const settings = { gateway: this.gatewayUrl, grant: '/grant', business: 'restaurant', fallback: '/contact', ...data };
    const attributes = Object.entries(settings).filter(([, value]) => value !== null);
    const tag = `<script type="module" src="/widget/loader.js" ${attributes.map(([name, value]) => `data-${name}="${escape(String(value))}"`).join(' ')}></script>`;
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...this.headers });
    response.end(`<!doctype html><html lang="${lang}" dir="${dir}"><head><title>Trattoria Ada</title><meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><meta name="color-scheme" content="light dark"></head>
<body><main><h1>Trattoria Ada</h1><p>Wood-fired pizza since 1984. <a href="/other">Our story</a></p></main>${tag}${twice ? tag.replace('loader.js', 'loader.js?again') : ''}</body></html>`);
  }

  async #file(response, name) {
    const path = normalize(join(this.widget, name));
    if (!path.startsWith(this.widget)) return response.writeHead(403).end();
    try {
      const type = TYPES[path.slice(path.lastIndexOf('.'))] ?? 'application/octet-stream';
      const content = await readFile(path);
      response.writeHead(200, { 'Content-Type': type, 'Access-Control-Allow-Origin': '*' }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  }

  async #gateway(request, response) {
    this.seen.push(`${request.method} ${request.url}`);
    response.setHeader('Access-Control-Allow-Origin', this.url);
    response.setHeader('Vary', 'Origin');
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { 'Access-Control-Allow-Headers': 'Authorization, Content-Type, X-Neoron-Proof', 'Access-Control-Allow-Methods': 'GET, POST, DELETE' });
      return response.end();
    }
    const [, , kind, id, action] = request.url.split('/');
    const secret = request.headers.authorization?.replace('Bearer ', '');
    if (request.method === 'POST' && !id) {
      const body = await bodyOf(request);
      if (this.refuse.session) return this.#problem(response, this.refuse.session);
      if (this.strict && !this.#proved(request.headers['x-neoron-proof'])) return this.#challenge(response, secret);
      if (this.ahead !== undefined) return this.#join(response, body);
      return this.#created(response, body);
    }
    if (kind === 'waiting') return this.#waits(request, response, id, secret);
    const session = this.sessions.get(id);
    if (this.refuse.resume) return this.#problem(response, this.refuse.resume);
    if (!session || session.ticket !== secret) return this.#problem(response, { status: 401, code: 'ticket_invalid' });
    if (action === 'messages') {
      const { id: line, text } = await bodyOf(request);
      this.#said(session, line, text);
      return this.#json(response, 202, { accepted: true });
    }
    if (action === 'end') {
      this.end(session);
      return this.#json(response, 202, { state: 'ending' });
    }
    this.#json(response, 200, {
      session: id, state: session.state, media: 'text', epoch: session.epoch, last_offset: session.events.length, snapshot: this.#snapshot(session),
    });
  }

  #created(response, body) {
    const session = this.#create(body);
    this.#json(response, 201, {
      session: session.id, state: 'ready', media: body.media,
      join_url: body.media === 'voice' ? 'wss://voice.example/join' : null,
      events_url: `/v1/sessions/${session.id}/events`, ticket: session.ticket, max_seconds: 600, expires_at: Date.now() + 600_000,
    });
  }

  #place(response, id, ticket) {
    const { ahead } = this;
    this.#json(response, 202, { waiting: { id, ...(ticket && { ticket }), ahead, of: ahead + 1, ask_again_in: 500, patience: 30_000 } });
  }

  #join(response, body) {
    const id = `s_${randomBytes(13).toString('hex')}.pizza`;
    const ticket = randomBytes(32).toString('base64url');
    this.places.set(id, { ticket, body });
    this.#place(response, id, ticket);
  }

  #waits(request, response, id, secret) {
    const place = this.places.get(id);
    if (request.method === 'DELETE') {
      this.places.delete(id);
      return response.writeHead(204).end();
    }
    if (place?.ticket !== secret) return this.#problem(response, { status: 410, code: 'waiting_over' });
    if (this.ahead !== undefined) return this.#place(response, id);
    this.places.delete(id);
    this.#created(response, place.body);
  }

  /** A challenge of some 30,000 counts, tied to the grant as the gateway's are. */
  #challenge(response, grant) {
    const [salt, nonce] = [randomBytes(16), randomBytes(16)];
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(30_000);
    this.key = createHash('sha256').update(Buffer.concat([salt, nonce, counter])).digest('hex');
    const parameters = {
      algorithm: 'SHA-256', cost: 1, data: { grant }, expiresAt: Math.floor(Date.now() / 1000) + 120, keyLength: 32,
      keyPrefix: this.key.slice(0, 32), keySignature: '00', nonce: nonce.toString('hex'), salt: salt.toString('hex'),
    };
    this.challenge = { parameters, signature: randomBytes(32).toString('hex') };
    this.#problem(response, { status: 403, code: 'proof_of_work_required', challenge: this.challenge });
  }

  #proved(header) {
    if (!header || !this.challenge) return false;
    const { challenge, solution } = JSON.parse(Buffer.from(header, 'base64'));
    this.solution = solution;
    return JSON.stringify(challenge) === JSON.stringify(this.challenge) && solution.derivedKey === this.key;
  }

  #json(response, status, body) {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
  }

  #problem(response, { status, code, plain, ...more }) {
    if (plain) return response.writeHead(status, { 'Content-Type': 'text/html' }).end('<h1>no</h1>');
    response.writeHead(status, { 'Content-Type': 'application/problem+json' });
    response.end(JSON.stringify({ type: `urn:neoron:problem:${code}`, title: code, status, code, request_id: 'r_test', ...more }));
  }

  #create(body) {
    const id = `s_${randomBytes(13).toString('hex')}`;
    const session = { id, ticket: randomBytes(32).toString('base64url'), epoch: 'e1', events: [], state: 'active', request: body, kept: true };
    this.sessions.set(id, session);
    this.last = session;
    this.say(session, 'a1', 'Welcome to Trattoria Ada! What would you like?');
    return session;
  }

  #snapshot(session) {
    const newest = (type, key) => {
      const found = new Map();
      for (const event of session.events) if (event.type === type) found.set(event.data[key], event.data);
      return [...found.values()];
    };
    return {
      state: session.state, upto: session.events.length, transcript: newest('transcript', 'line'),
      quotes: newest('quote', 'quote').filter((quote) => quote.state === 'open'), documents: newest('document', 'card'),
    };
  }

  #upgrade(request, socket, head) {
    this.seen.push(`UPGRADE ${request.url}`);
    const id = request.url.split('/')[3];
    const session = this.sessions.get(id);
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim());
    const ticket = offered.find((word) => word.startsWith(TOKEN))?.slice(TOKEN.length);
    if (this.down || !session || ticket !== session.ticket) {
      return socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n');
    }
    this.wss.handleUpgrade(request, socket, head, (client) => {
      client.session = session;
      this.sockets.add(client);
      client.on('close', () => this.sockets.delete(client));
      client.on('message', (data) => this.#received(client, JSON.parse(data)));
    });
  }

  #received(client, frame) {
    this.frames.push(frame);
    const { session } = client;
    if (frame.type === 'resume') {
      const known = frame.epoch === session.epoch || (frame.epoch === '' && session.kept);
      if (known) {
        for (const event of session.events.slice(frame.epoch === '' ? 0 : frame.offset)) client.send(JSON.stringify(event));
      } else {
        client.send(JSON.stringify({ epoch: session.epoch, offset: 0, at: Date.now(), type: 'snapshot', data: this.#snapshot(session) }));
      }
      client.live = true;
    } else if (frame.type === 'text') {
      this.#said(session, frame.id, frame.text);
    } else if (frame.type === 'end') {
      this.end(session);
    }
  }

  /** Writes an event and sends it to every live socket of the session. */
  push(type, data, session = this.last) {
    const event = { epoch: session.epoch, offset: session.events.length + 1, at: Date.now(), type, data };
    session.events.push(event);
    this.raw(event, session);
  }

  /** Sends a frame that is no event of the stream. */
  raw(frame, session = this.last) {
    for (const client of this.sockets) if (client.session === session && client.live) client.send(JSON.stringify(frame));
  }

  goingAway(millis) {
    this.raw({ epoch: this.last.epoch, offset: 0, at: Date.now(), type: 'going_away', data: { reconnect_in: millis } });
  }

  /** Cuts every socket as a lost network does. */
  cut() {
    for (const client of this.sockets) client.terminate();
  }

  say(session, line, text) {
    const half = text.slice(0, text.length / 2);
    this.push('transcript', { line, speaker: 'agent', text: half, final: false }, session);
    this.push('transcript', { line, speaker: 'agent', text, final: true }, session);
  }

  end(session = this.last) {
    session.state = 'completed';
    this.push('session', { state: 'ending' }, session);
    this.push('session', { state: 'completed' }, session);
  }

  /** The agent: what a visitor of the tests says, and what follows. A repeated id is one message. */
  #said(session, line, text) {
    if (session.events.some((event) => event.data.line === line)) return;
    this.push('transcript', { line, speaker: 'visitor', text, final: true }, session);
    const money = (minor) => ({ minor, currency: 'GBP' });
    const quote = (revision, colas, state) => ({
      quote: 'q_1', revision, title: 'Your order', state,
      lines: [
        { label: 'Pizza Margherita', quantity: 2, amount: money(1900) },
        { label: 'Cola 0.33 l', quantity: colas, amount: money(250 * colas) },
      ],
      total: money(1900 + 250 * colas), expires_at: Date.now() + 600_000,
    });
    const said = text.toLowerCase();
    if (this.silent) return;
    if (said.includes('pizza') || said.includes('two')) {
      const change = said.includes('two') && !said.includes('pizza');
      this.push('tool', { tool: 'placeOrder', phase: 'started' }, session);
      session.quote = quote(change ? 2 : 1, change ? 2 : 1, 'open');
      this.push('quote', session.quote, session);
      this.push('tool', { tool: 'placeOrder', phase: 'done' }, session);
      this.say(session, `a${session.events.length}`, `Two margherita and ${change ? 'two colas' : 'a cola'} for pickup. Shall I place it?`);
    } else if (said.startsWith('yes')) {
      this.push('quote', { ...session.quote, state: 'confirmed' }, session);
      this.document('received', 'Pending', session);
      this.say(session, `a${session.events.length}`, 'It is placed. Your number is VO-0001.');
    } else {
      this.say(session, `a${session.events.length}`, `You said: ${text}`);
    }
  }

  document(stage, status, session = this.last) {
    this.push('document', {
      card: 'q_1', title: 'Your order', number: 'VO-0001', status, stage,
      lines: session.quote?.lines ?? [], total: session.quote?.total, estimated_minutes: 25,
    }, session);
  }
}

const VOICE = `
export default {
  async ask() { if (globalThis.refuseMicrophone) throw new DOMException('no', 'NotAllowedError'); },
  async join(url, report) { globalThis.voice = { url, report, muted: false }; report('listening'); },
  mute(on) { globalThis.voice.muted = on; },
  leave() { if (globalThis.voice) globalThis.voice.left = true; },
};
`;
