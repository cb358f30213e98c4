// Headers of a trace that nobody should send: calls are answered as without tracing, and begin a trace
// of their own; the next function gets none of it.
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSidecar, type Sidecar } from '@ofn/sidecar';
import { connect } from '@ofn-test/system/connection';
import {
  serving,
  startProcess,
  type Process,
  type ServingFunction,
} from '@ofn-test/system/start-function';
import { findFreePorts } from '@ofn-test/dapr/free-ports';
import { afterAll, beforeAll, describe, test } from 'vitest';
import {
  createOtlpCollector,
  type OtlpCollector,
} from '../../packages/tracing/src/opentelemetry/otlp-collector.fixture.ts';
import { startCollector, type CollectedSegment, type Collector } from '@ofn/tracing/testing';
import { packages } from './start-traced.ts';

const b64 = (text: string): string => Buffer.from(text).toString('base64');
/** `sw8` of parts as they are. */
const sw8 = (...parts: readonly string[]): string => parts.join('-');
const VALID = [
  '1',
  b64('trace'),
  b64('1.2.3'),
  '4',
  b64('shop'),
  b64('shop-1'),
  b64('/'),
  b64('me'),
];
/** A valid `sw8` but for one part. */
const sw8But = (index: number, part: string): string => sw8(...VALID.with(index, part));
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;

type Fields = readonly (readonly [name: string, value: string])[];

