// The load generator, a process of its own: requests over kept-alive connections, one at a time on
// each. Every response of a server has the same length, so counting bytes tells where one ends; a
// client that parsed HTTP would use as much CPU as the server, and leave it idle.
import { connect } from 'node:net';

const OK = Buffer.from('HTTP/1.1 200');

let clients = [];

const commands = {
  /** Opens the connections, with one answered request on each. */
  async open({ connections, ...target }) {
    clients = Array.from({ length: connections }, () => createClient(target));
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
    const seconds = (performance.now() - begin) / 1000;
    latencies.sort();
    return { seconds, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
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

function createClient({ port, request, responseLength }) {
  const bytes = Buffer.from(request, 'latin1');
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let received = 0;
  let sentAt = 0;
  let waiting;

  socket.on('data', (chunk) => {
    if (received === 0 && !chunk.subarray(0, OK.length).equals(OK)) {
      waiting.reject(new Error(`not a 200: ${chunk.toString('latin1')}`));
      return;
    }
    received += chunk.length;
    if (received < responseLength) return;
    if (received === responseLength) waiting.resolve(performance.now() - sentAt);
    else waiting.reject(new Error(`a response longer than ${responseLength} bytes`));
  });
  socket.on('error', (error) => waiting.reject(error));
  socket.on('end', () => waiting.reject(new Error('the server closed a connection')));

  return {
    /** Resolves to the latency in milliseconds. */
    request() {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        received = 0;
        sentAt = performance.now();
        socket.write(bytes);
      });
    },
    close: () => socket.destroy(),
  };
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
