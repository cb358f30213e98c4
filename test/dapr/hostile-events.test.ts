// What a hostile or broken client sends to the app channel, byte for byte over sockets: each gets the
// status that the documents say, and the process serves on.
import { connect as connectHttp2, constants, type IncomingHttpHeaders } from 'node:http2';
import { describe } from 'vitest';
import { call, type Reply } from '@ofn-test/system/call';
import { serving, type Command, type ServingFunction } from '@ofn-test/system/start-function';
import { createAppClient, type AppClient } from './app-client.ts';
import { moduleOf, test as base } from './start-dapr.ts';

const LIMIT = 64 * 1024;
const FILES = moduleOf(`
  topic('orders', { pubsub: 'pubsub' }, (ctx, data) => print({ got: data }));
  topic('many', { pubsub: 'pubsub', bulk: true }, (ctx, data) => print({ got: data }));
  binding('tick', {}, (ctx, data) => print({ got: data }));
`);
const EVENT = { specversion: '1.0', id: '1', source: 's', type: 't', data: 1 };
const JSON_TYPE = 'application/json';
const EVENT_TYPE = 'application/cloudevents+json';

const test = base.extend<{
  http: ServingFunction;
  grpc: ServingFunction & { client: AppClient };
}>({
  http: async ({ run }, use) => {
    await use(await serving(launch(run, 'http')));
  },
  grpc: async ({ run }, use) => {
    const app = await serving(launch(run, 'grpc'));
    const client = createAppClient(app.port);
    await use({ ...app, client });
    client.close();
  },
});

function launch(run: (options: object) => Command, protocol: string): Command {
  const args = ['--port', '0', '--body-limit', String(LIMIT), '--headers-timeout', '500ms'];
  return run({ files: FILES, args, env: { APP_PROTOCOL: protocol } });
}

function post(url: string, body: string | Uint8Array, type = EVENT_TYPE): Promise<Reply> {
  return call(url, { method: 'POST', headers: { 'content-type': type }, body });
}

const codeOf = ({ status, text }: Reply): unknown[] => [
  status,
  text.startsWith('{') ? (JSON.parse(text) as { code?: unknown }).code : text,
];

/** An event is handled as ever. */
async function assertServes({ url, logged }: ServingFunction, mark: string): Promise<void> {
  const reply = await post(`${url}/orders`, JSON.stringify({ ...EVENT, data: mark }));
  if (reply.text !== '{"status":"SUCCESS"}') throw new Error(`it answers ${reply.text}`);
  await logged(({ got }) => got === mark);
}