/** What is sent, by what is wrong with it; none of it is a trace to go on from. */
const HOSTILE: Readonly<Record<string, Fields>> = {
  'an empty sw8': [['sw8', '']],
  'an sw8 of one word': [['sw8', 'hostile']],
  'an sw8 of seven parts': [['sw8', sw8(...VALID.slice(1))]],
  'an sw8 of nine parts': [['sw8', sw8(...VALID, b64('more'))]],
  'an sw8 of separators': [['sw8', '-'.repeat(7)]],
  'an sw8 of 10,000 separators': [['sw8', '-'.repeat(10_000)]],
  'an sw8 of 10,000 commas': [['sw8', ','.repeat(10_000)]],
  'an sw8 of 14,000 letters': [['sw8', 'A'.repeat(14_000)]],
  'an sw8 with a trace id of 10,000 letters': [['sw8', sw8But(1, b64('t'.repeat(7500)))]],
  'an sw8 with another sample flag': [['sw8', sw8But(0, '2')]],
  'an sw8 that is not base64': [['sw8', sw8But(1, '%%%%')]],
  'an sw8 without a trace id': [['sw8', sw8But(1, '')]],
  'an sw8 without a segment id': [['sw8', sw8But(2, '')]],
  'an sw8 without a service': [['sw8', sw8But(4, '')]],
  'an sw8 with a NUL in its trace id': [['sw8', sw8But(1, b64('tr\0ace'))]],
  'an sw8 with line ends in its segment id': [['sw8', sw8But(2, b64('1\r\nset-cookie: a=b'))]],
  'an sw8 with a trace id that is not UTF-8': [['sw8', sw8But(1, '/////w==')]],
  'an sw8 with a negative span id': [['sw8', sw8But(3, '').replace('--', '--1-')]],
  'an sw8 with a span id that is no number': [['sw8', sw8But(3, 'NaN')]],
  'an sw8 with a span id of many digits': [['sw8', sw8But(3, '9'.repeat(400))]],
  'an sw8 with a fractional span id': [['sw8', sw8But(3, '1.5')]],
  'two sw8': [
    ['sw8', sw8(...VALID)],
    ['sw8', sw8(...VALID)],
  ],
  'an empty traceparent': [['traceparent', '']],
  'a traceparent of zeros': [['traceparent', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`]],
  'a traceparent without a span': [['traceparent', `00-${TRACE}-${'0'.repeat(16)}-01`]],
  'a traceparent in capitals': [['traceparent', TRACEPARENT.toUpperCase()]],
  'a traceparent of version ff': [['traceparent', TRACEPARENT.replace('00', 'ff')]],
  'a traceparent of version 00 that goes on': [['traceparent', `${TRACEPARENT}-more`]],
  'a traceparent of 14,000 letters': [['traceparent', 'a'.repeat(14_000)]],
  'a traceparent of 10,000 separators': [['traceparent', '-'.repeat(10_000)]],
  'two traceparents': [
    ['traceparent', TRACEPARENT],
    ['traceparent', TRACEPARENT],
  ],
  'a tracestate without a traceparent': [['tracestate', 'vendor=hostile']],
  'a tracestate beside a malformed traceparent': [
    ['traceparent', 'hostile'],
    ['tracestate', 'vendor=hostile'],
  ],
  'a tracestate beside a malformed sw8': [
    ['sw8', 'hostile'],
    ['tracestate', 'vendor=hostile'],
  ],
  'an sw8-x of anything': [
    ['sw8', 'hostile'],
    ['sw8-x', 'hostile'],
  ],
  'a correlation of anything': [
    ['sw8', 'hostile'],
    ['sw8-correlation', 'hostile'],
  ],
  'a correlation that is not base64': [
    ['sw8', 'hostile'],
    ['sw8-correlation', '%%:%%,hostile:%%'],
  ],
  'a correlation of 10,000 commas': [
    ['sw8', 'hostile'],
    ['sw8-correlation', ','.repeat(10_000)],
  ],
  'a correlation of 10,000 colons': [
    ['sw8', 'hostile'],
    ['sw8-correlation', ':'.repeat(10_000)],
  ],
  'a correlation of 14,000 letters': [
    ['sw8', 'hostile'],
    ['sw8-correlation', `${b64('k')}:${'A'.repeat(13_996)}`],
  ],
  'an empty baggage': [['baggage', '']],
  'a baggage of anything': [['baggage', 'hostile']],
  'a baggage without names': [['baggage', '=hostile,=hostile,;hostile']],
  'a baggage of 10,000 commas': [['baggage', ','.repeat(10_000)]],
  'a baggage that is encoded in part': [['baggage', 'hostile=%E0%A4%A,%=hostile']],
  'a baggage of 14,000 letters': [['baggage', `hostile=${'a'.repeat(13_990)}`]],
  'everything at once': [
    ['sw8', sw8But(3, '-1')],
    ['sw8-x', 'hostile'],
    ['sw8-correlation', '__proto__'],
    ['traceparent', 'hostile'],
    ['tracestate', 'hostile'],
    ['baggage', '=hostile'],
  ],
};

const CASES = Object.entries(HOSTILE).map(([title, fields], index) => ({ title, fields, index }));

const FILES = {
  'package.json': '{"type":"module"}',
  'index.js': `
    import { openfunction, topic } from '@ofn/core';
    const next = async (path) => {
      await (await fetch(process.env.NEXT + path)).text();
    };
    if (process.env.DAPR_HTTP_PORT) topic('hostile', { pubsub: 'mq' }, (ctx, path) => next(path));
    else openfunction('hostile', async (ctx) => {
      await next(ctx.req.path);
      return 'ok';
    });
  `,
};

/** Which headers came to the next function, by path. */
const received = new Map<string, IncomingHttpHeaders>();
const next = createServer((req, res) => {
  received.set(req.url ?? '', req.headers);
  res.end('ok');
});
const running: Process[] = [];
const sidecars: Sidecar[] = [];
let oap: Collector;
let otlp: OtlpCollector;
const env = {
  plain: (): Record<string, string> => ({}),
  skywalking: (): Record<string, string> => ({
    SW_AGENT_COLLECTOR_BACKEND_SERVICES: oap.address,
  }),
  opentelemetry: (): Record<string, string> => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: otlp.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: '20',
  }),
};

beforeAll(async () => {
  await once(next.listen(0, '127.0.0.1'), 'listening');
  [oap, otlp] = await Promise.all([startCollector(), createOtlpCollector('http')]);
});

afterAll(async () => {
  await Promise.all(sidecars.map((sidecar) => sidecar.stop()));
  await Promise.all(running.map(({ end }) => end()));
  await Promise.all([oap.stop(), otlp.close()]);
  next.close();
});

async function startServing(
  tracing: keyof typeof env,
  args: string[],
  variables = {},
): Promise<ServingFunction> {
  const { port } = next.address() as AddressInfo;
  const command = startProcess({
    files: FILES,
    packages: packages('@ofn/tracing'),
    args,
    env: { NEXT: `http://127.0.0.1:${port}`, ...env[tracing](), ...variables },
  });
  running.push(command);
  return serving(command);
}

