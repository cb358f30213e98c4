// Memory: what stays resident after many requests, and whether the heap grows with them.
import { exchange } from './exchange.js';
import { peers } from './peers.js';
import { freePort, spawnServer, untilListening } from './server-process.js';
import { workloads } from './workloads.js';

/** Resident bytes after so many requests, in alternation; by server, one a round. */
export async function measureResident(keys, workloadName, { rounds, requests, load }) {
  const series = new Map(keys.map((key) => [key, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const key of round % 2 === 0 ? keys : keys.toReversed()) {
      const { rss } = await withServer(key, workloadName, [], async (server, target) => {
        await load.open(target);
        await load.send(requests);
        await load.close();
        return server.usage();
      });
      series.get(key).push(rss);
    }
  }
  return series;
}

/**
 * Bytes of the heap after garbage collection: once warm, then after each of ten parts.
 *
 * @returns {Promise<number[]>} Eleven values.
 */
export function measureHeap(key, workloadName, { requests, load }) {
  return withServer(key, workloadName, ['--expose-gc'], async (server, target) => {
    const part = Math.ceil(requests / 10);
    await load.open(target);
    await load.send(part);
    const samples = [(await server.usage({ collect: true })).heapUsed];
    for (let index = 0; index < 10; index += 1) {
      await load.send(part);
      samples.push((await server.usage({ collect: true })).heapUsed);
    }
    await load.close();
    return samples;
  });
}

async function withServer(key, workloadName, nodeOptions, measure) {
  const port = await freePort();
  const args = peers[key].start(workloadName, port);
  const server = spawnServer(args, { probe: true, nodeOptions });
  try {
    await untilListening(server, port);
    const { request } = workloads[workloadName];
    const { length } = await exchange(port, request);
    return await measure(server, { port, request, responseLength: length });
  } finally {
    await server.stop();
  }
}
