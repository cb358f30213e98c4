// Regression: what tracing in OpenFunction's own framework for Node.js gets wrong. Its variables are
// ignored, every call waits for a flush, concurrent calls mix, and nothing is traced in async mode.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSidecar } from '@ofn/sidecar';
import { call, postJson } from '@ofn-test/system/call';
import { findFreePorts } from '@ofn-test/dapr/free-ports';
import { callMany } from './call-many.ts';
import { packages, test as base } from './start-traced.ts';

interface Fixtures {
  /** A server that answers `ok`, and the headers it got, by path. */
  next: { readonly url: string; readonly received: Map<string, IncomingHttpHeaders> };
}

const test = base.extend<Fixtures>({
  next: async ({ onTestFinished }, use) => {
    const received = new Map<string, IncomingHttpHeaders>();
    const server = createServer((req, res) => {
      received.set(req.url ?? '', req.headers);
      res.end('ok');
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    await use({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received });
  },
});

const MODULE = { 'package.json': '{"type":"module"}' };
const b64 = (text: string): string => Buffer.from(text).toString('base64');

test.concurrent(
  'the SW_* variables count, and not what the context says in their place',
  async ({ collector, startTraced, expect }) => {
    const [oap, other] = await Promise.all([collector(), collector()]);
    const app = await startTraced('by-variable', oap, {
      files: {
        ...MODULE,
        'index.js': `
          import { http } from '@ofn/core';
          http('take', (req, res) => res.end());
        `,
      },
      env: {
        SW_AGENT_INSTANCE: 'instance-by-variable',
        FUNC_CONTEXT: JSON.stringify({
          name: 'by-context',
          version: 'v1',
          runtime: 'Knative',
          pluginsTracing: {
            enabled: true,
            provider: { name: 'skywalking', oapServer: other.address },
            tags: { func: 'by-tag', instance: 'instance-by-tag' },
          },
        }),
      },
    });
    await call(app.url);
    const [segment] = await oap.waitForSegments(1);
    expect(segment).toMatchObject({
      service: 'by-variable',
      serviceinstance: 'instance-by-variable',
    });
    expect(other.metadata).toEqual([]);
  },
);

test.concurrent(
  'a call that is not over keeps back neither the answers nor the segments of others',
  async ({ collector, startTraced, expect }) => {
    const oap = await collector();
    const app = await startTraced('orders', oap, {
      files: {
        ...MODULE,
        'index.js': `
          import { openfunction } from '@ofn/core';
          let release;
          const released = new Promise((resolve) => (release = resolve));
          openfunction('take', async (ctx, { n }) => {
            if (n === 'slow') await released;
            if (n === 'release') release();
            return ctx.trace.traceId;
          });
        `,
      },
    });
    const slow = postJson(app.url, { n: 'slow' });
    const traces = (await callMany(app.url, 100)).map(({ text }) => text);
    await oap.waitForSegments(100);
    expect(oap.segments.map(({ traceid }) => traceid).toSorted()).toEqual(traces.toSorted());
    await postJson(app.url, { n: 'release' });
    const { text } = await slow;
    await oap.waitFor('its segment', () => oap.segments.some(({ traceid }) => traceid === text));
  },
);

test.concurrent(
  'calls do not report, and none waits for a collector that never answers',
  async ({ collector, startTraced, expect }) => {
    const [oap, hanging] = await Promise.all([collector(), collector({ behaviour: 'hang' })]);
    const files = {
      ...MODULE,
      'index.js': `
        import { http } from '@ofn/core';
        http('take', (req, res) => res.end());
      `,
    };
    const [app, hung] = await Promise.all([
      startTraced('orders', oap, { files }),
      startTraced('orders', hanging, { files }),
    ]);
    for (let count = 0; count < 100; count += 1) {
      expect((await call(hung.url)).status).toBe(200);
      expect((await call(app.url)).status).toBe(200);
    }
    await oap.waitForSegments(100);
    // One a second, whatever the calls.
    expect(oap.reports.opened).toBeLessThan(50);
    expect(oap.reports.atOnce).toBe(1);
    expect(hanging.reports.opened).toBeLessThan(50);
  },
);

const HOOKS = {
  ...MODULE,
  'plugins/audit.js': `
    import { setTimeout } from 'node:timers/promises';
    export class Audit {
      name = 'audit';
      async execPreHook(ctx) {
        await setTimeout(1 + Math.random() * 10);
        await ctx.trace.span('before ' + ctx.req.body.n, () => setTimeout(Math.random() * 10));
        ctx.locals.before = ctx.trace.traceId;
      }
      async execPostHook(ctx) {
        await setTimeout(Math.random() * 10);
        await ctx.trace.span('after ' + ctx.req.body.n, () => setTimeout(1));
      }
    }
  `,
  'index.js': `
    import { setTimeout } from 'node:timers/promises';
    import { definePlugin, openfunction, use } from '@ofn/core';
    import { trace } from '@opentelemetry/api';
    import agent from 'skywalking-backend-js';
    const tracer = trace.getTracer('shop');
    use(definePlugin({
      name: 'around',
      async wrap(invocation, next) {
        await setTimeout(Math.random() * 10);
        return tracer.startActiveSpan('around ' + invocation.req.body.n, async (span) => {
          try {
            return await next();
          } finally {
            span.end();
          }
        });
      },
    }));
    openfunction('work', async (ctx, { n }) => {
      const inAgent = agent.ContextManager.currentSpan.operation;
      await setTimeout(Math.random() * 10);
      await ctx.trace.span('inside ' + n, () => setTimeout(Math.random() * 10));
      return { trace: ctx.trace.traceId, before: ctx.locals.before, inAgent };
    });
  `,
};

test.concurrent(
  'spans of hooks and of handlers, made after they have waited, are in the segment of their own call',
  async ({ collector, startTraced, expect }) => {
    const oap = await collector();
    const app = await startTraced('orders', oap, {
      files: HOOKS,
      packages: packages('@opentelemetry/api', 'skywalking-backend-js'),
      env: {
        FUNC_CONTEXT: JSON.stringify({
          name: 'orders',
          version: 'v1',
          runtime: 'Knative',
          prePlugins: ['audit'],
          postPlugins: ['audit'],
        }),
      },
    });
    const replies = await callMany(app.url, 60);
    await oap.waitForSegments(60);
    expect(oap.segments).toHaveLength(60);
    for (const [n, { text }] of replies.entries()) {
      const reply = JSON.parse(text) as { trace: string };
      // What is around the handler is what the agent takes for the current span in it.
      expect(reply).toEqual({ trace: reply.trace, before: reply.trace, inAgent: `around ${n}` });
      const segment = oap.segments.find(({ traceid }) => traceid === reply.trace);
      const parents = segment?.spansList.map((span) => [
        span.operationname,
        segment.spansList.find(({ spanid }) => spanid === span.parentspanid)?.operationname,
      ]);
      expect(Object.fromEntries(parents ?? [])).toEqual({
        work: undefined,
        [`around ${n}`]: 'work',
        [`before ${n}`]: `around ${n}`,
        [`inside ${n}`]: `around ${n}`,
        [`after ${n}`]: `around ${n}`,
      });
    }
  },
);

test.concurrent.for([
  ['SkyWalking', 'skywalking'],
  ['OpenTelemetry', 'opentelemetry'],
] as const)(
  'with %s the baggage of the context reaches the next functions, over HTTP and over a topic',
  async ([, provider], { collector, start, next, expect, onTestFinished }) => {
    const oap = await collector();
    const [port = 0] = await findFreePorts(1);
    const sidecar = await createSidecar({
      components: [{ name: 'mq', type: 'pubsub.in-memory' }],
      appPort: port,
      gracefulShutdownSeconds: 0.1,
    });
    onTestFinished(() => sidecar.stop());
    const traced = { oapServer: oap.address, exporter: { endpoint: 'http://127.0.0.1:1' } };
    const env = {
      DAPR_HTTP_PORT: String(sidecar.httpPort),
      NEXT: next.url,
      FUNC_CONTEXT: JSON.stringify({
        name: 'first',
        version: 'v1',
        runtime: 'Async',
        outputs: {
          second: { componentName: 'mq', componentType: 'pubsub.in-memory', uri: 'second' },
        },
        pluginsTracing: {
          enabled: true,
          provider: { name: provider, ...traced },
          baggage: { tenant: 'blau grün', key: 'k' },
        },
      }),
    };
    const app = await start({
      files: {
        ...MODULE,
        'index.js': `
          import { topic } from '@ofn/core';
          topic('first', { pubsub: 'mq' }, async (ctx, data) => {
            await (await fetch(process.env.NEXT + '/next')).text();
            await ctx.send(data, 'second');
          });
          topic('second', { pubsub: 'mq' }, (ctx) => {
            console.log(JSON.stringify({ got: ctx.propagation }));
          });
        `,
      },
      packages: packages('@ofn/tracing'),
      args: ['--port', String(port)],
      env,
    });
    await sidecar.appReady();
    await sidecar.publish('mq', 'first', 1);
    const { got } = await app.logged((line) => 'got' in line);
    const baggage = 'tenant=blau%20gr%C3%BCn,key=k';
    const correlation = `${b64('tenant')}:${b64('blau grün')},${b64('key')}:${b64('k')}`;
    const skywalking = { 'sw8-correlation': correlation, sw8: expect.stringMatching(/^1-/) };
    const carried = {
      baggage,
      traceparent: expect.stringMatching(/^00-/),
      ...(provider === 'skywalking' ? skywalking : {}),
    };
    expect(next.received.get('/next')).toMatchObject(carried);
    expect(got).toMatchObject(carried);
  },
);

// What the controller of OpenFunction 1.2 writes for a function with inputs, states, hooks and tracing.
function contexts(provider: string, oapServer: string): Record<string, string> {
  const mq = { componentName: 'serving-x1-pubsub-mq-abcde', componentType: 'pubsub.mqtt' };
  const pg = { componentName: 'serving-x1-state-pg-abcde', componentType: 'state.postgresql' };
  const tracing = { enabled: true, provider: { name: provider, oapServer }, baggage: { key: 'k' } };
  return {
    FUNC_CONTEXT: JSON.stringify({
      name: 'sub',
      version: 'v2',
      inputs: { mq: { uri: 'topicA', ...mq } },
      outputs: { mq: { uri: 'topicB', ...mq } },
      states: { pg },
      runtime: 'Async',
      port: '8080',
      prePlugins: ['p1', 'skywalking'],
      postPlugins: ['skywalking', 'p1'],
      pluginsTracing: tracing,
    }),
    FUNC_CONTEXT_V1BETA2: JSON.stringify({
      name: 'sub',
      version: 'v2',
      triggers: { dapr: [{ name: mq.componentName, type: mq.componentType, topic: 'topicA' }] },
      outputs: { mq },
      states: { pg },
      preHooks: ['p1'],
      postHooks: ['p1'],
      tracing,
    }),
  };
}

const CONTROLLED = {
  'plugins/p1.js': `
    class P1 {
      constructor() { this.name = 'p1'; this.version = 'v1'; }
      async execPreHook(ctx) { ctx.locals.hooked = true; }
      async execPostHook() {}
    }
    module.exports = { P1 };
  `,
  'index.js': `
    async function tryAsync(ctx, data) {
      if (!ctx.locals.hooked) throw new Error('the hook did not run');
      await ctx.state.save({ key: 'a', value: data });
      await ctx.send(data, 'mq');
    }
    module.exports = { tryAsync };
  `,
};
const CONTROLLED_COMPONENTS = [
  { name: 'serving-x1-pubsub-mq-abcde', type: 'pubsub.in-memory' },
  { name: 'serving-x1-state-pg-abcde', type: 'state.in-memory' },
];

test.concurrent.for([
  ['skywalking', 'grpc', 'both'],
  ['SkyWalking', 'http', 'both'],
  ['SKYWALKING', 'grpc', 'FUNC_CONTEXT'],
] as const)(
  'events of a function are traced with what the controller sets: provider %s, over %s, %s',
  async ([provider, protocol, which], { collector, start, expect, onTestFinished }) => {
    const oap = await collector();
    const [port = 0] = await findFreePorts(1);
    const sidecar = await createSidecar({
      components: CONTROLLED_COMPONENTS,
      appPort: port,
      appProtocol: protocol,
      gracefulShutdownSeconds: 0.1,
    });
    onTestFinished(() => sidecar.stop());
    const written = contexts(provider, oap.address);
    const app = await start({
      files: CONTROLLED,
      packages: packages('@ofn/tracing'),
      args: ['--port', String(port)],
      env: {
        FUNCTION_TARGET: 'tryAsync',
        APP_PROTOCOL: protocol,
        DAPR_HTTP_PORT: String(sidecar.httpPort),
        DAPR_GRPC_PORT: String(sidecar.grpcPort),
        POD_NAME: 'sub-pod',
        POD_NAMESPACE: 'shop',
        ...(which === 'both' ? written : { FUNC_CONTEXT: written['FUNC_CONTEXT'] ?? '' }),
      },
    });
    await sidecar.appReady();
    await sidecar.publish('serving-x1-pubsub-mq-abcde', 'topicA', { id: 7 });
    await sidecar.publish('serving-x1-pubsub-mq-abcde', 'topicA', { id: 8 });
    const segments = await oap.waitForSegments(2);
    for (const { service, serviceinstance, spansList } of segments) {
      expect([service, serviceinstance]).toEqual(['sub', oap.instances[0]?.instance]);
      const spans = spansList.map((span) => [span.spanid, span.parentspanid, span.peer]);
      expect(spans.toSorted(([a = 0], [b = 0]) => Number(a) - Number(b))).toEqual([
        [0, -1, ''],
        [1, 0, 'serving-x1-state-pg-abcde'],
        [2, 0, 'serving-x1-pubsub-mq-abcde/topicB'],
      ]);
      expect(spansList.some(({ iserror }) => iserror)).toBe(false);
    }
    expect(new Set(segments.map(({ traceid }) => traceid)).size).toBe(2);
    app.kill('SIGTERM');
    const { code, stdout, stderr } = await app.exit;
    expect(code).toBe(0);
    expect(stdout + stderr).not.toMatch(/"level":"(?:warn|error)"/);
  },
);

test.concurrent(
  'tracing that the context disables traces nothing',
  async ({ collector, start, expect }) => {
    const oap = await collector();
    const app = await start({
      files: {
        ...MODULE,
        'index.js': `
        import { openfunction } from '@ofn/core';
        openfunction('take', (ctx) => ({ trace: ctx.trace.traceId, sent: ctx.propagation }));
      `,
      },
      packages: packages('@ofn/tracing'),
      env: {
        SW_AGENT_NAME: 'orders',
        FUNC_CONTEXT: JSON.stringify({
          name: 'orders',
          version: 'v1',
          runtime: 'Knative',
          pluginsTracing: {
            enabled: false,
            provider: { name: 'skywalking', oapServer: oap.address },
            baggage: { key: 'k' },
          },
        }),
      },
    });
    expect(JSON.parse((await call(app.url)).text)).toEqual({ sent: {} });
    app.kill('SIGTERM');
    const { code, stdout } = await app.exit;
    expect(code).toBe(0);
    expect(stdout).not.toContain('"level":"warn"');
    expect(oap.metadata).toEqual([]);
  },
);
