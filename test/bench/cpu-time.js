// CPU time a request: the server's user and system time over the requests it served.
import { compareAnswers } from './like-with-like.js';
import { peers } from './peers.js';
import { freePort, spawnServer, untilListening } from './server-process.js';
import { workloads } from './workloads.js';

/**
 * Measures servers in alternation: all are started and warmed up, and then take turns, so that what
 * else the machine does hits all of them.
 *
 * @param {{ rounds: number, requests: number, warmUp: number, load: object }} settings `requests`
 *   are those of one server in one round.
 * @returns {Promise<{series: Map<string, object[]>, differences: string[]}>} By server, one
 *   `{cpu, rate, p50, p99}` a round: microseconds a request, requests a second, milliseconds.
 */
export async function measureCpuTime(keys, workloadName, settings) {
  const { request, answer } = workloads[workloadName];
  const { lengths, differences } = await compareAnswers(keys, { request, answer }, workloadName);
  const series = new Map(keys.map((key) => [key, []]));
  const running = [];
  try {
    for (const key of keys) {
      const port = await freePort();
      const server = spawnServer(peers[key].start(workloadName, port), { probe: true });
      running.push({ key, server, target: { port, request, responseLength: lengths.get(key) } });
      await untilListening(server, port);
    }
    for (const { target } of running) await warmUp(target, settings);
    for (let round = 0; round < settings.rounds; round += 1) {
      // Every other round backwards, so that no server always runs after the same one.
      for (const entry of round % 2 === 0 ? running : running.toReversed()) {
        series.get(entry.key).push(await measureOnce(entry, settings));
      }
    }
  } finally {
    for (const { server } of running) await server.stop();
  }
  return { series, differences };
}

async function warmUp(target, { load, warmUp: requests }) {
  await load.open(target);
  await load.send(requests);
  await load.close();
}

// The connections are open before, and closed after what is measured.
async function measureOnce({ server, target }, { load, requests }) {
  await load.open(target);
  const before = await server.usage();
  const { seconds, p50, p99 } = await load.send(requests);
  const after = await server.usage();
  await load.close();
  return { cpu: (after.cpu - before.cpu) / requests, rate: requests / seconds, p50, p99 };
}
