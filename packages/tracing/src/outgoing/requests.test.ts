import { once } from 'node:events';
import http, { createServer, get, request, type IncomingHttpHeaders } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { traceOutgoingRequests } from './requests.ts';
import { createAgent, toSummary } from '../skywalking/agent.fixture.ts';
import { parseSw8 } from '../skywalking/sw8.ts';

const { agent, contextManager, propagator, segments, tracer } = createAgent();
const requests = {
  contextManager,
  propagator,
  tracerProvider: { getTracer: (scope: string) => tracer(scope) },
};
const received: IncomingHttpHeaders[] = [];
const server = createServer((req, res) => {
  received.push(req.headers);
  res.statusCode = req.url?.startsWith('/fails') === true ? 500 : 200;
  res.end('ok');
});
let url = '';
let release: () => void;

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  release = traceOutgoingRequests(requests);
});
afterAll(() => {
  release();
  server.close();
});
beforeEach(() => {
  segments.length = 0;
  received.length = 0;
});

const read = async (sent: http.ClientRequest): Promise<void> => {
  const [response] = (await once(sent, 'response')) as [http.IncomingMessage];
  await text(response);
};
const fromCommonJs = createRequire(import.meta.url)('node:http') as typeof http;

const clients: Readonly<Record<string, (to: string) => Promise<unknown>>> = {
  'http.request': (to) => read(http.request(to).end()),
  'http.get': (to) => read(http.get(to)),
  'request, imported by name': (to) => read(request(to).end()),
  'get, imported by name': (to) => read(get(to)),
  'http.request of CommonJS': (to) => read(fromCommonJs.request(to).end()),
  'http.request with an array of headers': (to) =>
    read(http.request(to, { headers: ['host', 'localhost', 'x-own', '1'] }).end()),
  fetch: async (to) => (await fetch(to, { headers: { 'x-own': '1' } })).text(),
};

/** Calls inside of a span, as a handler does; the segment is complete when this resolves. */
async function callInside(client: (to: string) => Promise<unknown>, to: string): Promise<void> {
  const finished = once(agent.emitter as never, 'segment-finished');
  const call = tracer('@ofn/core').startSpan('call', { kind: SpanKind.SERVER }, ROOT_CONTEXT);
  await contextManager.with(trace.setSpan(ROOT_CONTEXT, call), () => client(to));
  call.end();
  await finished;
}

test.each(Object.keys(clients))(
  '%s is an exit span, from which the trace goes on',
  async (name) => {
    const client = clients[name] ?? (() => Promise.reject(new Error('none')));
    await callInside(client, `${url}/path?secret=1`);
    const peer = url.slice('http://'.length);
    expect(segments.flatMap(({ spans }) => spans.map(toSummary))).toContainEqual(
      expect.objectContaining({
        id: 1,
        parentId: 0,
        operation: '/path',
        type: 'Exit',
        layer: 3,
        component: 2,
        peer,
        tags: expect.objectContaining({
          'http.method': 'GET',
          'http.url': `${url}/path`,
          'http.status_code': '200',
        }),
      }),
    );
    expect(parseSw8(received[0]?.['sw8']?.toString() ?? '')).toMatchObject({
      spanId: 1,
      endpoint: 'call',
      peer,
      segmentId: segments[0]?.segmentId.toString(),
    });
    expect(received[0]?.['traceparent']).toMatch(/^00-/);
  },
);

test.each(['http.get', 'fetch'])('%s that is answered 500 is an error', async (name) => {
  await callInside(clients[name] ?? (() => Promise.resolve()), `${url}/fails`);
  expect(segments[0]?.spans.map(toSummary)).toContainEqual(
    expect.objectContaining({ operation: '/fails', errored: true }),
  );
});

test.each(['http.get', 'fetch'])(
  '%s that cannot connect is an error, and rejects',
  async (name) => {
    const client = clients[name] ?? (() => Promise.resolve());
    const closed = createServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await callInside(
      (to) => expect(client(to)).rejects.toThrow(/ECONNREFUSED|fetch failed/),
      `http://127.0.0.1:${port}/none`,
    );
    expect(segments[0]?.spans.map(toSummary)).toContainEqual(
      expect.objectContaining({ operation: '/none', errored: true, peer: `127.0.0.1:${port}` }),
    );
  },
);

test('a URL of another library goes where it says', async () => {
  class OtherUrl {
    get href(): string {
      return `${url}/other`;
    }
    get protocol(): string {
      return 'http:';
    }
    get hostname(): string {
      return '127.0.0.1';
    }
    get port(): string {
      return new URL(url).port;
    }
    get pathname(): string {
      return '/other';
    }
    get search(): string {
      return '';
    }
    get hash(): string {
      return '';
    }
    toString(): string {
      return this.href;
    }
  }
  await callInside(() => read(http.request(new OtherUrl() as URL).end()), url);
  expect(segments[0]?.spans.map(({ operation }) => operation)).toContain('/other');
});

test.each([
  ['a method that is no text', { method: 7 }],
  ['a host that is no text', { host: 7 }],
])('%s is refused as without hooks', async (_, options) => {
  const send = (): unknown => http.request(options as unknown as http.RequestOptions);
  await callInside(async () => {
    expect(send).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }));
  }, url);
});

test('what comes in is no span of its own', async () => {
  await callInside(clients['fetch'] ?? (() => Promise.resolve()), url);
  expect(segments).toHaveLength(1);
  expect(segments[0]?.spans).toHaveLength(2);
});

test.each([
  ['http', { withoutHttp: true }, ['http.request', 'http.get']],
  ['fetch', { withoutFetch: true }, ['fetch']],
] as const)('%s is left alone when it is switched off', async (_, settings, names) => {
  release();
  const releaseSome = traceOutgoingRequests(requests, settings);
  try {
    for (const name of names) {
      segments.length = 0;
      await callInside(clients[name] ?? (() => Promise.resolve()), url);
      expect(segments[0]?.spans.map(({ operation }) => operation)).toEqual(['call']);
    }
    segments.length = 0;
    const other = names[0] === 'fetch' ? 'http.get' : 'fetch';
    await callInside(clients[other] ?? (() => Promise.resolve()), url);
    expect(segments[0]?.spans).toHaveLength(2);
  } finally {
    releaseSome();
    release = traceOutgoingRequests(requests);
  }
});
