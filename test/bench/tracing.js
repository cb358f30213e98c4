// Servers that trace to SkyWalking beside the one that does not: each with a collector of its own, and
// with proof that it traces, since a server that failed to would look fast.
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { measureColdStart } from './cold-start.js';
import { startCollector } from './collector-process.js';
import { measureCpuTime } from './cpu-time.js';
import { exchange } from './exchange.js';
import { environmentOf, peers } from './peers.js';
import { freePort, spawnServer, untilListening } from './server-process.js';
import { workloads } from './workloads.js';

// Milliseconds that the first segment may take.
const PROVEN_WITHIN = 10_000;

/**
 * Measures CPU time, rate and latency of the server that does not trace, and of those that do. A round
 * lasts until its segments are reported, so that this is in what it cost.
 *
 * @returns {Promise<{series: Map<string, object[]>, differences: string[]}>} As of `measureCpuTime`.
 * @throws Error when a collector got nothing in a round.
 */
export async function measureTracing(keys, workloadName, settings) {
  return withCollectors(keys, workloadName, async (collectors) => {
    const measured = await measureCpuTime(['ours', ...keys], workloadName, {
      ...settings,
      collectors,
    });
    for (const key of keys) {
      if (measured.series.get(key).every(({ segments }) => segments > 0)) continue;
      throw new Error(`${peers[key].label}: the collector got nothing in a round`);
    }
    return measured;
  });
}

/** The same for cold starts: milliseconds by server, one a round. */
export async function measureTracingColdStart(key, workloadName, rounds) {
  return withCollectors([key], workloadName, (collectors) =>
    measureColdStart(['ours', key], workloadName, rounds, collectors),
  );
}

async function withCollectors(keys, workloadName, measure) {
  if (!existsSync(fileURLToPath(import.meta.resolve('@ofn/tracing')))) {
    throw new Error('@ofn/tracing is not built: run `pnpm build` first');
  }
  const collectors = new Map();
  try {
    for (const key of keys) {
      collectors.set(key, await startCollector());
      await assertTraces(key, workloadName, collectors);
    }
    return await measure(collectors);
  } finally {
    for (const collector of collectors.values()) collector.stop();
  }
}

// Core serves functions without tracing when it cannot be loaded.
async function assertTraces(key, workloadName, collectors) {
  const port = await freePort();
  const env = environmentOf(key, collectors);
  const server = spawnServer(peers[key].start(workloadName, port), { env });
  const deadline = performance.now() + PROVEN_WITHIN;
  try {
    await untilListening(server, port);
    await exchange(port, workloads[workloadName].request);
    while ((await collectors.get(key).segments()) === 0) {
      if (performance.now() > deadline) throw new Error(`${peers[key].label}: it does not trace`);
      await delay(10);
    }
  } finally {
    await server.stop();
  }
}