/** The reply to a call with headers as they are, without what differs from call to call. */
async function replyOf({ port }: ServingFunction, path: string, fields: Fields): Promise<string> {
  const connection = await connect(port);
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
  connection.send(Buffer.from(`${head}${lines}\r\n`, 'latin1'));
  return (await connection.closed).replace(/^(?:date|x-invocation-id): .*\r\n/gim, '');
}

function segmentsOf(path: string): CollectedSegment[] {
  return oap.segments.filter(({ spansList }) =>
    spansList.some(({ tagsList }) =>
      tagsList.some(({ key, value }) => key === 'http.url' && value.endsWith(path)),
    ),
  );
}

const ANSWERED = /^HTTP\/1.1 200 [^]*ok$/;
const PROPAGATED = ['sw8', 'sw8-x', 'sw8-correlation', 'traceparent', 'tracestate', 'baggage'];

/** What the next function got of the headers of a trace; `undefined` when it was not called. */
function sentOn(path: string): Record<string, unknown> | undefined {
  const headers = received.get(path);
  if (headers === undefined) return undefined;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => PROPAGATED.includes(name)));
}

const NEW_SW8 = /^1(?:-[\w+/]+={0,2}){2}-\d+(?:-[\w+/]+={0,2}){4}$/;
const NEW_TRACEPARENT = new RegExp(`^00-(?!${TRACE})[0-9a-f]{32}-[0-9a-f]{16}-0[01]$`);

