// Cold start: from spawning the process to the first 200.
import { exchange } from './exchange.js';
import { environmentOf, peers } from './peers.js';
import { freePort, spawnServer, untilListening } from './server-process.js';
import { workloads } from './workloads.js';

/**
 * Measures servers in alternation; resolves to milliseconds by server, one a round.
 *
 * @param {Map<string, object>} [collectors] Those of the servers that trace.
 */
export async function measureColdStart(keys, workloadName, rounds, collectors) {
  const series = new Map(keys.map((key) => [key, []]));
  // One start of each that does not count fills the caches of the file system.
  for (let round = -1; round < rounds; round += 1) {
    for (const key of round % 2 === 0 ? keys : keys.toReversed()) {
      const milliseconds = await startOnce(key, workloadName, collectors);
      if (round >= 0) series.get(key).push(milliseconds);
    }
  }
  return series;
}

async function startOnce(key, workloadName, collectors) {
  const port = await freePort();
  const args = peers[key].start(workloadName, port);
  const env = environmentOf(key, collectors);
  const begin = performance.now();
  const server = spawnServer(args, { env });
  try {
    await untilListening(server, port);
    const { status } = await exchange(port, workloads[workloadName].request);
    if (status !== '200') throw new Error(`${peers[key].label} answered ${status}`);
    return performance.now() - begin;
  } finally {
    await server.stop();
  }
}
