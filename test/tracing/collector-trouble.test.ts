// Collectors that are down, hang, refuse, talk nonsense, or come late: calls get their answers, the log
// stays short, the process ends, and what was kept arrives once somebody takes it.
import { startCollector, type CollectedSegment, type Collector } from '@ofn/tracing/testing';
import {
  createOtlpCollector,
  type CollectorBehaviour as OtlpBehaviour,
} from '../../packages/tracing/src/opentelemetry/otlp-collector.fixture.ts';
import { call } from '@ofn-test/system/call';
import { findFreePorts } from '@ofn-test/dapr/free-ports';
import type { ServingFunction } from '@ofn-test/system/start-function';
import { vi } from 'vitest';
import { callMany, repeatCall } from './call-many.ts';
import { packages, test } from './start-traced.ts';

// Most of these wait, for a collector or for one that is given up.
vi.setConfig({ maxConcurrency: 12 });

const CALLS = 300;
// Of a start, a stop, and a few warnings between them; not one for each call.
const MOST_LINES = 10;
const files = {
  'package.json': '{"type":"module"}',
  'index.js': `
    import { openfunction } from '@ofn/core';
    openfunction('double', (ctx, { n }) => ({ n, double: 2 * n }));
  `,
};
const ANSWERS = Array.from({ length: CALLS }, (_, n) => ({ n, double: 2 * n }));

/** An address that nobody listens at. */
async function nowhere(): Promise<{ address: string; port: number }> {
  const [port = 0] = await findFreePorts(1);
  return { address: `127.0.0.1:${port}`, port };
}

async function answersOf({ port }: ServingFunction, path = '/'): Promise<unknown[]> {
  const replies = await callMany(`http://localhost:${port}${path}`, CALLS);
  return replies.map(({ text }) => JSON.parse(text));
}

/** What the log has once SIGTERM has ended the process. */
async function end(app: ServingFunction): Promise<{ code: number | null; lines: string[] }> {
  app.kill('SIGTERM');
  const { code, stdout, stderr } = await app.exit;
  return { code, lines: `${stdout}${stderr}`.trimEnd().split('\n') };
}

/** Ids of the segments that came of calls of a path; one that came twice counts once. */
function arrived({ segments }: Collector, path = ''): Set<string> {
  const isOf = ({ spansList }: CollectedSegment): boolean =>
    spansList.some(({ tagsList }) =>
      tagsList.some(({ key, value }) => key === 'http.url' && value.endsWith(path)),
    );
  return new Set(segments.filter(isOf).map(({ tracesegmentid }) => tracesegmentid));
}

// First, since they keep the processor busy while others wait.
const MEMORY = {
  'package.json': '{"type":"module"}',
  'index.js': `
    import { http } from '@ofn/core';
    http('double', { path: '/' }, (req, res) => res.end());
    http('heap', { path: '/heap' }, (req, res) => {
      gc();
      gc();
      res.json(process.memoryUsage().heapUsed);
    });
  `,
};
// Bytes for each thousand calls. One segment takes about 3 kB, and what is compiled meanwhile 30 kB.
const MOST_GROWTH = 100_000;

/** Bytes by which the heap grows with each thousand of calls, from the first 5,000 to 20,000. */
async function growthOf(app: ServingFunction): Promise<number> {
  const heap = async (): Promise<number> => Number((await call(`${app.url}/heap`)).text);
  await repeatCall(app.port, 5000);
  const early = await heap();
  await repeatCall(app.port, 15_000);
  return ((await heap()) - early) / 15;
}

test.concurrent(
  '20,000 calls without a collector: the heap does not grow',
  async ({ startTraced, expect }) => {
    const env = { SW_AGENT_MAX_BUFFER_SIZE: '50', NODE_OPTIONS: '--expose-gc' };
    const app = await startTraced('double', await nowhere(), { files: MEMORY, env });
    expect(await growthOf(app)).toBeLessThan(MOST_GROWTH);
  },
);