describe('over HTTP', () => {
  const malformed: readonly (readonly [
    string,
    string | Buffer,
    string | undefined,
    number,
    string,
  ])[] = [
    ['no body at all', '', EVENT_TYPE, 400, 'OFN_BODY_MALFORMED'],
    [
      'JSON that ends early',
      '{"specversion":"1.0","id":"1"',
      EVENT_TYPE,
      400,
      'OFN_BODY_MALFORMED',
    ],
    ['what is no JSON', '\u0000\u0001', EVENT_TYPE, 400, 'OFN_BODY_MALFORMED'],
    [
      'bytes that are no text',
      Buffer.from([0xff, 0xfe, 0x00]),
      EVENT_TYPE,
      400,
      'OFN_BODY_MALFORMED',
    ],
    ['an event in a list', `[${JSON.stringify(EVENT)}]`, EVENT_TYPE, 400, 'OFN_EVENT_MALFORMED'],
    ['null', 'null', EVENT_TYPE, 400, 'OFN_EVENT_MALFORMED'],
    [
      'an event without its id',
      JSON.stringify({ ...EVENT, id: undefined }),
      EVENT_TYPE,
      400,
      'OFN_EVENT_MALFORMED',
    ],
    [
      'an id that is a number',
      JSON.stringify({ ...EVENT, id: 1 }),
      EVENT_TYPE,
      400,
      'OFN_EVENT_MALFORMED',
    ],
    ['an event said to be text', JSON.stringify(EVENT), 'text/plain', 400, 'OFN_EVENT_MALFORMED'],
    [
      'a body that is too large',
      Buffer.alloc(LIMIT + 1, 0x20),
      EVENT_TYPE,
      413,
      'OFN_BODY_TOO_LARGE',
    ],
    [
      'base64 that is a number',
      JSON.stringify({ ...EVENT, data_base64: 1 }),
      EVENT_TYPE,
      400,
      'OFN_EVENT_MALFORMED',
    ],
    ['JSON sixty thousand levels deep', '['.repeat(60_000), EVENT_TYPE, 400, 'OFN_BODY_MALFORMED'],
    [
      'a prototype for an event',
      '{"__proto__":{"id":"1","source":"s","type":"t"}}',
      EVENT_TYPE,
      400,
      'OFN_EVENT_MALFORMED',
    ],
  ];

  test.concurrent('a malformed event gets the status that says so', async ({ http, expect }) => {
    const got = await Promise.all(
      malformed.map(async ([what, body, type]) => [
        what,
        ...codeOf(await post(`${http.url}/orders`, body, type)),
      ]),
    );
    expect(got).toEqual(malformed.map(([what, , , status, code]) => [what, status, code]));
    await assertServes(http, 'after');
  });

  test.concurrent('paths of nobody are no acknowledgement', async ({ http, expect }) => {
    const { url } = http;
    const replies = await Promise.all([
      post(`${url}/nobody`, JSON.stringify(EVENT)),
      post(`${url}/dapr/topics/pubsub/orders/orders/`, JSON.stringify(EVENT)),
      post(`${url}/%`, JSON.stringify(EVENT)),
      post(`${url}/orders%2f..%2f`, JSON.stringify(EVENT)),
      call(`${url}/orders`, { method: 'DELETE' }),
      call(`${url}/orders`),
    ]);
    const unknown = [500, 'OFN_INPUT_UNKNOWN'];
    const nothing = [404, 'OFN_NOT_FOUND'];
    expect(replies.map(codeOf)).toEqual([unknown, unknown, unknown, unknown, nothing, nothing]);
    await assertServes(http, 'after');
  });

  test.concurrent('of a bulk, only what can be read is acknowledged', async ({ http, expect }) => {
    const event = EVENT;
    const entries = [
      { entryId: 'good', event, contentType: EVENT_TYPE },
      { entryId: 'no event' },
      { entryId: 'a number', event: 5, contentType: EVENT_TYPE },
      { entryId: 'no type', event: { ...event, type: '' }, contentType: EVENT_TYPE },
      null,
      'text',
      { entryId: 'text', event: 'not a CloudEvent', contentType: EVENT_TYPE },
    ];
    const reply = await post(`${http.url}/many`, JSON.stringify({ ...EVENT, entries }), JSON_TYPE);
    expect(reply.status).toBe(200);
    const { statuses } = JSON.parse(reply.text) as {
      statuses: { entryId: string; status: string }[];
    };
    expect(statuses).toHaveLength(entries.length);
    const acknowledged = statuses.filter(({ status }) => status !== 'RETRY');
    expect(acknowledged).toEqual([{ entryId: 'good', status: 'SUCCESS' }]);
    await assertServes(http, 'after');
  });

  test.concurrent(
    'an event that ends early on its connection is not handled',
    async ({ http, open, expect }) => {
      const body = JSON.stringify({ ...EVENT, data: 'cut off' });
      const connection = await open(http.port);
      connection.send(
        `POST /orders HTTP/1.1\r\nHost: f\r\nContent-Type: ${EVENT_TYPE}\r\n` +
          `Content-Length: ${body.length + 10}\r\n\r\n${body}`,
      );
      connection.destroy();
      await assertServes(http, 'after');
      http.kill('SIGTERM');
      const { stdout } = await http.exit;
      expect(stdout).not.toContain('"got":"cut off"');
    },
  );

  test.concurrent(
    'two lengths, or a length and chunks, are refused',
    async ({ http, open, expect }) => {
      const head = `POST /orders HTTP/1.1\r\nHost: f\r\nContent-Type: ${EVENT_TYPE}\r\n`;
      for (const lengths of [
        'Content-Length: 5\r\nContent-Length: 6\r\n',
        'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n',
      ]) {
        const connection = await open(http.port);
        connection.send(`${head}${lengths}\r\n0\r\n\r\n`);
        expect(await connection.closed).toMatch(/^HTTP\/1\.1 400 /);
      }
      await assertServes(http, 'after');
    },
  );

  test.concurrent(
    'gRPC is refused where APP_PROTOCOL is http',
    async ({ http, expect, onTestFinished }) => {
      const client = createAppClient(http.port);
      onTestFinished(() => client.close());
      expect((await client.call('ListTopicSubscriptions')).status).not.toBe('OK');
      await assertServes(http, 'after');
    },
  );
});

