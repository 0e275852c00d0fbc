// One process: HTTP routes, sockets, and the clients for Redis, Ultravox and ERPNext.
'use strict';

const http = require('node:http');
const express = require('express');
const Redis = require('ioredis');
const { Server } = require('socket.io');
const { SessionManager } = require('./sessions');
const { Upstream } = require('./upstream');

exports.start = (config) => {
  const redis = new Redis({ port: config.redisPort, host: '127.0.0.1' });
  const ultravox = new Upstream(config.ultravoxUrl, { 'X-API-Key': 'bench' });
  const erpnext = new Upstream(config.erpnextUrl, { Authorization: `token ${config.erpnextToken}` });

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(express.json({ limit: '256kb' }));
  const server = http.createServer(app);
  // The default of 5 s would close connections between two rounds.
  server.keepAliveTimeout = 120_000;

  const io = new Server(server, { transports: ['websocket'], serveClient: false });
  if (config.adapter) {
    io.adapter(require('@socket.io/cluster-adapter').createAdapter());
  }
  io.on('connection', (socket) => {
    socket.on('join', (session) => {
      socket.join(String(session));
      socket.emit('joined');
    });
  });

  const sessions = new SessionManager({ redis, ultravox, erpnext, seconds: config.sessionSeconds });
  const route = (work) => async (request, response) => {
    try {
      response.json(await work(request.body));
    } catch (error) {
      response.status(500).json({ error: error.message });
    }
  };

  app.post('/sessions', route((body) => sessions.create(body)));

  app.post('/webhook/order-update', route(async (update) => {
    const session = await sessions.read(update.session_id);
    session.orders = { ...session.orders, [update.name]: update.status };
    await sessions.write(session);
    io.to(session.id).emit('order_update', { ...update, at: Date.now() });
    return { success: true };
  }));

  app.post('/webhook/ultravox', route(async ({ type, callId, data }) => {
    const session = await sessions.ofCall(callId);
    let result = null;
    if (type === 'tool_called') {
      result = await erpnext.post(`/api/method/business_workflows.api.customer_logic.take_message`, {
        ...data.parameters,
        session_id: session.id,
      });
      session.lastToolCall = { tool: data.toolName, parameters: data.parameters, result, timestamp: Date.now() };
      await sessions.write(session);
      io.to(session.id).emit('tool_executed', { tool: data.toolName, result, at: Date.now() });
    }
    return { success: true, result };
  }));

  app.get('/health', (_request, response) => response.json({ ok: true }));

  redis.once('ready', () => server.listen(config.port, '127.0.0.1', 1024));
};