describe('over HTTP', () => {
  const replies = { plain: [''], skywalking: [''], opentelemetry: [''] };
  let app: ServingFunction;

  // All at once, since a collector gets a report each second.
  beforeAll(async () => {
    const all = (['plain', 'skywalking', 'opentelemetry'] as const).map(async (tracing) => {
      const started = await startServing(tracing, ['--port', '0']);
      replies[tracing] = [];
      for (const { fields, index } of CASES) {
        replies[tracing].push(await replyOf(started, `/${tracing}/${index}/`, fields));
      }
      return started;
    });
    [, app] = (await Promise.all(all)) as [ServingFunction, ServingFunction];
    await oap.waitForSegments(CASES.length);
  });

  test.for(CASES)(
    '$title: the answer is that of a function without tracing',
    ({ index }, { expect }) => {
      expect(replies.plain[index]).toMatch(ANSWERED);
      expect(replies.skywalking[index]).toBe(replies.plain[index]);
      expect(replies.opentelemetry[index]).toBe(replies.plain[index]);
    },
  );

  test.for(CASES)('$title: SkyWalking gets a new trace', ({ index }, { expect }) => {
    const path = `/skywalking/${index}/`;
    const [segment] = segmentsOf(path);
    expect(segment?.spansList.flatMap(({ refsList }) => refsList)).toEqual([]);
    expect(segment?.traceid).toMatch(/^[\da-f]{32}$/);
    const { sw8: header, traceparent, ...others } = sentOn(path) ?? {};
    expect(header).toMatch(NEW_SW8);
    expect(String(header)).toContain(b64(segment?.traceid ?? '?'));
    expect(traceparent).toMatch(NEW_TRACEPARENT);
    expect(others).toEqual({});
  });

  test.for(CASES)('$title: the next function gets a new trace of OTLP', ({ index }, { expect }) => {
    const { traceparent, ...others } = sentOn(`/opentelemetry/${index}/`) ?? {};
    expect(traceparent).toMatch(NEW_TRACEPARENT);
    expect(others).not.toHaveProperty('tracestate');
    expect(others).not.toHaveProperty('baggage');
  });

  async function sentOnOf(
    path: string,
    ...fields: Fields
  ): Promise<Record<string, unknown> | undefined> {
    const reply = await replyOf(app, path, fields);
    if (!ANSWERED.test(reply)) throw new Error(`the reply was ${reply}`);
    return sentOn(path);
  }

  test('a valid sw8 after all of them: its trace goes on', async ({ expect }) => {
    const sent = await sentOnOf('/valid/', ['sw8', sw8(...VALID)]);
    expect(sent?.['sw8']).toMatch(/^1-dHJhY2U=-/);
    await oap.waitFor('its segment', () => segmentsOf('/valid/').length > 0);
    expect(segmentsOf('/valid/')[0]).toMatchObject({
      spansList: [{}, { refsList: [{ traceid: 'trace', parentservice: 'shop', parentspanid: 4 }] }],
    });
  });

  test('a valid traceparent beside a malformed sw8 goes on', async ({ expect }) => {
    const sent = await sentOnOf(
      '/w3c/',
      ['sw8', 'hostile'],
      ['traceparent', TRACEPARENT],
      ['tracestate', 'a=b'],
    );
    expect(sent).toMatchObject({ traceparent: expect.stringContaining(TRACE), tracestate: 'a=b' });
    expect(sent?.['sw8']).toMatch(NEW_SW8);
  });

  test('a valid sw8 beside a malformed traceparent goes on', async ({ expect }) => {
    const sent = await sentOnOf('/sw8/', ['sw8', sw8(...VALID)], ['traceparent', 'hostile']);
    expect(sent?.['sw8']).toMatch(/^1-dHJhY2U=-/);
    expect(sent?.['traceparent']).toMatch(NEW_TRACEPARENT);
  });

  test('names of prototypes are names like others', async ({ expect }) => {
    const names = ['__proto__', 'constructor', 'toString'];
    const correlation = names.map((name) => `${b64(name)}:${b64('hostile')}`).join();
    const sent = await sentOnOf(
      '/names/',
      ['sw8', sw8(...VALID)],
      ['sw8-correlation', correlation],
    );
    expect(sent?.['sw8-correlation']).toBe(correlation);
    expect(sent?.['baggage']).toBe(names.map((name) => `${name}=hostile`).join());
    const baggage = await sentOnOf('/baggage/', [
      'baggage',
      '__proto__=hostile,constructor=hostile,good=1',
    ]);
    expect(baggage?.['baggage']).toMatch(/(?:^|,)good=1/);
    const after = await sentOnOf('/after/');
    expect(Object.keys(after ?? {}).toSorted()).toEqual(['sw8', 'traceparent']);
  });

  test('control characters in a correlation go on encoded', async ({ expect }) => {
    const value = 'a\0b\r\nset-cookie: c=d,e;f';
    const correlation = `${b64('key\r\n')}:${b64(value)}`;
    const sent = await sentOnOf(
      '/control/',
      ['sw8', sw8(...VALID)],
      ['sw8-correlation', correlation],
    );
    expect(sent?.['sw8-correlation']).toBe(correlation);
    expect(sent?.['baggage']).toBe(`${encodeURIComponent('key\r\n')}=${encodeURIComponent(value)}`);
  });

  test('the well-formed part of a correlation and of a baggage goes on', async ({ expect }) => {
    const sent = await sentOnOf(
      '/parts/',
      ['sw8', sw8(...VALID)],
      ['sw8-correlation', `hostile,%%:%%,${b64('good')}:${b64('1')},:,`],
      ['baggage', 'hostile,=hostile,fine=2,%E0%A4%A=hostile,,;'],
    );
    expect(sent?.['sw8-correlation']).toBe(`${b64('good')}:${b64('1')},${b64('fine')}:${b64('2')}`);
    expect(sent?.['baggage']).toBe('good=1,fine=2');
  });

  test('characters that no header may have are refused as without tracing', async ({ expect }) => {
    const refused = await replyOf(app, '/refused/', [['sw8', '1-\0-\x01']]);
    expect(refused).toMatch(/^HTTP\/1.1 400 /);
    expect(received.has('/refused/')).toBe(false);
  });

  test('the sample flag 0: no segment, and the headers go on as they came', async ({ expect }) => {
    const header = sw8But(0, '0');
    const sent = await sentOnOf('/unsampled/', ['sw8', header], ['sw8-x', '0-1600000000000']);
    expect(sent).toEqual({ sw8: header, 'sw8-x': '0-1600000000000' });
    await sentOnOf('/sampled/');
    // Segments come in the order of the calls.
    await oap.waitFor('the next segment', () => segmentsOf('/sampled/').length > 0);
    expect(segmentsOf('/unsampled/')).toEqual([]);
  });
});

