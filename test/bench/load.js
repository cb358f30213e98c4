// The load generator, a process of its own: requests over kept-alive connections, one at a time on
// each, or calls over one session of HTTP/2. It sends the next one when one is answered, or at a pace.
import { connectGrpc } from './grpc-client.js';
import { connectHttp } from './http-client.js';

let clients = [];

const commands = {
  /** Opens the connections, with one answered request on each. */
  async open({ connections, ...target }) {
    clients = openClients(connections, target);
    await Promise.all(clients.map((client) => client.request()));
  },

  /** Sends so many requests; milliseconds of latency, seconds in all. */
  async send({ requests }) {
    const latencies = new Float64Array(requests);
    let started = 0;
    let finished = 0;
    const begin = performance.now();
    await Promise.all(
      clients.map(async (client) => {
        while (started < requests) {
          started += 1;
          const latency = await client.request();
          latencies[finished] = latency;
          finished += 1;
        }
      }),
    );
    return summarize(latencies, begin);
  },

  /** Sends so many requests, so many a second, whether or not those before are answered. */
  async pace({ requests, rate }) {
    const latencies = new Float64Array(requests);
    const idle = [...clients];
    // When each request that has no connection yet was due.
    const due = [];
    let started = 0;
    let finished = 0;
    const begin = performance.now();
    await new Promise((resolve, reject) => {
      const send = async () => {
        // In turns: a server closes a connection that is idle for some seconds.
        const client = idle.shift();
        const waited = performance.now() - due.shift();
        latencies[finished] = waited + (await client.request());
        finished += 1;
        idle.push(client);
        if (due.length > 0) send().catch(reject);
        else if (finished === requests) resolve();
      };
      const tick = () => {
        const elapsed = performance.now() - begin;
        const target = Math.min(requests, Math.floor((elapsed * rate) / 1000));
        for (; started < target; started += 1) {
          // Timers are late, and differently each time: what the generator adds is left out, what a
          // request waits for a connection is not.
          due.push(performance.now());
          if (idle.length > 0) send().catch(reject);
        }
        if (started < requests) setTimeout(tick, 1);
      };
      tick();
    });
    return summarize(latencies, begin);
  },

  async close() {
    for (const client of clients) client.close();
    clients = [];
  },
};

process.on('message', ({ command, ...parameters }) => {
  commands[command](parameters).then(
    (result) => process.send({ result }),
    (error) => process.send({ error: error.message }),
  );
});

function openClients(connections, { protocol, ...target }) {
  if (protocol !== 'grpc') return Array.from({ length: connections }, () => connectHttp(target));
  // As a sidecar does: one session, on which so many calls are in flight.
  return Array.from({ length: connections }).fill(connectGrpc(target));
}

function summarize(latencies, begin) {
  const seconds = (performance.now() - begin) / 1000;
  latencies.sort();
  return { seconds, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
