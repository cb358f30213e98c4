// What user code tells a span that no span should be told, and what it throws: a call ends as it would
// without tracing. OpenTelemetry's API never throws, and its SDK leaves out what it cannot take.
import { call } from '@ofn-test/system/call';
import type { ServingFunction } from '@ofn-test/system/start-function';
import { packages, test } from './start-traced.ts';

const FILES = {
  'package.json': '{"type":"module"}',
  'index.js': `
    import { openfunction } from '@ofn/core';
    import { SpanKind, trace } from '@opentelemetry/api';
    const cyclic = [];
    cyclic.push(cyclic);
    const values = {
      null: null,
      undefined,
      NaN,
      bigint: 1n,
      symbol: Symbol('s'),
      // As the query of a request is one.
      'object without a prototype': Object.create(null),
      'object that cannot be a text': {
        toString() { throw new Error('toString'); },
        toJSON() { throw new Error('toJSON'); },
      },
      'array in itself': cyclic,
      'array of anything': [1n, Symbol('s'), Object.create(null), undefined],
      'half of a character': '\\ud800',
      NUL: '\\0',
      '100,000 letters': 'a'.repeat(100_000),
    };
    const tracer = trace.getTracer('hostile');
    const CLIENT = { kind: SpanKind.CLIENT };
    const ways = {
      'an attribute': (span, value) => span.setAttribute('a', value),
      'one of attributes': (span, value) => span.setAttributes({ a: value }),
      'an attribute at the start': (span, value) => {
        tracer.startSpan('s', { attributes: { a: value } }).end();
      },
      'a peer': (span, value) => {
        const attributes = { 'url.full': value, 'peer.service': value, 'server.address': value };
        tracer.startSpan('s', { ...CLIENT, attributes }).end();
      },
      'an attribute of an event': (span, value) => span.addEvent('e', { a: value }),
      'the message of a status': (span, value) => span.setStatus({ code: 2, message: value }),
    };
    const others = {
      'an event with null for its attributes': (span) => span.addEvent('e', null),
      'an exception that is undefined': (span) => span.recordException(undefined),
      'an exception that is null': (span) => span.recordException(null),
      'null for the time of the end': () => tracer.startSpan('s').end(null),
      'null for the time of the start': () => tracer.startSpan('s', { startTime: null }).end(),
      'a name that is a symbol': (span) => span.updateName(Symbol('s')),
      'an end that comes twice': (span) => { span.end(); span.setAttribute('a', 1).end(); },
      'an end that never comes': () => tracer.startSpan('s'),
      '5,000 spans': () => { for (let left = 5000; left > 0; left -= 1) tracer.startSpan('s').end(); },
    };
    const cases = [
      ...Object.entries(others),
      ...Object.entries(ways).flatMap(([way, tell]) =>
        Object.entries(values).map(([name, value]) =>
          [way + ': ' + name, (span) => tell(span, value)])),
    ];
    openfunction('tell', { path: '/tell' }, async (ctx) => {
      const failed = [];
      for (const [name, tell] of cases) {
        await ctx.trace.span('around', async () => {
          const span = tracer.startSpan('span');
          try {
            tell(span);
            span.end();
          } catch (error) {
            failed.push(name + ': ' + error.message);
          }
        });
      }
      return { failed, told: cases.length };
    });
    openfunction('deep', { path: '/deep' }, (ctx) => {
      const deeper = (left) => left === 0 ? 'ok' : ctx.trace.span('s', () => deeper(left - 1));
      return deeper(500);
    });
    openfunction('throw', { path: '/throw' }, (ctx) => {
      const { where, index } = ctx.req.query;
      const value = Object.values(values)[index];
      if (where === 'span') return ctx.trace.span('s', () => { throw value; });
      if (where === 'promise') return ctx.trace.span('s', async () => { throw value; });
      throw value;
    });
  `,
};
const VALUES = 12;

/** A process whose spans go by a provider, or nowhere. */
const PROVIDERS = {
  none: {},
  skywalking: { SW_AGENT_COLLECTOR_BACKEND_SERVICES: '127.0.0.1:1' },
  opentelemetry: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
};

const traced = test.extend<{
  startWith: (provider: keyof typeof PROVIDERS) => Promise<ServingFunction>;
}>({
  startWith: async ({ start }, use) => {
    await use((provider) =>
      start({
        files: FILES,
        packages: packages('@ofn/tracing', '@opentelemetry/api'),
        env: PROVIDERS[provider],
      }),
    );
  },
});

traced.concurrent.for(['none', 'skywalking', 'opentelemetry'] as const)(
  'with provider %s nothing that a span is told throws',
  async (provider, { startWith, expect }) => {
    const app = await startWith(provider);
    const { text } = await call(`http://localhost:${app.port}/tell`);
    expect(JSON.parse(text)).toEqual({ failed: [], told: 6 * VALUES + 9 });
  },
);

traced.concurrent.for(['skywalking', 'opentelemetry'] as const)(
  'with provider %s whatever is thrown gets the answer that it gets without tracing',
  async (provider, { startWith, expect }) => {
    const [plain, app] = await Promise.all([startWith('none'), startWith(provider)]);
    const failureOf = async ({ port }: ServingFunction, path: string): Promise<unknown> => {
      const { status, text } = await call(`http://localhost:${port}${path}`);
      return [status, text.replace(/"invocation":"[^"]*"/, '')];
    };
    for (const where of ['call', 'span', 'promise']) {
      for (let index = 0; index < VALUES; index += 1) {
        const path = `/throw?where=${where}&index=${index}`;
        expect(await failureOf(app, path)).toEqual(await failureOf(plain, path));
      }
    }
    expect((await call(`http://localhost:${app.port}/deep`)).text).toBe('ok');
  },
);
