// Round trips through a sidecar: what a function sends and keeps comes back as it was, over both
// protocols.
import { readFileSync } from 'node:fs';
import { findFreePorts } from '@ofn-test/dapr/free-ports';
import { serving, startProcess, type LogLine, type Process } from '@ofn-test/system/start-function';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  PUBSUB,
  STORE,
  type Protocol,
  type StartedSidecar,
  type StartSidecar,
} from './sidecar-process.ts';

const SOURCE = readFileSync(new URL('round-trip-function.js', import.meta.url), 'utf8');
const CONTEXT = {
  outputs: {
    next: { componentName: PUBSUB, componentType: 'pubsub.in-memory', uri: 'next' },
    nowhere: { componentName: 'nowhere', componentType: 'pubsub.in-memory', uri: 'next' },
  },
  states: { store: { componentName: STORE, componentType: 'state.in-memory' } },
};
const TOKEN = 'secret';

/**
 * Declares the tests of the round trips.
 *
 * @param options.hasTokens Protocols over which the sidecar shows APP_API_TOKEN with events.
 */
export function describeRoundTrips(
  startSidecar: StartSidecar,
  { hasTokens = ['http', 'grpc'] }: { hasTokens?: readonly Protocol[] } = {},
): void {
  describe.each(['http', 'grpc'] as const)('over %s', (protocol) => {
    let app: Process;
    let sidecar: StartedSidecar;

    // The sidecar comes after the app, as it may in a pod.
    beforeAll(async () => {
      const [httpPort = 0] = await findFreePorts(1);
      app = startProcess({
        files: { 'index.mjs': SOURCE },
        args: ['--port', '0'],
        env: {
          APP_PROTOCOL: protocol,
          ...(hasTokens.includes(protocol) ? { APP_API_TOKEN: TOKEN } : {}),
          DAPR_HTTP_PORT: String(httpPort),
          FUNC_CONTEXT: JSON.stringify(CONTEXT),
        },
      });
      const { port } = await serving(app);
      sidecar = await startSidecar({
        protocol,
        appPort: port,
        bindings: [],
        httpPort,
        appApiToken: TOKEN,
      });
    }, 30_000);

    afterAll(async () => {
      await sidecar.stop();
      await app.end();
    });

    /** What a step came to. */
    async function resultOf(step: string): Promise<unknown> {
      await publish(sidecar, 'in', { data: { step } });
      return (await app.logged((line) => line['step'] === step))['result'];
    }

    const arrival = (arrived: unknown): Promise<LogLine> =>
      app.logged((line) => JSON.stringify(line['arrived']) === JSON.stringify(arrived));

    it('values, text, bytes and CloudEvents arrive as they were sent', async () => {
      expect(await resultOf('sends')).toEqual([]);
      expect(await arrival({ n: 1 })).toMatchObject({ type: 'com.dapr.event.sent' });
      expect(await arrival('text')).toMatchObject({ type: 'com.dapr.event.sent' });
      expect(await arrival('ff00')).toMatchObject({ type: 'com.dapr.event.sent' });
      expect(await arrival({ own: true })).toMatchObject({
        type: 'own',
        source: '/own',
        tenant: 'blue',
      });
      await arrival({ bulk: 1 });
      await arrival({ bulk: 2 });
    });

    it('what cannot be sent is an error', async () => {
      expect(await resultOf('sends-nowhere')).toBe('OFN_OUTPUT_FAILED');
    });

    it('a store keeps values as they are', async () => {
      const values = [{ n: [1] }, 'text', 0, false, '', null];
      expect(await resultOf('keeps-values')).toEqual([...values, 'gone']);
    });

    it('a stale etag is a conflict, in a save, a delete and a transaction', async () => {
      const conflict = 'OFN_STATE_CONFLICT';
      expect(await resultOf('conflicts')).toEqual(['done', conflict, conflict, conflict, 2]);
      expect(await resultOf('uses-the-sdk')).toBe(2);
    });

    it('an event that comes three times has its effect once, with idempotent', async () => {
      for (let time = 0; time < 3; time += 1) {
        await publish(sidecar, 'once', { id: 'same', data: { n: 7 } });
      }
      // Topics are handled side by side: another event of this one shows that those are through.
      await publish(sidecar, 'once', { id: 'other', data: { n: 8 } });
      await app.logged((line) => line['counted'] === 8);
      await sidecar.idle();
      await publish(sidecar, 'counts', { data: { n: 7 } });
      expect((await app.logged((line) => line['asked'] === 7))['count']).toBe(1);
    });

    it('traces go on, of W3C and of SkyWalking', async () => {
      const traceId = '0af7651916cd43dd8448eb211c80319c';
      const trace = `00-${traceId}-b7ad6b7169203331-01`;
      const sw8 = '1-MQ==-Mg==-1-c2VydmljZQ==-aW5zdGFuY2U=-L3BhdGg=-MTI3LjAuMC4x';
      await publish(sidecar, 'in', {
        traceid: trace,
        traceparent: trace,
        sw8,
        data: { step: 'traces' },
      });
      expect(await arrival({ traced: true })).toMatchObject({ traceId, sw8 });
    });
  });
}

let published = 0;

async function publish({ httpPort }: StartedSidecar, topic: string, fields: object): Promise<void> {
  const event = {
    specversion: '1.0',
    id: `event-${published++}`,
    source: '/test',
    type: 'test',
    datacontenttype: 'application/json',
    ...fields,
  };
  const { status } = await fetch(`http://127.0.0.1:${httpPort}/v1.0/publish/${PUBSUB}/${topic}`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify(event),
  });
  if (status !== 204) throw new Error(`the sidecar answered ${status} to what was published`);
}
