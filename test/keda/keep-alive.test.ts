// The race for a connection that the backend is about to close: a POST that loses it fails, since the
// interceptor must not send it twice.
import { once } from 'node:events';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { HOST, startCluster, type Cluster } from './cluster.ts';

const ALWAYS_ONE = { minReplicas: 1, maxReplicas: 1 };

interface Race {
  /** Milliseconds after which an idle connection is closed. */
  readonly idle: number;
  readonly rounds: number;
  /** POSTs of a round, each over a connection of its own. */
  readonly atOnce: number;
}

/** Sends one POST; resolves to the status of its reply. */
async function post(port: number, agent: Agent | false = false): Promise<number> {
  const headers = { host: HOST, 'content-type': 'application/json' };
  const target = { agent, port, host: '127.0.0.1', method: 'POST', path: '/echo', headers };
  const outgoing = send(target);
  outgoing.end('{}');
  const [reply] = (await once(outgoing, 'response')) as [IncomingMessage];
  reply.resume();
  await once(reply, 'end');
  return reply.statusCode ?? 0;
}

/** Sends POSTs, each just as its connection would be closed; counts them by status. */
async function race(
  port: number,
  { atOnce, idle, rounds }: Race,
): Promise<Readonly<Record<string, number>>> {
  const agent = new Agent({ keepAlive: true });
  const statuses: Record<string, number> = {};
  async function postAt(time: number): Promise<void> {
    // More exactly than timers are.
    while (performance.now() < time) await turn();
    const status = await post(port, agent);
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now() + (round === 0 ? 0 : idle - 2);
    // From a little before to a little after.
    const posts = Array.from({ length: atOnce }, (_, index) =>
      postAt(begin + (4 * index) / atOnce),
    );
    await Promise.all(posts);
  }
  agent.destroy();
  return statuses;
}

test('none of 5,000 POSTs at the moment of the idle close fails: the function keeps connections longer than the interceptor', async () => {
  const idle = 20;
  const env = { KEDA_HTTP_IDLE_CONN_TIMEOUT: `${idle}ms` };
  const interceptor = { settings: { idleConnTimeout: idle } };
  const cluster = await startCluster('framework', { env, interceptor, scaling: ALWAYS_ONE });
  const statuses = await race(cluster.port, { idle, rounds: 100, atOnce: 50 });
  expect(statuses).toEqual({ 200: 5000 });
});

/**
 * One POST that comes in while its instance stands still, and the idle time of its connection runs out:
 * when the instance goes on, it closes the connection before it reads, unless it had just begun to look.
 */
async function postAsIdleEnds(cluster: Cluster): Promise<number> {
  const { port } = cluster;
  expect(await post(port)).toBe(200);
  const { pid } = cluster.instances()[0] ?? {};
  if (pid === undefined) throw new Error('there is no instance');
  process.kill(pid, 'SIGSTOP');
  const answered = post(port);
  // Newer versions of Node.js keep a connection for a second more than they are told to.
  await wait(1500);
  process.kill(pid, 'SIGCONT');
  return answered;
}

test('a POST as the idle time of a connection ends is lost with Express alone, and not with the function', async () => {
  // Nothing else keeps the instance busy when it is stopped.
  const given = { scaling: ALWAYS_ONE, probePeriod: 60_000 };
  const own = await startCluster('framework', given);
  const express = await startCluster('express', { ...given, env: { KEEP_ALIVE_MS: '1' } });
  const statuses: number[] = [];
  while (statuses.length < 12 && !statuses.includes(502)) {
    const [kept, status] = await Promise.all([postAsIdleEnds(own), postAsIdleEnds(express)]);
    expect(kept).toBe(200);
    statuses.push(status);
  }
  expect(statuses).toContain(502);
});
