// JSON over kept-alive connections.
'use strict';

const http = require('node:http');
const axios = require('axios');

exports.Upstream = class Upstream {
  constructor(baseURL, headers) {
    const httpAgent = new http.Agent({ keepAlive: true, maxSockets: 256 });
    this.client = axios.create({ baseURL, headers, httpAgent, proxy: false, timeout: 10_000 });
  }

  async post(path, body) {
    return (await this.client.post(path, body)).data;
  }
};
