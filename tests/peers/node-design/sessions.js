// Sessions as JSON in Redis, found by their id or by their call.
'use strict';

const { randomUUID } = require('node:crypto');

exports.SessionManager = class SessionManager {
  constructor({ redis, ultravox, erpnext, seconds }) {
    Object.assign(this, { redis, ultravox, erpnext, seconds });
  }

  async create({ businessType, customerName, language }) {
    const session = {
      id: `voice_${randomUUID()}`,
      businessType,
      customerName,
      language,
      status: 'initializing',
      createdAt: Date.now(),
      orders: {},
    };
    await this.write(session);
    const call = await this.ultravox.post('/api/calls', {
      systemPrompt: 'You answer the phone of a restaurant.',
      languageHint: language,
      metadata: { sid: session.id },
      selectedTools: [{ temporaryTool: { modelToolName: 'takeMessage', description: 'Take a message', http: {} } }],
    });
    Object.assign(session, { callId: call.callId, joinUrl: call.joinUrl, status: 'ready' });
    await Promise.all([this.write(session), this.redis.setex(`call:${call.callId}`, this.seconds, session.id)]);
    this.persist(session);
    return { sessionId: session.id, callId: session.callId, joinUrl: session.joinUrl };
  }

  // Nobody waits for it, and nobody tries again.
  persist(session) {
    const document = { session_id: session.id, ultravox_call_id: session.callId, status: 'Active' };
    this.erpnext.post('/api/resource/Voice%20Session', document).catch(() => {});
  }

  write(session) {
    return this.redis.setex(`session:${session.id}`, this.seconds, JSON.stringify(session));
  }

  async read(id) {
    const text = await this.redis.get(`session:${id}`);
    if (text === null) {
      throw new Error('no such session');
    }
    return JSON.parse(text);
  }

  async ofCall(call) {
    return this.read(await this.redis.get(`call:${call}`));
  }
};