test.concurrent(
  '20,000 calls without a collector of OTLP: the heap does not grow',
  async ({ start, expect }) => {
    const { address } = await nowhere();
    const app = await start({
      files: MEMORY,
      packages: packages('@ofn/tracing'),
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}`,
        OTEL_BSP_MAX_QUEUE_SIZE: '50',
        NODE_OPTIONS: '--expose-gc',
      },
    });
    expect(await growthOf(app)).toBeLessThan(MOST_GROWTH);
  },
);

// These are the next ones, since a stop waits for as long as it does.
test.concurrent.for([
  'hang',
  'slow',
  'unimplemented',
  'permission-denied',
  'unavailable',
  'garbage',
] as const)(
  'SkyWalking with a collector that answers %s: all calls are answered, and SIGTERM ends the process',
  async (behaviour, { collector, startTraced, expect }) => {
    // One that is slow answers long after the end of the test.
    const oap = await collector({ behaviour, delay: 120_000 });
    const app = await startTraced('double', oap, { files });
    expect(await answersOf(app)).toEqual(ANSWERS);
    const { code, lines } = await end(app);
    expect(code).toBe(0);
    expect(lines.length).toBeLessThan(MOST_LINES);
    if (behaviour === 'slow') expect(arrived(oap).size).toBeGreaterThan(0);
    else expect(lines.join('\n')).toMatch(/"dropped":\d+/);
  },
);

test.concurrent.for([
  ['http/protobuf', 'hang'],
  ['grpc', 'hang'],
  ['http/protobuf', 'refuse'],
  ['grpc', 'refuse'],
  ['http/protobuf', 'garbage'],
  ['grpc', 'garbage'],
] as const satisfies [string, OtlpBehaviour][])(
  'OTLP over %s with a collector that answers %s: all calls are answered, and SIGTERM ends the process',
  async ([protocol, behaviour], { start, expect, onTestFinished }) => {
    const otlp = await createOtlpCollector(protocol === 'grpc' ? 'grpc' : 'http', behaviour);
    onTestFinished(() => otlp.close());
    const app = await start({
      files,
      packages: packages('@ofn/tracing'),
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: protocol },
    });
    expect(await answersOf(app)).toEqual(ANSWERS);
    const { code, lines } = await end(app);
    expect(code).toBe(0);
    expect(lines.length).toBeLessThan(MOST_LINES);
    // What an answer to a whole export says is not looked at.
    if (behaviour !== 'garbage') expect(lines.join('\n')).toMatch(/"spans":\d+/);
  },
);

test.concurrent(
  'OTLP with no collector: all calls are answered, and SIGTERM ends the process',
  async ({ start, expect }) => {
    const { address } = await nowhere();
    const app = await start({
      files,
      packages: packages('@ofn/tracing'),
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://${address}` },
    });
    expect(await answersOf(app)).toEqual(ANSWERS);
    const { code, lines } = await end(app);
    expect(code).toBe(0);
    expect(lines.length).toBeLessThan(MOST_LINES);
    expect(lines.join('\n')).toContain('Spans could not be sent');
  },
);

test.concurrent(
  'OTLP with a collector that refuses, then takes: what comes then arrives',
  async ({ start, expect, onTestFinished }) => {
    const otlp = await createOtlpCollector('http', 'refuse');
    onTestFinished(() => otlp.close());
    const app = await start({
      files,
      packages: packages('@ofn/tracing'),
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint, OTEL_BSP_SCHEDULE_DELAY: '20' },
    });
    expect(await answersOf(app)).toEqual(ANSWERS);
    await app.logged(({ msg }) => msg === 'Spans could not be sent');
    const refused = otlp.spans.length;
    otlp.behave('normal');
    expect(await answersOf(app)).toEqual(ANSWERS);
    await otlp.received(refused + CALLS);
    expect((await end(app)).code).toBe(0);
  },
);

test.concurrent(
  'SkyWalking with no collector: all calls are answered, and SIGTERM ends the process',
  async ({ startTraced, expect }) => {
    const app = await startTraced('double', await nowhere(), { files });
    expect(await answersOf(app)).toEqual(ANSWERS);
    const { code, lines } = await end(app);
    expect(code).toBe(0);
    expect(lines.length).toBeLessThan(MOST_LINES);
    expect(lines.join('\n')).toContain(`"dropped":${CALLS}`);
  },
);

