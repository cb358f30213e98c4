// Regression: what people fall into who use SkyWalking's agent for Node.js as it comes, and what is asked
// of settings, probes and packages that are not as they should be.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { call, postJson } from '@ofn-test/system/call';
import { findFreePorts } from '@ofn-test/dapr/free-ports';
import type { ServingFunction } from '@ofn-test/system/start-function';
import { createOtlpCollector } from '../../packages/tracing/src/opentelemetry/otlp-collector.fixture.ts';
import type { CollectedSegment } from '@ofn/tracing/testing';
import { packages, test } from './start-traced.ts';

const TAKE = {
  'package.json': '{"type":"module"}',
  'index.js': `
    import { openfunction } from '@ofn/core';
    openfunction('take', (ctx) => ({ trace: ctx.trace.traceId, span: ctx.trace.spanId }));
  `,
};

/** Ends a process by SIGTERM. Resolves with its log. */
async function logOf(app: ServingFunction): Promise<string> {
  app.kill('SIGTERM');
  const { code, stdout, stderr } = await app.exit;
  if (code !== 0) throw new Error(`it ended with ${String(code)}:\n${stdout}\n${stderr}`);
  return stdout + stderr;
}

/** Paths of the calls that segments are of. */
function pathsOf(segments: readonly CollectedSegment[]): string[] {
  return segments.map(({ spansList }) => {
    const tags = spansList.flatMap(({ tagsList }) => tagsList);
    return new URL(tags.find(({ key }) => key === 'http.url')?.value ?? 'none:').pathname;
  });
}

test.concurrent.for([
  ['an ES module', { 'index.mjs': `export const take = (req, res) => res.end();` }],
  ['a CommonJS module', { 'index.cjs': `exports.take = (req, res) => res.end();` }],
  [
    'an Express 5 app',
    {
      'index.cjs': `
        const express = require('express');
        const router = express.Router();
        router.get('/:id', (req, res) => res.end());
        const app = express();
        app.use(express.json());
        app.use('/', router);
        exports.take = app;
      `,
    },
  ],
] as const)(
  'one call of %s in production is one entry span, delivered at once when the process ends, and no file',
  async ([, files], { collector, startTraced, expect }) => {
    const oap = await collector();
    const [source = ''] = Object.keys(files);
    const app = await startTraced('orders', oap, {
      files,
      packages: packages('express'),
      args: ['--source', source, '--target', 'take'],
      env: {
        NODE_ENV: 'production',
        SW_LOGGING_TARGET: 'file',
        SW_AGENT_LOGGING_LEVEL: 'debug',
        SW_AGENT_AUTHENTICATION: 'a-secret',
      },
    });
    expect((await call(`${app.url}/7`)).status).toBe(200);
    const log = await logOf(app);
    expect(oap.segments).toMatchObject([{ spansList: [{ operationname: 'take', spantype: 0 }] }]);
    expect(existsSync(join(app.folder, 'skywalking.log'))).toBe(false);
    expect(oap.metadata.every(({ authentication }) => authentication === 'a-secret')).toBe(true);
    expect(log).not.toContain('a-secret');
  },
);

test.concurrent.for(['', 'ipv4:'])(
  'a list of collectors after "%s" whose first is down: the second gets the segments',
  async (scheme, { collector, startTraced, expect }) => {
    const oap = await collector();
    const [down] = await findFreePorts(1);
    const address = `${scheme}127.0.0.1:${String(down)},${oap.address}`;
    const app = await startTraced('orders', { address }, { files: TAKE });
    await call(app.url);
    await logOf(app);
    expect(oap.segments).toHaveLength(1);
  },
);

test.concurrent(
  'SW_DISABLE=true: no trace, and nobody is called',
  async ({ collector, startTraced, expect }) => {
    const oap = await collector();
    const app = await startTraced('orders', oap, { files: TAKE, env: { SW_DISABLE: 'true' } });
    expect((await call(app.url)).text).toBe('{}');
    await logOf(app);
    expect(oap.metadata).toEqual([]);
  },
);

