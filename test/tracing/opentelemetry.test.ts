// What an OTLP collector gets of functions.
import { createSidecar } from '@ofn/sidecar';
import { findFreePorts } from '@ofn-test/dapr/free-ports';
import { call } from '@ofn-test/system/call';
import { describe } from 'vitest';
import { createOtlpCollector } from '../../packages/tracing/src/opentelemetry/otlp-collector.fixture.ts';
import { packages, test } from './start-traced.ts';

const MODULE = { 'package.json': '{"type":"module"}' };
const SW8 =
  '1-NWFmN2VkMWQzZTE1NGUzNmE0YmU1ZDAxY2MyZTdlMTI=-MS4yLjM=-4-c2hvcA==-c2hvcC0x-R0VUOi9zaG9w-b3JkZXJzOjgw';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe.each(['http', 'grpc'] as const)('a collector over %s', (transport) => {
  test.concurrent(
    'gets a chain of two functions over HTTP and a topic as one trace',
    async ({ start, run, expect, onTestFinished }) => {
      const collector = await createOtlpCollector(transport);
      const [port = 0] = await findFreePorts(1);
      const sidecar = await createSidecar({
        components: [{ name: 'mq', type: 'pubsub.in-memory' }],
        appPort: port,
      });
      onTestFinished(async () => {
        await sidecar.stop();
        await collector.close();
      });
      const protocol = transport === 'grpc' ? 'grpc' : 'http/protobuf';
      const second = run({
        packages: packages('@ofn/tracing'),
        files: {
          ...MODULE,
          'index.js': `
          import { topic } from '@ofn/core';
          topic('orders', { pubsub: 'mq' }, (ctx) => { console.log(JSON.stringify({ got: ctx.propagation })); });
        `,
        },
        args: ['--port', String(port)],
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          OTEL_SERVICE_NAME: 'stock',
          OTEL_BSP_SCHEDULE_DELAY: '100',
        },
      });
      const first = await start({
        packages: packages('@ofn/tracing', '@opentelemetry/api'),
        files: {
          ...MODULE,
          'index.js': `
          import { openfunction } from '@ofn/core';
          import { trace } from '@opentelemetry/api';
          openfunction('shop', async (ctx) => {
            await (await fetch(process.env.TO)).text();
            await trace.getTracer('mine').startActiveSpan('price', async (span) => {
              await ctx.send({ id: 7 });
              span.end();
            });
            return ctx.trace.traceId;
          });
        `,
        },
        env: {
          DAPR_HTTP_PORT: String(sidecar.httpPort),
          TO: `http://localhost:${sidecar.httpPort}/v1.0/healthz`,
          POD_NAME: 'shop-pod',
          OTEL_BSP_SCHEDULE_DELAY: '100',
          FUNC_CONTEXT_V1BETA2: JSON.stringify({
            name: 'shop',
            outputs: {
              next: { componentName: 'mq', componentType: 'pubsub.in-memory', topic: 'orders' },
            },
            tracing: {
              enabled: true,
              provider: {
                name: 'OpenTelemetry',
                exporter: { name: 'otlp', endpoint: collector.endpoint, protocol },
              },
              tags: { team: 'blue' },
              baggage: { tenant: 'blue' },
            },
          }),
        },
      });
      await sidecar.appReady();
      const reply = await call(first.url, {
        headers: {
          traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
          sw8: SW8,
          'x-forwarded-proto': 'https',
          'x-forwarded-host': 'shop.example.com',
        },
      });
      expect(reply.text).toBe(TRACE);
      const { got } = await second.logged((line) => 'got' in line);
      const spans = await collector.received(5);
      const named = (name: string) => spans.find((span) => span.name === name);
      const entry = named('shop');
      expect(spans.map(({ traceId }) => traceId)).toEqual(Array(5).fill(TRACE));
      expect(entry).toMatchObject({
        kind: 2,
        parentSpanId: 'b7ad6b7169203331',
        attributes: {
          runtime: 'knative',
          'faas.coldstart': true,
          'http.request.method': 'GET',
          'http.response.status_code': 200,
          'url.full': 'https://shop.example.com/',
          team: 'blue',
        },
        resource: { 'service.name': 'shop', 'k8s.pod.name': 'shop-pod' },
      });
      expect(named('GET')).toMatchObject({ kind: 3, parentSpanId: entry?.spanId });
      expect(named('price')).toMatchObject({ kind: 1, parentSpanId: entry?.spanId, scope: 'mine' });
      expect(named('publish orders')).toMatchObject({
        kind: 4,
        parentSpanId: named('price')?.spanId,
        attributes: { 'peer.service': 'mq/orders' },
      });
      expect(named('orders')).toMatchObject({
        kind: 5,
        parentSpanId: named('publish orders')?.spanId,
        attributes: { input: 'orders', topic: 'orders' },
        resource: { 'service.name': 'stock' },
      });
      expect(got).toMatchObject({ sw8: SW8, traceparent: expect.stringContaining(TRACE) });
    },
  );
});

test.concurrent(
  'a call that fails is an error with its exception, and SIGTERM delivers it',
  async ({ start, expect, onTestFinished }) => {
    const collector = await createOtlpCollector('http');
    onTestFinished(() => collector.close());
    const app = await start({
      packages: packages('@ofn/tracing'),
      files: {
        'index.js': "require('@ofn/core').http('take', () => { throw new Error('boom'); });",
      },
      args: ['--tracing', 'OpenTelemetry'],
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint },
    });
    await call(app.url);
    app.kill('SIGTERM');
    expect((await app.exit).code).toBe(0);
    expect(collector.spans).toMatchObject([
      {
        name: 'take',
        status: { code: 2, message: 'boom' },
        events: [{ name: 'exception', attributes: { 'exception.message': 'boom' } }],
        attributes: { 'http.response.status_code': 500 },
      },
    ]);
  },
);