const CRLF = 'hostile\r\nset-cookie: a';
/** Attributes of events, which may hold what no header can. */
const EVENTS = [
  ...CASES.map(({ title, fields }) => ({
    title,
    attributes: Object.fromEntries(fields.map(([name, value]) => [name.replace('-', ''), value])),
  })),
  { title: 'an sw8 with line ends', attributes: { sw8: CRLF } },
  { title: 'an sw8 with a NUL', attributes: { sw8: '1-\0' } },
  {
    title: 'a traceparent with line ends',
    attributes: { sw8: 'a', traceparent: `${TRACEPARENT}\r\n` },
  },
  {
    title: 'a tracestate with line ends',
    attributes: { traceparent: TRACEPARENT, tracestate: CRLF },
  },
  { title: 'a baggage with line ends', attributes: { baggage: CRLF } },
  { title: 'a correlation with line ends', attributes: { sw8: 'a', sw8correlation: CRLF } },
  { title: 'an sw8-x with line ends', attributes: { sw8: 'a', sw8x: CRLF } },
  {
    title: 'an unsampled trace with line ends beside its sw8',
    attributes: { sw8: sw8But(0, '0'), tracestate: CRLF, sw8x: CRLF, traceparent: CRLF },
  },
  { title: 'an sw8 that is a number', attributes: { sw8: 5, traceparent: 5, baggage: true } },
].map((each, index) => ({ ...each, index }));

describe.each([
  ['skywalking', 'http'],
  ['skywalking', 'grpc'],
  ['opentelemetry', 'http'],
  ['opentelemetry', 'grpc'],
] as const)('as attributes of events, with %s, over %s', (tracing, protocol) => {
  const outcomes: string[][] = [];
  const pathOf = (index: number): string => `/${tracing}/${protocol}/${index}/`;

  beforeAll(async () => {
    const [appPort = 0] = await findFreePorts(1);
    const sidecar = await createSidecar({
      components: [{ name: 'mq', type: 'pubsub.in-memory' }],
      appPort,
      appProtocol: protocol,
      gracefulShutdownSeconds: 0.1,
    });
    sidecars.push(sidecar);
    await startServing(tracing, ['--port', String(appPort), '--app-protocol', protocol], {
      DAPR_HTTP_PORT: String(sidecar.httpPort),
    });
    await sidecar.appReady();
    for (const { attributes, index } of EVENTS) {
      const event = {
        specversion: '1.0',
        id: `event-${index}`,
        source: 'test',
        type: 'test',
        ...attributes,
      };
      const before = sidecar.journal.entries.length;
      await sidecar.publish(
        'mq',
        'hostile',
        { ...event, datacontenttype: 'application/json', data: pathOf(index) },
        { contentType: 'application/cloudevents+json' },
      );
      await sidecar.idle();
      outcomes[index] = sidecar.journal.entries.slice(before).map(({ outcome }) => outcome);
    }
  });

  test.for(EVENTS)(
    '$title: the event is taken, and the next function called',
    ({ index }, { expect }) => {
      expect(outcomes[index]).toEqual(['published', 'delivered', 'acked']);
      const sent = sentOn(pathOf(index));
      expect(sent).toBeDefined();
      // The other provider passes SkyWalking's headers on as they came.
      if (tracing === 'opentelemetry' || sent?.['sw8'] === sw8But(0, '0')) return;
      expect(sent?.['sw8']).toMatch(NEW_SW8);
      expect(JSON.stringify(sent)).not.toContain('hostile');
    },
  );
});