test.concurrent(
  'SW_TRACE_IGNORE_PATH, SW_HTTP_IGNORE_METHOD and SW_IGNORE_SUFFIX: those calls are served and not recorded',
  async ({ collector, startTraced, expect }) => {
    const oap = await collector();
    const app = await startTraced('orders', oap, {
      files: TAKE,
      env: {
        SW_TRACE_IGNORE_PATH: '/health/*,/static/**',
        SW_HTTP_IGNORE_METHOD: 'OPTIONS,delete',
        SW_IGNORE_SUFFIX: '.png',
      },
    });
    const calls = [
      ['GET', '/health/live'],
      ['GET', '/static/a/b/c'],
      ['GET', '/logo.png'],
      ['DELETE', '/orders/1'],
      ['OPTIONS', '/orders/2'],
      ['GET', '/health/live/deep'],
      ['GET', '/logo.jpg'],
      ['POST', '/orders/3'],
    ] as const;
    for (const [method, path] of calls) {
      expect((await call(app.url + path, { method })).status).toBe(200);
    }
    await logOf(app);
    expect(pathsOf(oap.segments)).toEqual(['/health/live/deep', '/logo.jpg', '/orders/3']);
  },
);

test.concurrent(
  'SW_AGENT_KEEP_TRACING=false: what comes while no collector is connected is never recorded',
  async ({ collector, startTraced, expect }) => {
    const [port = 0] = await findFreePorts(1);
    const address = `127.0.0.1:${port}`;
    const env = { SW_AGENT_KEEP_TRACING: 'false' };
    const app = await startTraced('orders', { address }, { files: TAKE, env });
    for (let count = 0; count < 5; count += 1) await call(`${app.url}/before`);
    const oap = await collector({ port });
    await oap.waitFor('a heartbeat', () => oap.heartbeats.length > 0);
    await call(`${app.url}/after`);
    await logOf(app);
    expect(pathsOf(oap.segments)).toEqual(['/after']);
  },
);

test.concurrent(
  'values that cannot be used: each is a warning with the name of its variable, and calls are traced',
  async ({ collector, startTraced, expect }) => {
    const oap = await collector();
    const bad = {
      SW_AGENT_SECURE: 'maybe',
      SW_AGENT_MAX_BUFFER_SIZE: 'many',
      SW_AGENT_TRACE_TIMEOUT: '-1',
      SW_AGENT_KEEP_TRACING: 'ja',
      SW_AGENT_LOGGING_LEVEL: 'loud',
      SW_AGENT_AUTHENTICATION: 'to\nken',
      SW_COLD_ENDPOINT: '2',
      SW_DISABLE: 'nein',
      SW_SQL_PARAMETERS_MAX_LENGTH: '-5',
    };
    const app = await startTraced('orders', oap, {
      files: TAKE,
      env: { ...bad, SW_AGENT_COLLECTOR_BACKEND_SERVICES: `http://oap:1,${oap.address}` },
    });
    expect((await call(app.url)).status).toBe(200);
    const log = await logOf(app);
    const warned = log.match(/SW_[A-Z_]+(?=: )/g) ?? [];
    const names = [...Object.keys(bad), 'SW_AGENT_COLLECTOR_BACKEND_SERVICES'];
    expect(new Set(warned)).toEqual(new Set(names));
    expect(log).not.toContain('ken');
    expect(oap.segments).toHaveLength(1);
  },
);

test.concurrent(
  'values for OTLP that cannot be used: each is a warning with the name of its variable, and calls are traced',
  async ({ start, expect, onTestFinished }) => {
    const otlp = await createOtlpCollector('http');
    onTestFinished(() => otlp.close());
    const bad = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'carrier-pigeon',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'zip',
      OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
      OTEL_EXPORTER_OTLP_HEADERS: 'sec ret',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_PROPAGATORS: 'smoke',
      OTEL_BSP_MAX_QUEUE_SIZE: '0',
      OTEL_BSP_SCHEDULE_DELAY: 'NaN',
      OTEL_LOG_LEVEL: 'loud',
    };
    const env = { ...bad, OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint };
    const app = await start({ files: TAKE, packages: packages('@ofn/tracing'), env });
    expect((await call(app.url)).status).toBe(200);
    const log = await logOf(app);
    for (const name of Object.keys(bad)) expect(log).toContain(`${name}: `);
    expect(log).not.toContain('sec ret');
    expect(otlp.spans).toMatchObject([{ name: 'take' }]);
  },
);

test.concurrent(
  '@ofn/tracing is not installed: a warning says how to install it, and calls are served',
  async ({ start, expect }) => {
    const app = await start({
      files: TAKE,
      env: { SW_AGENT_COLLECTOR_BACKEND_SERVICES: '127.0.0.1:1' },
    });
    const { msg } = await app.logged(({ level }) => level === 'warn');
    expect(msg).toContain('npm install @ofn/tracing');
    expect(msg).toContain('SW_AGENT_COLLECTOR_BACKEND_SERVICES');
    expect((await call(app.url)).text).toBe('{}');
    await logOf(app);
  },
);

