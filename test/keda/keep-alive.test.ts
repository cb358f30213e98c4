// The race for a connection that the backend is about to close: a POST that loses it fails, since the
// interceptor must not send it twice.
import { expect, test } from 'vitest';
import { HOST, startCluster } from './cluster.ts';
import { Agent, request as send } from 'node:http';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

const POSTS = 5000;
const LANES = 50;
// Milliseconds after which an idle connection is closed, and around which the next POST is sent.
const IDLE = 20;

/** Sends POSTs, on each lane the next one just as its connection would be closed; counts by status. */
async function race(port: number): Promise<Record<string, number>> {
  const agent = new Agent({ keepAlive: true });
  const statuses: Record<string, number> = {};
  async function lane(offset: number): Promise<void> {
    for (let count = 0; count < POSTS / LANES; count += 1) {
      const headers = { host: HOST, 'content-type': 'application/json' };
      const outgoing = send({
        agent,
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/echo',
        headers,
      });
      outgoing.end('{}');
      const [reply] = await once(outgoing, 'response');
      reply.resume();
      await once(reply, 'end');
      statuses[reply.statusCode] = (statuses[reply.statusCode] ?? 0) + 1;
      // The moment itself is what is tested: it comes from a few milliseconds before to as many after.
      await wait(IDLE - 3 + ((count + offset) % 7));
    }
  }
  await Promise.all(Array.from({ length: LANES }, (_, offset) => lane(offset)));
  agent.destroy();
  return statuses;
}

test('none of 5,000 POSTs at the moment of the idle close fails: the function keeps connections longer than the interceptor', async () => {
  const idle = { KEDA_HTTP_IDLE_CONN_TIMEOUT: `${IDLE}ms` };
  const cluster = await startCluster('framework', { settings: { idleConnTimeout: IDLE } }, idle);
  expect(await race(cluster.port)).toEqual({ 200: POSTS });
});

test('with a backend that closes first, some of them are answered 502', async () => {
  const cluster = await startCluster('express', {}, { KEEP_ALIVE_MS: String(IDLE) });
  const statuses = await race(cluster.port);
  expect(Object.keys(statuses).toSorted()).toEqual(['200', '502']);
});
