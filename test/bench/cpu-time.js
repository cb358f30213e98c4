// CPU time a request: the server's user and system time over the requests it served.
import { compareAnswers } from './like-with-like.js';
import { environmentOf, peers } from './peers.js';
import { freePort, spawnServer, untilListening } from './server-process.js';
import { workloads } from './workloads.js';

/**
 * Measures servers in alternation: all are started and warmed up, and then take turns, so that what
 * else the machine does hits all of them. A server's cost differs from one process to the next, by
 * what the compiler happened to do; so this is repeated with new processes.
 *
 * @param {{ launches: number, rounds: number, requests: number, warmUp: number, load: object,
 *   rate?: number, collectors?: Map<string, object> }} settings `rounds` are those of a launch,
 *   `requests` those of one server in one round. With a `rate`, requests are sent at that pace, as so
 *   many a second; without, the next one is sent when one is answered. `collectors` are those of the
 *   servers that trace: what these do until all is reported counts as time that the requests took.
 * @returns {Promise<{series: Map<string, object[]>, differences: string[]}>} By server, one
 *   `{cpu, rate, p50, p99, segments, requests}` a round: microseconds a request, requests a second,
 *   milliseconds; `segments` are those that its collector got.
 */
export async function measureCpuTime(keys, workloadName, settings) {
  const workload = workloads[workloadName];
  const { lengths, differences } = await compareAnswers(keys, workloadName, settings.collectors);
  const series = new Map(keys.map((key) => [key, []]));
  for (let launch = 0; launch < settings.launches; launch += 1) {
    const running = [];
    try {
      for (const key of keys) {
        const port = await freePort();
        const env = environmentOf(key, settings.collectors);
        const server = spawnServer(peers[key].start(workloadName, port), { probe: true, env });
        const target = { ...workload, port, responseLength: lengths.get(key) };
        running.push({ key, server, target });
        await untilListening(server, port);
      }
      await measureLaunch(running, settings, series);
    } finally {
      for (const { server } of running) await server.stop();
    }
  }
  return { series, differences };
}

async function measureLaunch(running, settings, series) {
  for (const entry of running) await warmUp(entry, settings);
  for (let round = 0; round < settings.rounds; round += 1) {
    // Every other round backwards, so that no server always runs after the same one.
    for (const entry of round % 2 === 0 ? running : running.toReversed()) {
      series.get(entry.key).push(await measureOnce(entry, settings));
    }
  }
}

// At most 1,000 calls a second are recorded by default: at this pace half of them are, and the compiler
// gets to know both.
const RECORDED_RATE = 2000;

async function warmUp({ key, target }, { collectors, load, warmUp: requests }) {
  await load.open(target);
  await (collectors?.has(key) ? load.pace(requests, RECORDED_RATE) : load.send(requests));
  await load.close();
}

// The connections are open before, and closed after what is measured.
async function measureOnce({ key, server, target }, settings) {
  const { collectors, load, requests, rate } = settings;
  const collector = collectors?.get(key);
  const used = async () => ({
    segments: await collector?.allReported(),
    ...(await server.usage()),
  });
  await load.open(target);
  const before = await used();
  const { seconds, p50, p99 } = await (rate === undefined
    ? load.send(requests)
    : load.pace(requests, rate));
  const after = await used();
  await load.close();
  const cpu = (after.cpu - before.cpu) / requests;
  const segments = after.segments - before.segments;
  return { cpu, rate: requests / seconds, p50, p99, segments, requests };
}
