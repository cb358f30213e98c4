// Functions that use Dapr on the local platform: topics, state, bindings, with components played in memory.
import { expect, test } from 'vitest';
import { ask, createProject, post, start } from './project.ts';

const FRONT = `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: front }
spec:
  image: example/front:v1
  build: { builder: local, srcRepo: { url: 'https://example.com/a.git', sourceSubPath: front } }
  serving:
    pubsub: { mq: { type: pubsub.redis, metadata: [{ name: redisHost, value: 'redis:6379' }] } }
    outputs: [{ dapr: { name: mq, topic: orders, type: pubsub.redis } }]
    triggers: { http: { engine: keda, route: { hostnames: [front.example.com] } } }
`;
const WORKER = `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: worker }
spec:
  image: example/worker:v1
  build: { builder: local, srcRepo: { url: 'https://example.com/a.git', sourceSubPath: worker } }
  serving:
    pubsub: { mq: { type: pubsub.redis, metadata: [{ name: redisHost, value: 'redis:6379' }] } }
    states: { store: { spec: { type: state.redis } } }
    triggers: { dapr: [{ name: mq, topic: orders, type: pubsub.redis }] }
`;
const SEND = `import { openfunction } from '@ofn/core';
openfunction('front', async (ctx: any, data: unknown) => {
  await ctx.send(data, 'mq');
  return { accepted: true };
});
`;
const count = (text: string): string => `import { openfunction } from '@ofn/core';
openfunction('worker', async (ctx: any, data: { id: number }) => {
  const seen = [...((await ctx.states.store.get('seen')) ?? []), data.id];
  await ctx.states.store.save('seen', seen);
  console.log('${text}', JSON.stringify(seen));
});
`;

const PAIR = {
  'function.yaml': `${FRONT}---${WORKER}`,
  'front/index.ts': SEND,
  'worker/index.ts': count('seen'),
};

/** What functions have printed so far. */
const printed = ({ events }: Awaited<ReturnType<typeof start>>): string =>
  events.flatMap((event) => (event.type === 'line' ? [event.line] : [])).join('\n');

test('what one function sends to a topic, another gets, and its state stays over a reload', async () => {
  const { folder, write } = createProject(PAIR, { framework: true });
  const platform = await start([folder]);
  const { happened, port } = platform;
  expect((await post(port, 'front.localhost', { id: 1 })).body).toBe('{"accepted":true}');
  await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('seen [1]');
  write('worker/index.ts', count('seen anew'));
  await happened('built', 3);
  expect((await post(port, 'front.localhost', { id: 2 })).status).toBe(200);
  await expect
    .poll(() => printed(platform), { timeout: 20_000 })
    .toMatch(/^seen(?: anew)? \[1,2\]$/m);
  await happened('ready', 3);
  await post(port, 'front.localhost', { id: 3 });
  await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('seen anew [1,2,3]');
});

test('a trace goes from the request over the topic to the function that takes the event', async () => {
  const { folder } = createProject(PAIR, { framework: true });
  const platform = await start([folder]);
  const reply = await post(platform.port, 'front.localhost', { id: 1 });
  expect(reply.status).toBe(200);
  const listed = async () => {
    const response = await fetch(`http://127.0.0.1:${platform.adminPort}/traces?function=worker`);
    return ((await response.json()) as { items: { id: string; services: string[] }[] }).items;
  };
  await expect
    .poll(async () => (await listed()).map(({ services }) => services), { timeout: 20_000 })
    .toEqual([['front', 'worker']]);
  const [found] = await listed();
  const id = found?.id ?? '';
  const requests = platform.events.flatMap((event) => (event.type === 'request' ? [event] : []));
  expect(requests.map(({ trace }) => trace)).toEqual([id]);
  const { tree } = (await (
    await fetch(`http://127.0.0.1:${platform.adminPort}/traces/${id.slice(0, 8)}`)
  ).json()) as { tree: string };
  expect(tree).toMatch(/front: front 200[^]*publish orders → mq\/orders[^]*worker: worker/);
});