describe('over gRPC', () => {
  const topicEvent = {
    id: '1',
    source: 's',
    type: 't',
    specVersion: '1.0',
    dataContentType: JSON_TYPE,
    topic: 'orders',
    pubsubName: 'pubsub',
    data: Buffer.from('1'),
  };

  test.concurrent('a malformed event gets the status that says so', async ({ grpc, expect }) => {
    const { client } = grpc;
    const replies = await Promise.all([
      client.call('OnTopicEvent', {}),
      client.call('OnTopicEvent', { ...topicEvent, id: '' }),
      client.call('OnTopicEvent', { ...topicEvent, topic: 'nobody' }),
      client.call('OnTopicEvent', { ...topicEvent, pubsubName: 'nobody' }),
      client.call('OnBindingEvent', { name: 'nobody' }),
      client.call('OnBulkTopicEvent', { topic: 'nobody' }),
      client.call('OnTopicEvent', { ...topicEvent, data: Buffer.alloc(LIMIT + 1) }),
      client.call('OnTopicEvent', Buffer.from([0xff, 0xff, 0xff, 0xff])),
      client.call('OnTopicEvent', topicEvent),
    ]);
    expect(
      replies.map(({ status, details }) => [status, /OFN_[A-Z_]+/.exec(details)?.[0]]),
    ).toEqual([
      ['INTERNAL', 'OFN_INPUT_UNKNOWN'],
      ['INVALID_ARGUMENT', 'OFN_EVENT_MALFORMED'],
      ['INTERNAL', 'OFN_INPUT_UNKNOWN'],
      ['INTERNAL', 'OFN_INPUT_UNKNOWN'],
      ['INTERNAL', 'OFN_INPUT_UNKNOWN'],
      ['INTERNAL', 'OFN_INPUT_UNKNOWN'],
      ['RESOURCE_EXHAUSTED', undefined],
      ['INTERNAL', undefined],
      ['OK', undefined],
    ]);
    await assertServes(grpc, 'after');
  });

  test.concurrent('of a bulk, only what can be read is acknowledged', async ({ grpc, expect }) => {
    const { client } = grpc;
    const value = { ...topicEvent };
    const { status, message } = await client.call('OnBulkTopicEvent', {
      topic: 'many',
      pubsubName: 'pubsub',
      entries: [
        { entryId: 'good', event: { case: 'cloudEvent', value } },
        { entryId: 'no id', event: { case: 'cloudEvent', value: { ...value, id: '' } } },
        { entryId: 'bytes', event: { case: 'bytes', value: Buffer.from([0xff]) } },
        { entryId: 'nothing' },
      ],
    });
    expect(status).toBe('OK');
    const statuses = message['statuses'] as { entryId: string; status: number }[];
    expect(
      Object.fromEntries(statuses.map((entry) => [entry.entryId, entry.status])),
    ).toMatchObject({
      good: 0,
      'no id': 1,
    });
    expect(statuses).toHaveLength(4);
    await assertServes(grpc, 'after');
  });

  test.concurrent(
    'frames that end early, claim more than they hold, or are compressed by nobody',
    async ({ grpc, expect }) => {
      const path = '/dapr.proto.runtime.v1.AppCallback/OnTopicEvent';
      const statuses: (string | undefined)[] = [];
      for (const frame of [
        Buffer.from([0, 0, 0]),
        Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 1]),
        Buffer.from([1, 0, 0, 0, 1, 1]),
        Buffer.alloc(0),
      ]) {
        statuses.push(await sendFrame(grpc.port, path, frame));
      }
      // None is taken for an event; which error it is, is grpc-js's affair.
      expect(statuses).toHaveLength(4);
      expect(statuses).not.toContain('0');
      await assertServes(grpc, 'after');
    },
  );

  test.concurrent(
    'a connection that speaks neither protocol, or nothing, is closed',
    async ({ grpc, open, expect }) => {
      const garbage = await open(grpc.port);
      garbage.send(Buffer.from([0x16, 0x03, 0x01, 0x00, 0xa5, 0x01, 0x00]));
      expect(await garbage.closed).toMatch(/^(?:HTTP\/1\.1 400 |$)/);
      const almost = await open(grpc.port);
      almost.send('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n');
      await almost.closed;
      const silent = await open(grpc.port);
      await silent.closed;
      await assertServes(grpc, 'after');
    },
  );

  test.concurrent(
    'streams that are reset while their handlers run leave nothing behind',
    async ({ grpc }) => {
      const session = connectHttp2(`http://127.0.0.1:${grpc.port}`);
      session.on('error', () => {});
      const streams = Array.from({ length: 100 }, () => {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/dapr.proto.runtime.v1.AppCallback/OnTopicEvent',
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        stream.on('error', () => {});
        stream.write(Buffer.from([0, 0, 0, 0, 0]));
        stream.close(constants.NGHTTP2_CANCEL);
        return new Promise((resolve) => stream.once('close', resolve));
      });
      await Promise.all(streams);
      session.destroy();
      await assertServes(grpc, 'after');
    },
  );
});

/** The `grpc-status` that bytes in place of a message get; `reset` when the stream ended without. */
function sendFrame(port: number, path: string, frame: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    session.on('error', () => {});
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let status = 'reset';
    const read = ({ 'grpc-status': said }: IncomingHttpHeaders): void => {
      if (typeof said === 'string') status = said;
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('error', () => {});
    stream.on('close', () => {
      session.destroy();
      resolve(status);
    });
    stream.resume();
    stream.end(frame);
  });
}