const FOREIGN: Readonly<Record<string, string>> = {
  'throws when it is loaded': `throw new Error('broken');`,
  'is not JavaScript': `export const createTracing = (`,
  'has another export': `export default 1;`,
  'throws when it is made': `export const createTracing = () => { throw 'broken'; };`,
  rejects: `export const createTracing = async () => { await null; throw new Error('broken'); };`,
  'makes a text': `export const createTracing = () => 'tracing';`,
  'makes a plugin that does not trace': `export const createTracing = () => ({ name: 'tracing' });`,
};

test.concurrent.for(Object.entries(FOREIGN))(
  'an @ofn/tracing that %s: a warning, and calls are served',
  async ([, source], { start, expect }) => {
    const app = await start({
      files: {
        ...TAKE,
        'node_modules/@ofn/tracing/package.json': '{"type":"module","version":"9.0.0"}',
        'node_modules/@ofn/tracing/index.js': source,
      },
      args: ['--tracing', 'skywalking'],
    });
    const { msg } = await app.logged(({ level }) => level === 'warn');
    expect(msg).toMatch(/@ofn\/tracing failed/);
    expect((await call(app.url)).text).toBe('{}');
    expect((await logOf(app)).match(/"level":"warn"/g)).toHaveLength(1);
  },
);

test.concurrent(
  'probes and metrics make no segments',
  async ({ collector, startTraced, expect }) => {
    const oap = await collector();
    const app = await startTraced('orders', oap, {
      files: TAKE,
      args: ['--health-routes', '--admin-port', '0'],
    });
    const { msg = '' } = await app.logged(
      ({ msg }) => msg?.startsWith('health and metrics') === true,
    );
    const [admin = ''] = /http:\S+/.exec(msg) ?? [];
    const probes = [`${app.url}/healthz`, `${app.url}/readyz`];
    const onAdmin = ['healthz', 'readyz', 'metrics'].map((path) => `${admin}/${path}`);
    for (const url of [...probes, ...onAdmin]) expect((await call(url)).status).toBe(200);
    await call(`${app.url}/orders`);
    await logOf(app);
    expect(pathsOf(oap.segments)).toEqual(['/orders']);
  },
);

// The SDK as a user installs it, with the API that it was made for.
const SDK = fileURLToPath(
  new URL('../../packages/tracing/node_modules/@opentelemetry/', import.meta.url),
);
const OWN_SDK = {
  ...packages('@ofn/tracing'),
  '@opentelemetry/api': `${SDK}api`,
  '@opentelemetry/sdk-trace-base': `${SDK}sdk-trace-base`,
  '@opentelemetry/context-async-hooks': `${SDK}context-async-hooks`,
};

test.concurrent(
  'an SDK of OpenTelemetry that user code has registered before keeps its place, and gets the spans of calls',
  async ({ start, expect, onTestFinished }) => {
    const otlp = await createOtlpCollector('http');
    onTestFinished(() => otlp.close());
    const app = await start({
      packages: OWN_SDK,
      files: {
        'package.json': '{"type":"module"}',
        'register.js': `
          import { context, trace } from '@opentelemetry/api';
          import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
          import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
          const exporter = {
            export(spans, done) {
              for (const span of spans) {
                const { traceId, spanId } = span.spanContext();
                const parent = span.parentSpanContext?.spanId;
                console.log(JSON.stringify({ span: span.name, traceId, spanId, parent }));
              }
              done({ code: 0 });
            },
            shutdown: async () => {},
          };
          trace.setGlobalTracerProvider(
            new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] }),
          );
          context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
        `,
        'index.js': `
          import { openfunction } from '@ofn/core';
          import { trace } from '@opentelemetry/api';
          const tracer = trace.getTracer('shop');
          openfunction('take', async (ctx) => {
            await null;
            tracer.startActiveSpan('price', (span) => span.end());
            return ctx.trace.traceId;
          });
        `,
      },
      env: {
        NODE_OPTIONS: '--import ./register.js',
        OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
      },
    });
    const { text } = await postJson(app.url, {});
    const lines = (await logOf(app)).split('\n').filter((line) => line.startsWith('{"span"'));
    const spans = lines.map((line) => JSON.parse(line) as Record<string, string>);
    const entry = spans.find(({ span }) => span === 'take');
    expect(spans).toHaveLength(2);
    expect(entry).toMatchObject({ traceId: text });
    expect(spans.find(({ span }) => span === 'price')).toMatchObject({
      traceId: text,
      parent: entry?.['spanId'],
    });
    expect(otlp.exports).toEqual([]);
  },
);