test('an event that its function fails at is for the mended code', async () => {
  const { folder, write } = createProject(
    {
      ...PAIR,
      'worker/index.ts': count('seen').replace(
        'const seen',
        "throw new Error('no');\n  const seen",
      ),
    },
    { framework: true },
  );
  const platform = await start([folder]);
  await post(platform.port, 'front.localhost', { id: 1 });
  await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('Error: no');
  write('worker/index.ts', count('mended'));
  await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('mended [1]');
});

test('a function scales from zero by its topic where KEDA has a trigger for it', async () => {
  const scaled = WORKER.replace(
    'triggers:',
    'scaleOptions: { keda: { scaledObject: { cooldownPeriod: 1 }, triggers: [{ type: redis-streams, metadata: {} }] } }\n    triggers:',
  );
  const { folder } = createProject(
    { ...PAIR, 'function.yaml': `${FRONT}---${scaled}` },
    { framework: true },
  );
  const platform = await start([folder]);
  const replicas = (): readonly number[] =>
    platform.events.flatMap((event) =>
      event.type === 'scaled' && event.function === 'worker' ? [event.replicas] : [],
    );
  await expect.poll(replicas, { timeout: 20_000 }).toEqual([1, 0]);
  await post(platform.port, 'front.localhost', { id: 1 });
  await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('seen [1]');
  expect(replicas().slice(0, 3)).toEqual([1, 0, 1]);
});

test('a binding goes from output to input, and a cron binding calls its function', async () => {
  const file = `
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: ticker }
spec:
  image: example/ticker:v1
  build: { builder: local, srcRepo: { url: 'https://example.com/a.git', sourceSubPath: ticker } }
  serving:
    bindings:
      timer: { type: bindings.cron, metadata: [{ name: schedule, value: '@every 1s' }] }
      kafka: { type: bindings.kafka }
    outputs: [{ dapr: { name: kafka, type: bindings.kafka, operation: create } }]
    triggers: { dapr: [{ name: timer, type: bindings.cron }] }
---
apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: sink }
spec:
  image: example/sink:v1
  build: { builder: local, srcRepo: { url: 'https://example.com/a.git', sourceSubPath: sink } }
  serving:
    bindings: { kafka: { type: bindings.kafka } }
    triggers: { dapr: [{ name: kafka, type: bindings.kafka }] }
`;
  const { folder } = createProject(
    {
      'function.yaml': file,
      'ticker/index.js':
        "import { openfunction } from '@ofn/core';\nopenfunction('ticker', (ctx) => ctx.send({ tick: 1 }, 'kafka'));\n",
      'sink/index.js':
        "import { openfunction } from '@ofn/core';\nopenfunction('sink', (ctx, data) => console.log('sank', JSON.stringify(data)));\n",
      'package.json': '{"type":"module"}',
    },
    { framework: true },
  );
  const platform = await start([folder]);
  await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('sank {"tick":1}');
});

test('a folder whose code names a topic has a process for it, with the components beside it', async () => {
  const { folder } = createProject(
    {
      'index.js': `import { openfunction, topic } from '@ofn/core';
openfunction('send', { path: '/send', methods: ['GET'] }, async (ctx) => {
  await ctx.dapr.pubsub.publish('queue', 'orders', { id: 7 });
  return 'sent';
});
topic('take', { pubsub: 'queue', topic: 'orders' }, (ctx, order) => console.log('took', order.id));
`,
      'package.json': '{"type":"module"}',
      'components/queue.yaml': `apiVersion: dapr.io/v1alpha1
kind: Component
metadata: { name: queue }
spec: { type: pubsub.kafka, version: v1, metadata: [{ name: brokers, value: 'kafka:9092' }] }
`,
    },
    { framework: true },
  );
  const platform = await start([folder]);
  await platform.happened('ready');
  await expect
    .poll(async () => (await ask(platform.port, 'localhost', '/send')).body, { timeout: 20_000 })
    .toBe('sent');
  await expect.poll(() => printed(platform), { timeout: 20_000 }).toContain('took 7');
});
