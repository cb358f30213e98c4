// Bursts of mixed traffic to a function that scales from zero and back, with instances ended while they
// serve: what the adapter keeps from failing, and what fails without it.
import { expect, test } from 'vitest';
import { HOST, startCluster } from './cluster.ts';
import { sendTraffic, type Tally } from './traffic.ts';

const CYCLES = 3;

interface Burst {
  readonly requests: number;
  readonly kinds?: readonly ('GET' | 'POST' | 'events' | 'socket')[];
  /** Default: three. */
  readonly cycles?: number;
  /** How often an instance is ended in a cycle. Default: twice. */
  readonly ends?: number;
}

/** One burst a cycle; instances are ended in each. Resolves when all cycles are back at zero. */
async function runCycles(
  cluster: Awaited<ReturnType<typeof startCluster>>,
  { cycles = CYCLES, ends = 2, kinds, requests }: Burst,
): Promise<{ tallies: Tally[]; most: number[] }> {
  const tallies: Tally[] = [];
  const most: number[] = [];
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    const tally = await sendTraffic({
      port: cluster.port,
      host: HOST,
      requests,
      concurrency: 64,
      ...(kinds === undefined ? {} : { kinds }),
      onReply(replies) {
        if (replies % Math.floor(requests / (ends + 1)) === 0) cluster.terminateOne();
      },
    });
    tallies.push(tally);
    await cluster.atZero();
    most.push(cluster.mostReady());
  }
  return { tallies, most };
}

test('none of 20,000 mixed requests fails over three cycles from zero and back, with instances ended under load', async () => {
  const cluster = await startCluster('framework');
  const requests = 6667;
  const { most, tallies } = await runCycles(cluster, { requests });
  expect(tallies).toEqual(Array.from({ length: CYCLES }, () => ({ ok: requests, failed: {} })));
  for (const ready of most) expect(ready).toBeGreaterThan(1);
  expect(cluster.terminated()).toBeGreaterThanOrEqual(CYCLES);
});

test('nor does one through the interceptor of add-on 0.5, which has no WebSockets', async () => {
  const cluster = await startCluster('framework', {
    // Its 500 ms are for a machine that has nothing else to do.
    interceptor: { profile: 'v0.5', settings: { responseHeaderTimeout: 10_000 } },
  });
  const requests = 400;
  const { tallies } = await runCycles(cluster, { requests, kinds: ['GET', 'POST', 'events'] });
  expect(tallies).toEqual(Array.from({ length: CYCLES }, () => ({ ok: requests, failed: {} })));
  expect(cluster.terminated()).toBeGreaterThanOrEqual(CYCLES);
});

test.each([
  ['replies', ['GET', 'POST', 'events']],
  ['sockets', ['socket']],
] as const)('with Express alone, instances ended under load cut %s off', async (_, kinds) => {
  const cluster = await startCluster('express');
  const { tallies } = await runCycles(cluster, { requests: 600, kinds, cycles: 1, ends: 20 });
  const failed = tallies.flatMap((tally) => Object.values(tally.failed));
  expect(failed.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
});
