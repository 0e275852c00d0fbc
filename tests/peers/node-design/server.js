// Two processes on one port. A process that ends is replaced.
'use strict';

const cluster = require('node:cluster');
const { config } = require('./config');

if (cluster.isPrimary) {
  if (config.adapter) {
    require('@socket.io/cluster-adapter').setupPrimary();
  }
  for (let number = 0; number < config.workers; number += 1) {
    cluster.fork();
  }
  let stopping = false;
  cluster.on('exit', () => {
    if (!stopping) {
      cluster.fork();
    }
  });
  const stop = () => {
    stopping = true;
    for (const worker of Object.values(cluster.workers)) {
      worker.process.kill('SIGKILL');
    }
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  // Ends with the benchmark, however that ends.
  process.stdin.on('end', stop).resume();
} else {
  require('./worker').start(config);
}
