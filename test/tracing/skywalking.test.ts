// What SkyWalking gets of functions, in the format of SkyWalking's own tests of agents.
import { hostname } from 'node:os';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { createSidecar, type SidecarOptions } from '@ofn/sidecar';
import { call, postJson } from '@ofn-test/system/call';
import { findFreePorts } from '@ofn-test/dapr/free-ports';
import { describe } from 'vitest';
import {
  assertExpectedData,
  toActualData,
} from '../../packages/tracing/src/testing/expected-data.fixture.ts';
import type { Collector } from '@ofn/tracing/testing';
import { packages, test } from './start-traced.ts';

const MODULE = { 'package.json': '{"type":"module"}' };
const CONTEXT = {
  name: 'ignored',
  version: 'v2.0.0',
  runtime: 'Knative',
  pluginsTracing: {
    enabled: true,
    provider: { name: 'SkyWalking', oapServer: '127.0.0.1:1' },
    tags: { func: 'orders', layer: 'faas', tag1: 'value1' },
    baggage: { tenant: 'blue' },
  },
};

/** The span of a call, before what is particular to it. */
const entry = (operationName: string) => ({
  operationName,
  parentSpanId: -1,
  spanId: 0,
  spanLayer: 'FAAS',
  startTime: 'gt 0',
  endTime: 'gt 0',
  componentId: 5013,
  isError: false,
  spanType: 'Entry',
  peer: '',
  skipAnalysis: false,
});

const COLD = { key: 'coldStart', value: 'true' };
const tag = (key: string, value: string) => ({ key, value });

async function data(collector: Collector, count: number) {
  return toActualData(await collector.waitForSegments(count));
}

test.concurrent('a call over HTTP', async ({ collector, startTraced }) => {
  const oap = await collector();
  const app = await startTraced('orders', oap, {
    files: {
      ...MODULE,
      'index.js': `
        import { http } from '@ofn/core';
        http('take', (req, res) => { res.status(201).json({ taken: true }); });
      `,
    },
    env: {
      FUNC_CONTEXT: JSON.stringify(CONTEXT),
      SW_AGENT_INSTANCE: 'orders-1',
      POD_NAME: 'orders-pod',
      SW_AGENT_NAMESPACE: 'shop',
    },
  });
  await postJson(`${app.url}/orders?token=secret`, { id: 7 });
  assertExpectedData(await data(oap, 1), {
    segmentItems: [
      {
        serviceName: 'orders',
        segmentSize: 1,
        segments: [
          {
            segmentId: 'not null',
            spans: [
              {
                ...entry('take'),
                tags: [
                  COLD,
                  tag('runtime', 'knative'),
                  tag('http.method', 'POST'),
                  tag('http.url', `${app.url}/orders`),
                  tag('http.status_code', '201'),
                  tag('pod', 'orders-pod'),
                  tag('namespace', 'shop'),
                  tag('func', 'orders'),
                  tag('layer', 'faas'),
                  tag('tag1', 'value1'),
                ],
                logs: [],
                refs: [],
              },
            ],
          },
        ],
      },
    ],
  });
  await oap.waitFor('the instance', () => oap.instances.length > 0);
});

test.concurrent('a call that fails', async ({ collector, startTraced, expect }) => {
  const oap = await collector();
  const app = await startTraced('orders', oap, {
    files: {
      ...MODULE,
      'index.js': `
        import { openfunction } from '@ofn/core';
        openfunction('take', async () => { await null; throw new Error('boom'); });
      `,
    },
  });
  expect((await postJson(app.url, {})).status).toBe(500);
  assertExpectedData(await data(oap, 1), {
    segmentItems: [
      {
        serviceName: 'orders',
        segments: [
          {
            spans: [
              {
                ...entry('take'),
                isError: true,
                tags: [
                  COLD,
                  tag('runtime', 'knative'),
                  tag('http.method', 'POST'),
                  tag('http.url', `${app.url}/`),
                  tag('http.status_code', '500'),
                ],
                logs: [{ logEvent: [tag('Stack', 'start with Error: boom')] }],
              },
            ],
          },
        ],
      },
    ],
  });
});

