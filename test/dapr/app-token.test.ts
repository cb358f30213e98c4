// APP_API_TOKEN, from the sidecar to the handler: only who has the token can have events handled.
import { describe } from 'vitest';
import { call, codeOf, postJson } from '@ofn-test/system/call';
import { createAppClient } from './app-client.ts';
import { moduleOf, outcomes, PROTOCOLS, test } from './start-dapr.ts';

const FILES = moduleOf(`
  topic('orders', { pubsub: 'pubsub' }, (ctx) => print({ handled: ctx.input.headers }));
  binding('tick', {}, () => print({ ticked: true }));
`);
const env = { APP_API_TOKEN: 'secret' };

describe.each(PROTOCOLS)('over %s', (protocol) => {
  test.concurrent(
    'with the right one events are handled, and no handler sees it',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        files: FILES,
        env,
        sidecar: {
          appApiToken: 'secret',
          healthCheck: { enabled: true, intervalMs: 50, threshold: 1 },
        },
      });
      await sidecar.publish('pubsub', 'orders', 1);
      await sidecar.trigger('tick');
      await sidecar.idle();
      expect(outcomes(sidecar).toSorted()).toEqual(['acked', 'acked', 'delivered', 'delivered']);
      const { handled } = await app.logged((line) => 'handled' in line);
      expect(JSON.stringify(handled)).not.toContain('secret');
    },
  );
});

describe.each([undefined, 'wrong'])('with the token %s', (appApiToken) => {
  const sidecar = appApiToken === undefined ? {} : { appApiToken };

  test.concurrent('nothing is subscribed over http', async ({ startDapr, expect }) => {
    const started = await startDapr({ files: FILES, env, sidecar });
    expect(started.sidecar.engine.subscriptions).toEqual([]);
  });

  test.concurrent(
    'events over grpc are subscribed, as daprd asks without it, and none is handled',
    async ({ startDapr, expect }) => {
      const started = await startDapr({ protocol: 'grpc', files: FILES, env, sidecar });
      await started.sidecar.publish('pubsub', 'orders', 1);
      await expect(started.sidecar.trigger('tick')).rejects.toThrow('OFN_TOKEN_INVALID');
      await started.sidecar.idle();
      expect(started.sidecar.journal.count('acked')).toBe(0);
      started.app.kill('SIGTERM');
      expect((await started.app.exit).stdout).not.toMatch(/"(?:handled|ticked)"/);
    },
  );
});

test.concurrent(
  'a stranger is refused over HTTP, whatever it asks for',
  async ({ startDapr, expect }) => {
    const { app } = await startDapr({ files: FILES, env, sidecar: { appApiToken: 'secret' } });
    const event = { specversion: '1.0', id: '1', source: 's', type: 't', data: 1 };
    const replies = await Promise.all([
      postJson(`${app.url}/orders`, event),
      postJson(`${app.url}/dapr/topics/pubsub/orders/orders`, event),
      postJson(`${app.url}/tick`, {}),
      call(`${app.url}/dapr/subscribe`),
    ]);
    expect(replies.map((reply) => [reply.status, codeOf(reply)])).toEqual(
      replies.map(() => [401, 'OFN_TOKEN_INVALID']),
    );
    // Probes of health carry no token.
    expect((await call(`${app.url}/healthz`)).status).toBe(200);
  },
);

test.concurrent(
  'a stranger is refused over gRPC, whatever it asks for',
  async ({ startDapr, expect, onTestFinished }) => {
    const { app } = await startDapr({
      protocol: 'grpc',
      files: FILES,
      env,
      sidecar: { appApiToken: 'secret' },
    });
    const client = createAppClient(app.port);
    onTestFinished(() => client.close());
    const event = { id: '1', source: 's', type: 't', topic: 'orders', pubsubName: 'pubsub' };
    const replies = await Promise.all([
      client.call('OnTopicEvent', event),
      client.call('OnTopicEvent', event, { 'dapr-api-token': 'secret ' }),
      client.call('OnBindingEvent', { name: 'tick' }),
      client.call('OnInvoke', { method: 'orders' }),
    ]);
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 'UNAUTHENTICATED'));
    // What daprd asks without the token.
    for (const question of ['HealthCheck', 'ListTopicSubscriptions', 'ListInputBindings']) {
      expect((await client.call(question)).status).toBe('OK');
    }
    const known = await client.call('OnTopicEvent', event, { 'dapr-api-token': 'secret' });
    expect(known).toMatchObject({ status: 'OK', message: { status: 0 } });
  },
);
