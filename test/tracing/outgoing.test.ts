// What user code sends by http and by fetch: with tracing it goes out, comes back and fails as without,
// beside the headers of the trace, which are sent once.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { call } from '@ofn-test/system/call';
import { packages, test as base } from './start-traced.ts';

const FILES = {
  'package.json': '{"type":"module"}',
  'index.js': `
    import http from 'node:http';
    import { openfunction } from '@ofn/core';
    const { NEXT } = process.env;
    const { hostname, host, port } = new URL(NEXT);
    const answerOf = (request) => new Promise((resolve, reject) => {
      request.on('error', reject).on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more) => (text += more)).on('end', () => resolve(text));
      });
    });
    const send = (...args) => answerOf(http.request(...args).end());
    const get = async (...args) => (await fetch(...args)).text();
    const cases = {
      'a URL': () => send(NEXT + '/url'),
      'headers as an object': () => send(NEXT, { headers: { 'X-A': '1', 'x-b': ['2', '3'] } }),
      'headers as a list': () => send(NEXT, { headers: ['Host', host, 'X-A', '1', 'x-b', '2'] }),
      'headers as pairs': () => send(NEXT, { headers: [['Host', host], ['X-A', '1'], ['X-A', '2']] }),
      'frozen options': () => send(Object.freeze({ hostname, port, headers: Object.freeze({ a: '1' }) })),
      'a host of its own': () => send({ hostname, port, headers: { Host: 'shop' } }),
      'a request made by hand': () => answerOf(new http.ClientRequest(NEXT).end()),
      'a header set late': () => {
        const request = http.request(NEXT);
        request.setHeader('x-late', '1');
        return answerOf(request.end());
      },
      'a body in parts': () => {
        const request = http.request(NEXT, { method: 'POST' });
        request.write('a');
        return answerOf(request.end('b'));
      },
      'no URL': () => send('http://[bad'),
      'another protocol': () => send('ftp://shop'),
      'nobody there': () => send('http://127.0.0.1:1'),
      'an answer that does not come': () => {
        const request = http.get(NEXT + '/never');
        request.on('socket', () => request.destroy(new Error('given up')));
        return answerOf(request);
      },
      'fetch': () => get(NEXT + '/fetch', { headers: [['x-a', '1'], ['x-a', '2']] }),
      'fetch of a Request': () => get(new Request(NEXT, { method: 'POST', body: 'a', headers: { a: '1' } })),
      'fetch with a redirect': () => get(NEXT + '/redirect'),
      'fetch of no URL': () => get('nonsense'),
      'fetch from nobody': () => get('http://127.0.0.1:1'),
      'fetch that is aborted': () => get(NEXT, { signal: AbortSignal.abort() }),
    };
    openfunction('all', { path: '/all' }, async () => {
      const results = {};
      for (const [name, run] of Object.entries(cases)) {
        results[name] = await Promise.resolve().then(run).catch((error) => [error.name, error.code, error.message]);
      }
      return results;
    });
    openfunction('by hand', { path: '/by-hand' }, async (ctx) => {
      const { propagation: headers } = ctx;
      return [await get(NEXT, { headers }), await send(NEXT, { headers })];
    });
  `,
};

const TRACE = /^(?:traceparent|tracestate|baggage|sw8|sw8-correlation|sw8-x)$/;

/** What came, as JSON; the headers of a trace last. */
async function describeRequest(req: IncomingMessage): Promise<string> {
  const { method, url, headers, rawHeaders } = req;
  const pairs = rawHeaders
    .flatMap((name, index, all) => (index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : []))
    .filter((pair) => !TRACE.test(pair.replace(/:.*/s, '').toLowerCase()));
  const trace = Object.fromEntries(Object.entries(headers).filter(([name]) => TRACE.test(name)));
  const body = (await req.toArray()).join('');
  return JSON.stringify({ method, url, pairs, body, trace });
}

const test = base.extend<{ next: string }>({
  next: async ({ onTestFinished }, use) => {
    const server = createServer((req, res) => {
      if (req.url === '/redirect') res.writeHead(302, { location: '/redirected' }).end();
      else if (req.url !== '/never') {
        describeRequest(req).then(
          (text) => res.end(text),
          () => res.destroy(),
        );
      }
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  },
});

const PROVIDERS = {
  skywalking: { SW_AGENT_COLLECTOR_BACKEND_SERVICES: '127.0.0.1:1' },
  opentelemetry: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
};

test.concurrent.for(['skywalking', 'opentelemetry'] as const)(
  'with provider %s requests go out, come back and fail as without tracing',
  async (provider, { start, next, expect }) => {
    const options = { files: FILES, packages: packages('@ofn/tracing') };
    const [plain, app] = await Promise.all([
      start({ ...options, env: { NEXT: next } }),
      start({ ...options, env: { NEXT: next, ...PROVIDERS[provider] } }),
    ]);
    const [expected, actual] = await Promise.all(
      [plain, app].map(async ({ port }) => {
        const { text } = await call(`http://localhost:${port}/all`);
        return JSON.parse(text.replaceAll(/,\\"trace\\":\{[^}]*\}/g, '')) as Record<
          string,
          unknown
        >;
      }),
    );
    expect(Object.keys(actual ?? {})).toHaveLength(19);
    expect(actual).toEqual(expected);
  },
);

test.concurrent.for(['skywalking', 'opentelemetry'] as const)(
  'with provider %s the headers that user code passes on by hand are sent once',
  async (provider, { start, next, expect }) => {
    const env = { NEXT: next, ...PROVIDERS[provider] };
    const app = await start({ files: FILES, packages: packages('@ofn/tracing'), env });
    const sent = {
      sw8: '1-dHJhY2U=-MS4yLjM=-4-c2hvcA==-c2hvcC0x-Lw==-bWU=',
      'sw8-correlation': 'dGVuYW50:YmxhdQ==',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      baggage: 'tenant=blau',
    };
    const { text } = await call(`http://localhost:${app.port}/by-hand`, { headers: sent });
    for (const answer of JSON.parse(text) as string[]) {
      const { trace } = JSON.parse(answer) as { trace: Record<string, string> };
      expect(trace).toEqual({
        ...sent,
        // Of the call itself: what user code says of the trace counts more than the span of the request.
        sw8: expect.stringMatching(/^1-dHJhY2U=(?:-[^-, ]+){5}-[^-, ]*$/),
        traceparent: expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-[\da-f]{16}-01$/),
      });
    }
  },
);