test.concurrent(
  'a CloudEvent over HTTP, with the trace of its sender',
  async ({ collector, startTraced }) => {
    const oap = await collector();
    const app = await startTraced('orders', oap, {
      files: {
        ...MODULE,
        'index.js': `
        import { cloudEvent } from '@ofn/core';
        cloudEvent('onOrder', () => {});
      `,
      },
    });
    await call(app.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'ce-id': '1',
        'ce-source': 'shop',
        'ce-type': 'order',
        'ce-specversion': '1.0',
        sw8: '1-NWFmN2VkMWQzZTE1NGUzNmE0YmU1ZDAxY2MyZTdlMTI=-MS4yLjM=-4-c2hvcA==-c2hvcC0x-R0VUOi9zaG9w-b3JkZXJzOjgw',
      },
      body: '{"id":7}',
    });
    assertExpectedData(await data(oap, 1), {
      segmentItems: [
        {
          serviceName: 'orders',
          segments: [
            {
              spans: [
                {
                  ...entry('onOrder'),
                  refs: [
                    {
                      parentEndpoint: 'GET:/shop',
                      networkAddress: 'orders:80',
                      refType: 'CrossProcess',
                      parentSpanId: 4,
                      parentTraceSegmentId: '1.2.3',
                      parentServiceInstance: 'shop-1',
                      parentService: 'shop',
                      traceId: '5af7ed1d3e154e36a4be5d01cc2e7e12',
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
  },
);

const COMPONENTS: SidecarOptions['components'] = [
  { name: 'mq', type: 'pubsub.in-memory' },
  { name: 'store', type: 'state.in-memory' },
  { name: 'tick', type: 'bindings.cron', metadata: { schedule: '@every 24h' } },
];

describe.each(['http', 'grpc'] as const)('over %s', (protocol) => {
  test.concurrent(
    'an event of a topic, and what it sends and keeps',
    async ({ collector, startTraced, onTestFinished }) => {
      const oap = await collector();
      const [port = 0] = await findFreePorts(1);
      const sidecar = await createSidecar({
        components: COMPONENTS,
        appPort: port,
        appProtocol: protocol,
      });
      onTestFinished(() => sidecar.stop());
      await startTraced('stock', oap, {
        files: {
          ...MODULE,
          'index.js': `
          import { topic } from '@ofn/core';
          topic('orders', { pubsub: 'mq' }, async (ctx, order) => {
            await ctx.states.db.save('count', order.id);
            await ctx.send(order, 'shipments');
          });
        `,
        },
        args: ['--port', String(port), '--app-protocol', protocol],
        env: {
          DAPR_HTTP_PORT: String(sidecar.httpPort),
          FUNC_CONTEXT: JSON.stringify({
            runtime: 'Async',
            outputs: {
              shipments: {
                componentName: 'mq',
                componentType: 'pubsub.in-memory',
                uri: 'shipments',
              },
            },
            states: { db: { componentName: 'store', componentType: 'state.in-memory' } },
          }),
        },
      });
      await sidecar.appReady();
      await sidecar.publish('mq', 'orders', { id: 7 });
      const exit = { parentSpanId: 0, componentId: 5013, isError: false, spanType: 'Exit' };
      assertExpectedData(await data(oap, 1), {
        segmentItems: [
          {
            serviceName: 'stock',
            segmentSize: 1,
            segments: [
              {
                spans: [
                  {
                    ...exit,
                    operationName: 'save store',
                    spanId: 1,
                    spanLayer: 'Database',
                    peer: 'store',
                    tags: [tag('db.type', 'in-memory'), tag('component.type', 'state.in-memory')],
                  },
                  {
                    ...exit,
                    operationName: 'publish shipments',
                    spanId: 2,
                    spanLayer: 'FAAS',
                    peer: 'mq/shipments',
                    tags: [tag('component.type', 'pubsub.in-memory')],
                  },
                  {
                    ...entry('orders'),
                    tags: [
                      COLD,
                      tag('runtime', 'async'),
                      tag('input', 'orders'),
                      tag('topic', 'orders'),
                    ],
                  },
                ],
              },
            ],
          },
        ],
      });
    },
  );

  test.concurrent(
    'an event of a binding that fails',
    async ({ collector, startTraced, expect, onTestFinished }) => {
      const oap = await collector();
      const [port = 0] = await findFreePorts(1);
      const sidecar = await createSidecar({
        components: COMPONENTS,
        appPort: port,
        appProtocol: protocol,
      });
      onTestFinished(() => sidecar.stop());
      await startTraced('clock', oap, {
        files: {
          ...MODULE,
          'index.js': `
          import { binding } from '@ofn/core';
          binding('tick', () => { throw new Error('late'); });
        `,
        },
        args: ['--port', String(port), '--app-protocol', protocol],
        env: { DAPR_HTTP_PORT: String(sidecar.httpPort) },
      });
      await sidecar.appReady();
      await expect(sidecar.trigger('tick')).rejects.toThrow(/tick/);
      assertExpectedData(await data(oap, 1), {
        segmentItems: [
          {
            serviceName: 'clock',
            segments: [
              {
                spans: [
                  {
                    ...entry('tick'),
                    isError: true,
                    tags: [
                      COLD,
                      tag('runtime', 'knative'),
                      tag('input', 'tick'),
                      tag('acknowledgement', 'RETRY'),
                    ],
                    logs: [{ logEvent: [tag('Stack', 'start with Error: late')] }],
                  },
                ],
              },
            ],
          },
        ],
      });
    },
  );
});

test.concurrent(
  'a chain of three functions, over HTTP and a topic',
  async ({ collector, startTraced, onTestFinished }) => {
    const oap = await collector();
    const [port = 0] = await findFreePorts(1);
    const sidecar = await createSidecar({ components: COMPONENTS, appPort: port });
    onTestFinished(() => sidecar.stop());
    await startTraced('third', oap, {
      files: {
        ...MODULE,
        'index.js': `
        import { topic } from '@ofn/core';
        topic('orders', { pubsub: 'mq' }, () => {});
      `,
      },
      args: ['--port', String(port)],
    });
    const second = await startTraced('second', oap, {
      files: {
        ...MODULE,
        'index.js': `
        import { openfunction } from '@ofn/core';
        openfunction('store', async (ctx, order) => {
          await ctx.send(order);
          return 'stored';
        });
      `,
      },
      env: {
        DAPR_HTTP_PORT: String(sidecar.httpPort),
        SW_AGENT_INSTANCE: 'second-1',
        FUNC_CONTEXT: JSON.stringify({
          outputs: {
            next: { componentName: 'mq', componentType: 'pubsub.in-memory', uri: 'orders' },
          },
        }),
      },
    });
    const first = await startTraced('first', oap, {
      files: {
        ...MODULE,
        'index.js': `
        import { http } from '@ofn/core';
        http('shop', async (req, res) => {
          const reply = await fetch(process.env.NEXT, { method: 'POST', body: '7' });
          res.send(await reply.text());
        });
      `,
      },
      env: { NEXT: `${second.url}/store`, SW_AGENT_INSTANCE: 'first-1' },
    });
    await sidecar.appReady();
    await call(first.url);
    const peer = `localhost:${second.port}`;
    assertExpectedData(await data(oap, 3), {
      segmentItems: [
        {
          serviceName: 'first',
          segments: [
            {
              spans: [
                {
                  operationName: '/store',
                  parentSpanId: 0,
                  spanId: 1,
                  spanLayer: 'Http',
                  componentId: 2,
                  spanType: 'Exit',
                  peer,
                },
                { ...entry('shop'), refs: [] },
              ],
            },
          ],
        },
        {
          serviceName: 'second',
          segments: [
            {
              spans: [
                {
                  operationName: 'publish orders',
                  parentSpanId: 0,
                  spanId: 1,
                  spanLayer: 'FAAS',
                  spanType: 'Exit',
                  peer: 'mq/orders',
                },
                {
                  ...entry('store'),
                  refs: [
                    {
                      parentEndpoint: 'shop',
                      networkAddress: peer,
                      refType: 'CrossProcess',
                      parentSpanId: 1,
                      parentTraceSegmentId: '${first[0]}',
                      parentServiceInstance: 'first-1',
                      parentService: 'first',
                      traceId: 'not null',
                    },
                  ],
                },
              ],
            },
          ],
        },
        {
          serviceName: 'third',
          segments: [
            {
              spans: [
                {
                  ...entry('orders'),
                  refs: [
                    {
                      parentEndpoint: 'store',
                      networkAddress: 'mq/orders',
                      parentSpanId: 1,
                      parentTraceSegmentId: '${second[0]}',
                      parentServiceInstance: 'second-1',
                      parentService: 'second',
                      traceId: 'not null',
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    });
  },
);

test.concurrent(
  'spans that user code makes with OpenTelemetry, of another version',
  async ({ collector, startTraced }) => {
    const oap = await collector();
    const app = await startTraced('orders', oap, {
      packages: packages('@opentelemetry/api'),
      files: {
        ...MODULE,
        'index.js': `
        import { setTimeout } from 'node:timers/promises';
        import { openfunction } from '@ofn/core';
        import { trace, SpanKind } from '@opentelemetry/api';
        const tracer = trace.getTracer('shop');
        openfunction('take', (ctx) => tracer.startActiveSpan('price', async (span) => {
          span.setAttribute('items', 3);
          await setTimeout(1);
          tracer.startSpan('rates', { kind: SpanKind.CLIENT, attributes: { 'server.address': 'rates' } }).end();
          await ctx.trace.span('discount', () => setTimeout(1));
          span.end();
          return { trace: ctx.trace.traceId, of: span.spanContext().traceId };
        }));
      `,
      },
    });
    const reply = JSON.parse((await call(app.url)).text) as { trace: string; of: string };
    if (reply.trace !== reply.of) throw new Error('two ids for one trace');
    assertExpectedData(await data(oap, 1), {
      segmentItems: [
        {
          serviceName: 'orders',
          segments: [
            {
              spans: [
                {
                  operationName: 'rates',
                  parentSpanId: 1,
                  spanId: 2,
                  spanType: 'Exit',
                  peer: 'rates',
                },
                { operationName: 'discount', parentSpanId: 1, spanId: 3, spanType: 'Local' },
                {
                  operationName: 'price',
                  parentSpanId: 0,
                  spanId: 1,
                  spanType: 'Local',
                  tags: [tag('items', '3')],
                },
                entry('take'),
              ],
            },
          ],
        },
      ],
    });
  },
);

const OUTBOUND = {
  'index.js': `
    import { get } from 'node:http';
    import axios from 'axios';
    import { http } from '@ofn/core';
    http('call', async (req, res) => {
      const to = process.env.TO;
      await axios.get(to + '/axios');
      await new Promise((resolve) => get(to + '/get', (reply) => reply.resume().on('end', resolve)));
      await (await fetch(to + '/fetch')).text();
      res.end();
    });
  `,
  ...MODULE,
};
const OUTBOUND_COMMON_JS = {
  'index.js': `
    const { get } = require('http');
    const axios = require('axios');
    require('@ofn/core').http('call', async (req, res) => {
      const to = process.env.TO;
      await axios.get(to + '/axios');
      await new Promise((resolve) => get(to + '/get', (reply) => reply.resume().on('end', resolve)));
      await (await fetch(to + '/fetch')).text();
      res.end();
    });
  `,
};

test.concurrent.for([
  ['an ES module', OUTBOUND],
  ['CommonJS', OUTBOUND_COMMON_JS],
] as const)(
  'what goes out by axios, http and fetch, of %s',
  async ([, files], { collector, startTraced, start }) => {
    const oap = await collector();
    const target = await start({
      files: { 'index.cjs': `require('@ofn/core').http('ok', (req, res) => res.end());` },
      args: ['--source', 'index.cjs'],
    });
    const app = await startTraced('caller', oap, {
      files,
      packages: packages('axios'),
      env: { TO: target.url },
    });
    await call(app.url);
    const exit = (spanId: number, path: string) => ({
      operationName: path,
      parentSpanId: 0,
      spanId,
      spanLayer: 'Http',
      componentId: 2,
      spanType: 'Exit',
      peer: `localhost:${target.port}`,
    });
    assertExpectedData(await data(oap, 1), {
      segmentItems: [
        {
          serviceName: 'caller',
          segmentSize: 1,
          segments: [
            { spans: [exit(1, '/axios'), exit(2, '/get'), exit(3, '/fetch'), entry('call')] },
          ],
        },
      ],
    });
  },
);

test.concurrent(
  "a database that the agent hooks, and the agent's own API",
  async ({ collector, startTraced, onTestFinished }) => {
    const oap = await collector();
    const redis = createServer((socket) => {
      // Enough of a Redis: every command is answered, that for its version with none.
      socket.on('data', (bytes) => {
        const commands = bytes.toString().match(/^\*\d+\r$/gm)?.length ?? 0;
        socket.write('+OK\r\n'.repeat(commands));
      });
      socket.on('error', () => {});
    });
    await once(redis.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void redis.close());
    const { port } = redis.address() as { port: number };
    const app = await startTraced('orders', oap, {
      packages: packages('ioredis', 'skywalking-backend-js'),
      files: {
        'package.json': '{"dependencies":{"ioredis":"*"}}',
        'index.js': `
        const { Redis } = require('ioredis');
        const { ContextManager } = require('skywalking-backend-js');
        const redis = new Redis(${port}, '127.0.0.1', { enableReadyCheck: false, disableClientInfo: true });
        require('@ofn/core').openfunction('take', async () => {
          const span = ContextManager.current.newLocalSpan('by hand');
          span.start();
          await redis.set('a', '1');
          span.stop();
          return 'done';
        });
      `,
      },
    });
    await call(app.url);
    await oap.waitFor('the call', () =>
      oap.segments.some(({ spansList }) => spansList.length === 3),
    );
    const segments = oap.segments.filter(({ spansList }) => spansList.length === 3);
    assertExpectedData(toActualData(segments), {
      segmentItems: [
        {
          serviceName: 'orders',
          segments: [
            {
              spans: [
                {
                  operationName: 'redis/set',
                  parentSpanId: 1,
                  spanId: 2,
                  spanType: 'Exit',
                  spanLayer: 'Cache',
                  componentId: 7,
                  peer: `127.0.0.1:${port}`,
                },
                { operationName: 'by hand', parentSpanId: 0, spanId: 1, spanType: 'Local' },
                entry('take'),
              ],
            },
          ],
        },
      ],
    });
  },
);

test.concurrent(
  '200 interleaved calls: each has its own segment, and all of its spans',
  async ({ collector, startTraced, expect }) => {
    const oap = await collector();
    const target = await startTraced('target', oap, {
      files: {
        ...MODULE,
        'index.js': `
        import { setTimeout } from 'node:timers/promises';
        import { http } from '@ofn/core';
        http('ok', async (req, res) => { await setTimeout(Math.random() * 20); res.end(); });
      `,
      },
    });
    const app = await startTraced('caller', oap, {
      files: {
        ...MODULE,
        'index.js': `
        import { setTimeout } from 'node:timers/promises';
        import { openfunction } from '@ofn/core';
        openfunction('work', async (ctx, { id }) => {
          await ctx.trace.span('before ' + id, () => setTimeout(Math.random() * 20));
          await (await fetch(process.env.TO + '/' + id)).text();
          await ctx.trace.span('after ' + id, async () => {
            await setTimeout(Math.random() * 20);
            await ctx.trace.span('inner ' + id, () => setTimeout(1));
          });
          return ctx.trace.traceId;
        });
      `,
      },
      env: { TO: target.url },
    });
    const ids = Array.from({ length: 200 }, (_, id) => id);
    const traces = await Promise.all(ids.map(async (id) => (await postJson(app.url, { id })).text));
    await oap.waitForSegments(400);
    expect(oap.segments).toHaveLength(400);
    for (const id of ids) {
      const trace = traces[id] ?? '';
      const [caller, called, ...more] = oap.segments
        .filter(({ traceid }) => traceid === trace)
        .toSorted((a, b) => (a.service < b.service ? -1 : 1));
      expect(more).toEqual([]);
      expect(
        caller?.spansList
          .toSorted((a, b) => a.spanid - b.spanid)
          .map(({ operationname, parentspanid }) => [operationname, parentspanid]),
      ).toEqual([
        ['work', -1],
        [`before ${id}`, 0],
        [`/${id}`, 0],
        [`after ${id}`, 0],
        [`inner ${id}`, 3],
      ]);
      expect(called?.spansList[0]?.refsList).toMatchObject([
        { parenttracesegmentid: caller?.tracesegmentid, parentspanid: 2, parentservice: 'caller' },
      ]);
    }
  },
);

test.concurrent(
  'a process that serves one call and gets SIGTERM delivers its segment',
  async ({ collector, startTraced, expect }) => {
    const oap = await collector();
    const app = await startTraced('orders', oap, {
      files: { 'index.js': `require('@ofn/core').http('take', (req, res) => res.end());` },
    });
    await call(app.url);
    app.kill('SIGTERM');
    expect((await app.exit).code).toBe(0);
    expect(oap.segments).toHaveLength(1);
    expect(oap.segments[0]?.serviceinstance).toBe(hostname());
  },
);
