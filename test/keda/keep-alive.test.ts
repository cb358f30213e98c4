// The race for a connection that the backend is about to close: a POST that loses it fails, since the
// interceptor must not send it twice.
import { once } from 'node:events';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { HOST, startCluster } from './cluster.ts';

const ALWAYS_ONE = { minReplicas: 1, maxReplicas: 1 };

interface Race {
  /** Milliseconds after which an idle connection is closed. */
  readonly idle: number;
  readonly rounds: number;
  /** POSTs of a round, each over a connection of its own. */
  readonly atOnce: number;
}

/** Sends POSTs, each just as its connection would be closed; counts them by status. */
async function race(
  port: number,
  { atOnce, idle, rounds }: Race,
): Promise<Readonly<Record<string, number>>> {
  const agent = new Agent({ keepAlive: true });
  const statuses: Record<string, number> = {};
  async function post(at: number): Promise<void> {
    // More exactly than timers are.
    while (performance.now() < at) await turn();
    const headers = { host: HOST, 'content-type': 'application/json' };
    const target = { agent, port, host: '127.0.0.1', method: 'POST', path: '/echo', headers };
    const outgoing = send(target);
    outgoing.end('{}');
    const [reply] = (await once(outgoing, 'response')) as [IncomingMessage];
    reply.resume();
    await once(reply, 'end');
    const { statusCode = 0 } = reply;
    statuses[statusCode] = (statuses[statusCode] ?? 0) + 1;
  }
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now() + (round === 0 ? 0 : idle - 2);
    // From a little before to a little after.
    const posts = Array.from({ length: atOnce }, (_, index) => post(begin + (4 * index) / atOnce));
    await Promise.all(posts);
  }
  agent.destroy();
  return statuses;
}

/** Milliseconds after which a backend really closes a connection: newer versions of Node add to the setting. */
async function measureIdle(address = ''): Promise<number> {
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
  socket.write('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  const begin = performance.now();
  await once(socket, 'close');
  return performance.now() - begin;
}

test('none of 5,000 POSTs at the moment of the idle close fails: the function keeps connections longer than the interceptor', async () => {
  const idle = 20;
  const env = { KEDA_HTTP_IDLE_CONN_TIMEOUT: `${idle}ms` };
  const interceptor = { settings: { idleConnTimeout: idle } };
  const cluster = await startCluster('framework', { env, interceptor, scaling: ALWAYS_ONE });
  const statuses = await race(cluster.port, { idle, rounds: 100, atOnce: 50 });
  expect(statuses).toEqual({ 200: 5000 });
});

test('with a backend that closes first, some of them are answered 502', async () => {
  const cluster = await startCluster('express', {
    env: { KEEP_ALIVE_MS: '1' },
    scaling: ALWAYS_ONE,
  });
  await race(cluster.port, { idle: 0, rounds: 1, atOnce: 1 });
  const idle = await measureIdle(cluster.addresses()[0]);
  let lost = 0;
  // It is a matter of chance: a few rounds are enough, most of the time.
  for (let attempt = 0; lost === 0 && attempt < 20; attempt += 1) {
    const statuses = await race(cluster.port, { idle, rounds: 2, atOnce: 200 });
    lost = statuses['502'] ?? 0;
  }
  expect(lost).toBeGreaterThan(0);
});
