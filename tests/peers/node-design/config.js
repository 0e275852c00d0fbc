'use strict';

const { env } = process;

exports.config = {
  port: Number(env.PORT ?? 3001),
  redisPort: Number(env.REDIS_PORT ?? 6379),
  ultravoxUrl: env.ULTRAVOX_URL,
  erpnextUrl: env.ERPNEXT_URL,
  erpnextToken: env.ERPNEXT_TOKEN ?? 'key:secret',
  workers: Number(env.WORKERS ?? 2),
  adapter: env.ADAPTER === 'cluster',
  sessionSeconds: 3600,
};
