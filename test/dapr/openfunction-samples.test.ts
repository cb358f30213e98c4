// Async functions as OpenFunction's own samples have them, with what its controller sets: they run as
// they are.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { COMPONENTS, outcomes, PROTOCOLS, retrying, test as base } from './start-dapr.ts';

const test = base.extend<{ folder: string }>({
  folder: async ({ onTestFinished }, use) => {
    const folder = mkdtempSync(join(tmpdir(), 'ofn-sample-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    await use(folder);
  },
});

const SAMPLE = {
  'function.js': `
    async function tryAsync(ctx, data) {
      console.log('✅ Function should receive request: %o', data);
      await ctx.send(data);
    }
    module.exports = { tryAsync };
  `,
};
const env = { FUNCTION_TARGET: 'tryAsync' };

// As the controller writes them for pub/sub and for bindings; its broker is MQTT.
const PUBSUB = {
  FUNC_CONTEXT: JSON.stringify({
    name: 'sub',
    version: 'v2',
    inputs: {
      mq: {
        uri: 'topicA',
        componentName: 'serving-x1-pubsub-mq-abcde',
        componentType: 'pubsub.mqtt',
      },
    },
    outputs: {
      mq: {
        uri: 'topicB',
        componentName: 'serving-x1-pubsub-mq-abcde',
        componentType: 'pubsub.mqtt',
      },
    },
    runtime: 'Async',
    port: '8080',
  }),
  FUNC_CONTEXT_V1BETA2: JSON.stringify({
    name: 'sub',
    version: 'v2',
    triggers: {
      dapr: [{ name: 'serving-x1-pubsub-mq-abcde', type: 'pubsub.mqtt', topic: 'topicA' }],
    },
    outputs: { mq: { componentName: 'serving-x1-pubsub-mq-abcde', componentType: 'pubsub.mqtt' } },
  }),
};
const BINDINGS = {
  FUNC_CONTEXT: JSON.stringify({
    name: 'b',
    version: 'v2',
    inputs: {
      in: {
        uri: 'in',
        componentName: 'serving-x1-bindings-in-abcde',
        componentType: 'bindings.mqtt',
      },
    },
    outputs: {
      out: {
        uri: 'out',
        componentName: 'serving-x1-bindings-out-abcde',
        componentType: 'bindings.mqtt',
        operation: 'create',
      },
    },
    runtime: 'Async',
    port: '8080',
  }),
  FUNC_CONTEXT_V1BETA2: JSON.stringify({
    name: 'b',
    version: 'v2',
    triggers: { dapr: [{ name: 'serving-x1-bindings-in-abcde', type: 'bindings.mqtt' }] },
    outputs: {
      out: {
        componentName: 'serving-x1-bindings-out-abcde',
        componentType: 'bindings.mqtt',
        operation: 'create',
      },
    },
  }),
};

// Components of the names that the context gives, of types that need no broker.
function componentsIn(folder: string) {
  return [
    ...COMPONENTS,
    { name: 'serving-x1-pubsub-mq-abcde', type: 'pubsub.in-memory' },
    {
      name: 'serving-x1-bindings-in-abcde',
      type: 'bindings.cron',
      metadata: { schedule: '@every 24h' },
    },
    {
      name: 'serving-x1-bindings-out-abcde',
      type: 'bindings.localstorage',
      metadata: { rootPath: folder },
    },
  ];
}

describe.each(PROTOCOLS)('over %s', (protocol) => {
  describe.each([
    ['both variables', PUBSUB],
    ['FUNC_CONTEXT alone', { FUNC_CONTEXT: PUBSUB.FUNC_CONTEXT }],
  ])('with %s', (_, context) => {
    test.concurrent(
      'tryAsync takes from one topic and sends to another',
      async ({ startDapr, folder, expect }) => {
        const { app, sidecar } = await startDapr({
          protocol,
          files: SAMPLE,
          env: { ...env, ...context },
          sidecar: { components: componentsIn(folder), resiliency: retrying() },
        });
        await sidecar.publish('serving-x1-pubsub-mq-abcde', 'topicA', { hello: 'async' });
        await sidecar.idle();
        const sent = sidecar.journal.entries.filter(({ topic }) => topic === 'topicB');
        expect(sent).toHaveLength(1);
        expect(JSON.parse(String(sent[0]?.data))).toMatchObject({ data: { hello: 'async' } });
        expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
        app.kill('SIGTERM');
        expect((await app.exit).stdout).toContain(
          "✅ Function should receive request: { hello: 'async' }",
        );
      },
    );
  });

  test.concurrent(
    'tryAsync takes from a binding and sends to another',
    async ({ startDapr, folder, expect }) => {
      const { sidecar } = await startDapr({
        protocol,
        files: SAMPLE,
        env: { ...env, ...BINDINGS },
        sidecar: { components: componentsIn(folder), resiliency: retrying() },
      });
      await sidecar.trigger('serving-x1-bindings-in-abcde', { hello: 'binding' });
      expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
      const [file = ''] = readdirSync(folder);
      expect(JSON.parse(readFileSync(join(folder, file), 'utf8'))).toEqual({ hello: 'binding' });
    },
  );

  test.concurrent(
    'tryAsync of its tests prints what cron sends: an empty object',
    async ({ startDapr, expect }) => {
      const { app, sidecar } = await startDapr({
        protocol,
        files: {
          'function.js': `
            function tryAsync(ctx, data) {
              console.log('from "%o": %o', Object.keys(ctx.inputs), data);
            }
            module.exports = { tryAsync };
          `,
        },
        env,
        context: {
          name: 'test-async',
          version: '1.0.0',
          runtime: 'Async',
          port: '8080',
          inputs: {
            cron: { uri: 'cron_input', componentName: 'tick', componentType: 'bindings.cron' },
          },
          states: { redis: { componentName: 'myredis', componentType: 'state.redis' } },
        },
      });
      await sidecar.trigger('tick');
      expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
      app.kill('SIGTERM');
      expect((await app.exit).stdout).toContain(`from "[ 'cron', [length]: 1 ]": {}`);
    },
  );
});