test.concurrent(
  'a collector that comes late gets what was kept',
  async ({ collector, startTraced, expect }) => {
    const { address, port } = await nowhere();
    const app = await startTraced('double', { address }, { files });
    expect(await answersOf(app)).toEqual(ANSWERS);
    const oap = await collector({ port });
    await oap.waitFor('all segments', () => arrived(oap).size === CALLS, 30_000);
    const { code, lines } = await end(app);
    expect(code).toBe(0);
    expect(lines.length).toBeLessThan(MOST_LINES);
  },
);

test.concurrent(
  'the last segments are kept for a collector, as many as SW_AGENT_MAX_BUFFER_SIZE says',
  async ({ collector, startTraced, expect }) => {
    const { address, port } = await nowhere();
    const app = await startTraced(
      'double',
      { address },
      {
        files: {
          'package.json': '{"type":"module"}',
          'index.js': `
            import { openfunction } from '@ofn/core';
            openfunction('trace', ({ trace }) => 'sw8' in trace.propagation ? trace.traceId : '');
          `,
        },
        env: { SW_AGENT_MAX_BUFFER_SIZE: '20' },
      },
    );
    // As many begin in each second; the other calls are not recorded.
    const recorded: string[] = [];
    while (recorded.length < 50) {
      const { text } = await call(app.url);
      if (text !== '') recorded.push(text);
    }
    const oap = await collector({ port });
    await oap.waitFor('the segments', () => oap.segments.length > 0, 30_000);
    expect((await end(app)).code).toBe(0);
    expect(oap.segments.map(({ traceid }) => traceid)).toEqual(recorded.slice(-20));
  },
);

test.concurrent(
  'a collector in the place of something else gets what was kept',
  async ({ collector, startTraced, expect }) => {
    const other = await startCollector({ behaviour: 'garbage' });
    const app = await startTraced('double', other, { files });
    expect(await answersOf(app)).toEqual(ANSWERS);
    await other.stop();
    const oap = await collector({ port: other.port });
    await oap.waitFor('all segments', () => arrived(oap).size === CALLS, 30_000);
    expect((await end(app)).code).toBe(0);
  },
);

test.concurrent(
  'a collector that restarts in the middle gets the segments of before, between and after',
  async ({ collector, startTraced, expect }) => {
    const oap = await collector();
    const app = await startTraced('double', oap, { files });
    expect(await answersOf(app)).toEqual(ANSWERS);
    await oap.waitForSegments(1);
    const between = answersOf(app);
    await oap.restart();
    expect(await between).toEqual(ANSWERS);
    expect(await answersOf(app)).toEqual(ANSWERS);
    await oap.waitFor('all segments', () => arrived(oap).size === 3 * CALLS, 30_000);
    const { code, lines } = await end(app);
    expect(code).toBe(0);
    expect(lines.length).toBeLessThan(MOST_LINES);
  },
);

test.concurrent.for(['hang', 'unavailable', 'permission-denied'] as const)(
  'a collector that answered %s, and takes reports again, gets what comes then',
  async (behaviour, { collector, startTraced, expect }) => {
    const oap = await collector({ behaviour });
    const env: Record<string, string> =
      behaviour === 'hang' ? { SW_AGENT_TRACE_TIMEOUT: '1000' } : {};
    const app = await startTraced('double', oap, { files, env });
    expect(await answersOf(app)).toEqual(ANSWERS);
    // The second report is that of the segments that the first one did not deliver.
    await oap.waitFor('a second report', () => oap.reports.opened >= 2);
    oap.behave('normal');
    expect(await answersOf(app, '/then')).toEqual(ANSWERS);
    await oap.waitFor('the segments', () => arrived(oap, '/then').size === CALLS, 30_000);
    const { code, lines } = await end(app);
    expect(code).toBe(0);
    expect(lines.length).toBeLessThan(MOST_LINES);
  },
);
