// CloudEvents over HTTP: what each mode decodes to, what goes back, and what is refused.
import { CloudEvent } from 'cloudevents';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERROR_TABLE } from '../errors.ts';
import { cloudEvent } from '../index.ts';
import { decodeEvents, encodeEvents, toReturnedEvents, type EventMode } from './cloud-event.ts';
import { refusal, serve } from './serve.fixture.ts';

const MODES: readonly EventMode[] = ['binary', 'structured', 'batched'];
const MALFORMED = { status: 400, code: 'OFN_EVENT_MALFORMED' };
const STRUCTURED = 'application/cloudevents+json';
const BATCHED = 'application/cloudevents-batch+json';

const required = { id: 'o-1', source: '/orders', type: 'order.placed', specversion: '1.0' };
const binaryHeaders = {
  'ce-id': 'o-1',
  'ce-source': '/orders',
  'ce-type': 'order.placed',
  'ce-specversion': '1.0',
};

/** What a handler gets of one request. */
async function received(
  headers: Record<string, string>,
  body?: string | Uint8Array,
): Promise<CloudEvent<any>[]> {
  const events: CloudEvent<any>[] = [];
  const send = await serve(cloudEvent('receive', (event) => void events.push(event)));
  const response = await send({ method: 'POST', headers, ...(body === undefined ? {} : { body }) });
  expect([response.status, await response.text()]).toEqual([204, '']);
  return events;
}

describe('a binary event', () => {
  it('takes its attributes from the headers and its data from the body', async () => {
    const [event] = await received(
      {
        ...binaryHeaders,
        'CE-Subject': 'basket/7',
        'ce-time': '2024-05-06T07:08:09.123Z',
        'ce-tenant': 'north',
        'content-type': 'application/json; charset=utf-8',
      },
      '{"total":12.5}',
    );
    expect(event).toBeInstanceOf(CloudEvent);
    expect(event).toMatchObject({
      ...required,
      subject: 'basket/7',
      time: '2024-05-06T07:08:09.123Z',
      tenant: 'north',
      datacontenttype: 'application/json; charset=utf-8',
      data: { total: 12.5 },
    });
  });

  it.each([
    ['Caf%C3%A9%20%22x%22%2520', 'Café "x"%20'],
    ['100%', '100%'],
    ['%E0%A4%A', '%E0%A4%A'],
  ])('decodes the percent-encoding of %s', async (sent, subject) => {
    const [event] = await received({ ...binaryHeaders, 'ce-subject': sent });
    expect(event?.subject).toBe(subject);
  });

  it.each([
    ['no data without a body', 'application/json', undefined, undefined],
    ['text for a text type', 'text/plain', 'hällo', 'hällo'],
    ['JSON for a +json type', 'application/vnd.x+json', '[1]', [1]],
    ['XML as bytes', 'application/xml', '<a/>', Buffer.from('<a/>')],
  ])('has %s', async (_, type, body, data) => {
    const [event] = await received({ ...binaryHeaders, 'content-type': type }, body);
    expect(event?.data).toEqual(data);
  });

  it('has bytes as they came', async () => {
    const bytes = new Uint8Array([0, 1, 254, 255]);
    const headers = { ...binaryHeaders, 'content-type': 'application/octet-stream' };
    const [event] = await received(headers, bytes);
    expect(Buffer.isBuffer(event?.data)).toBe(true);
    expect(Buffer.compare(event?.data as Buffer, bytes)).toBe(0);
  });

  it('has text in the charset it names', async () => {
    const headers = { ...binaryHeaders, 'content-type': 'text/plain; charset=iso-8859-1' };
    const [event] = await received(headers, new Uint8Array([0x61, 0xe9]));
    expect(event?.data).toBe('aé');
  });

  it('has JSON in the charset it names', async () => {
    const headers = { ...binaryHeaders, 'content-type': 'application/json; charset=iso-8859-1' };
    const [event] = await received(headers, new Uint8Array([0x22, 0xe9, 0x22]));
    expect(event?.data).toBe('é');
  });

  it('has the type of its data from Content-Type alone', async () => {
    const headers = { ...binaryHeaders, 'ce-datacontenttype': 'text/plain' };
    const [typed] = await received({ ...headers, 'content-type': 'application/json' }, '{"a":1}');
    expect([typed?.datacontenttype, typed?.data]).toEqual(['application/json', { a: 1 }]);
    const [untyped] = await received(headers, undefined);
    expect([untyped?.datacontenttype, untyped?.data]).toEqual([undefined, undefined]);
  });

  it.each([['ce-data'], ['ce-data_base64']])(
    'takes no data from a header named %s',
    async (name) => {
      const send = await serve(
        cloudEvent('no-data', (event) => ({ has: event.data !== undefined })),
      );
      const response = await send({
        method: 'POST',
        headers: { ...binaryHeaders, [name]: 'eA==' },
      });
      expect([200, 400]).toContain(response.status);
      expect(await response.json()).not.toEqual({ has: true });
    },
  );
});

describe('a structured event', () => {
  it.each([
    [STRUCTURED],
    [`${STRUCTURED}; charset=utf-8`],
    ['Application/CloudEvents+JSON;charset="UTF-8"'],
  ])('is decoded from %s', async (type) => {
    const attributes = { ...required, subject: 'ü', ext: 5, flag: false };
    const body = JSON.stringify({ ...attributes, data: { a: 'é' } });
    const [event] = await received({ 'content-type': type }, body);
    expect(event).toMatchObject({ ...attributes, data: { a: 'é' } });
  });

  it('is decoded after a byte order mark', async () => {
    const [event] = await received(
      { 'content-type': STRUCTURED },
      `\uFEFF${JSON.stringify(required)}`,
    );
    expect(event).toMatchObject(required);
  });

  it('has the bytes of data_base64', async () => {
    const body = JSON.stringify({ ...required, data_base64: 'AAH+/w==' });
    const [event] = await received({ 'content-type': STRUCTURED }, body);
    expect(Buffer.compare(event?.data as Buffer, Buffer.from([0, 1, 254, 255]))).toBe(0);
  });

  it('leaves out attributes that are null', async () => {
    const body = JSON.stringify({ ...required, subject: null, dataschema: null, ext: null });
    const [event] = await received({ 'content-type': STRUCTURED }, body);
    expect([event?.subject, event?.dataschema]).toEqual([undefined, undefined]);
    expect(event).not.toHaveProperty('ext');
  });
});

describe('a batch', () => {
  it('hands its events to the handler one by one, in order', async () => {
    const batch = ['a', 'b', 'c'].map((id) => ({ ...required, id, data: { id } }));
    const events = await received({ 'content-type': BATCHED }, JSON.stringify(batch));
    expect(events.map(({ id, data }) => [id, data])).toEqual([
      ['a', { id: 'a' }],
      ['b', { id: 'b' }],
      ['c', { id: 'c' }],
    ]);
  });

  it('may hold no event', async () => {
    expect(await received({ 'content-type': `${BATCHED}; charset=utf-8` }, '[]')).toEqual([]);
  });
});

describe('data that is falsy', () => {
  const values: [number | boolean | string | null][] = [[0], [false], [''], [null]];

  it.each(values)('%j is kept in a binary event', async (data) => {
    const headers = { ...binaryHeaders, 'content-type': 'application/json' };
    const [event] = await received(headers, JSON.stringify(data));
    expect(event?.data).toBe(data);
  });

  it.each(values)('%j is kept in a structured event', async (data) => {
    const body = JSON.stringify({ ...required, data });
    const [event] = await received({ 'content-type': STRUCTURED }, body);
    expect(event?.data).toBe(data);
  });

  it.each(MODES.flatMap((mode) => values.map((value) => ({ mode, data: value[0] }))))(
    '$data goes out in $mode mode',
    ({ mode, data }) => {
      const { headers, body } = encodeEvents([new CloudEvent({ ...required, data })], mode);
      const { events } = decodeEvents({ ...headers }, Buffer.from(body ?? ''));
      expect(events[0]?.data).toBe(data);
    },
  );
});

describe('a malformed event is refused with 400', () => {
  const without = (name: string) =>
    Object.fromEntries(Object.entries(binaryHeaders).filter(([key]) => key !== name));
  const json = (value: unknown) => JSON.stringify(value);
  const structured = (attributes: object): [object, string] => [
    { 'content-type': STRUCTURED },
    json({ ...required, ...attributes }),
  ];

  it.each<[string, object, (string | Uint8Array)?]>([
    ['without any event', {}],
    ['with text that is no event', { 'content-type': 'text/plain' }, 'hello'],
    ['with JSON that is no event', { 'content-type': 'application/json' }, '{"a":1}'],
    ['with a JSON scalar', { 'content-type': 'application/json' }, '5'],
    ['with ce-id alone', { 'ce-id': '1' }],
    ...['ce-id', 'ce-source', 'ce-type'].map((name): [string, object] => [
      `without ${name}`,
      without(name),
    ]),
    ['with an empty ce-type', { ...binaryHeaders, 'ce-type': '' }],
    ['with another specversion', { ...binaryHeaders, 'ce-specversion': '0.3' }],
    ['with a time that is none', { ...binaryHeaders, 'ce-time': 'yesterday' }],
    ['with a time that is a number', { ...binaryHeaders, 'ce-time': '0' }],
    ['with a source that is no URI', { ...binaryHeaders, 'ce-source': 'a b\\c' }],
    ['with a dataschema that is no URI', { ...binaryHeaders, 'ce-dataschema': 'not a uri' }],
    ['with an extension of a wrong name', { ...binaryHeaders, 'ce-a_b': '1' }],
    [
      'with JSON data that is none',
      { ...binaryHeaders, 'content-type': 'application/json' },
      '{"a":',
    ],
    ['that is structured and empty', { 'content-type': STRUCTURED }],
    ['that is structured and no JSON', { 'content-type': STRUCTURED }, '{'],
    ['that is structured and a list', { 'content-type': STRUCTURED }, json([required])],
    ['that is structured and null', { 'content-type': STRUCTURED }, 'null'],
    ['that is structured and text', { 'content-type': STRUCTURED }, '"x"'],
    [
      'in an event format we do not know',
      { 'content-type': 'application/cloudevents+xml' },
      '<a/>',
    ],
    ['with a null id', ...structured({ id: null })],
    ['with an id that is a number', ...structured({ id: 5 })],
    ['with an empty source', ...structured({ source: '' })],
    ['with a specversion that is a number', ...structured({ specversion: 1 })],
    ['with a time that is an object', ...structured({ time: {} })],
    ['with a subject that is a number', ...structured({ subject: 5 })],
    ['with an empty subject', ...structured({ subject: '' })],
    ['with a datacontenttype that is a list', ...structured({ datacontenttype: [] })],
    ['with an extension in capitals', ...structured({ comExample: 1 })],
    ['with data twice', ...structured({ data: 1, data_base64: 'eA==' })],
    ['with null data and data_base64', ...structured({ data: null, data_base64: 'eA==' })],
    ['with data_base64 that is no text', ...structured({ data_base64: 5 })],
    ['with data_base64 that is no base64', ...structured({ data_base64: '*?*' })],
    ['with data_base64 of no whole bytes', ...structured({ data_base64: 'eA' })],
    ['with data_base64 of URLs', ...structured({ data_base64: '_-8=' })],
    ['with a schemaurl of version 0.3', ...structured({ schemaurl: '/x' })],
    ['with a prototype for a name', { 'content-type': STRUCTURED }, '{"__proto__":{"id":"1"}}'],
    ['that is batched and an object', { 'content-type': BATCHED }, json(required)],
    ['that is batched and empty', { 'content-type': BATCHED }],
    ['with one bad event in a batch', { 'content-type': BATCHED }, json([required, { id: 'x' }])],
    ['with a null event in a batch', { 'content-type': BATCHED }, '[null]'],
  ])('%s', async (_, headers, body) => {
    let calls = 0;
    const send = await serve(cloudEvent('refuse', () => void (calls += 1)));
    const response = await send({
      method: 'POST',
      headers: headers as Record<string, string>,
      ...(body === undefined ? {} : { body }),
    });
    expect(await refusal(response)).toEqual(MALFORMED);
    expect(calls).toBe(0);
  });
});

it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
  'an event function refuses %s with 405 and Allow',
  async (method) => {
    const send = await serve(cloudEvent('only-post', () => {}));
    const response = await send({ method, headers: binaryHeaders });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  },
);

describe('events on their way out', () => {
  const event = new CloudEvent({
    ...required,
    subject: 'Café "x" 100% \u{1F600}',
    time: '2024-05-06T07:08:09.000Z',
    tenant: 'north',
    datacontenttype: 'application/json',
    data: { a: 1 },
  });

  it('have their attributes percent-encoded in headers', () => {
    const { headers, body } = encodeEvents([event], 'binary');
    expect(headers).toMatchObject({
      'ce-id': 'o-1',
      'ce-subject': 'Caf%C3%A9%20%22x%22%20100%25%20%F0%9F%98%80',
      'ce-tenant': 'north',
      'content-type': 'application/json',
    });
    expect(body).toBe('{"a":1}');
  });

  it.each(MODES)('come back as they were in %s mode', (mode) => {
    const { headers, body } = encodeEvents([event], mode);
    const { mode: seen, events } = decodeEvents({ ...headers }, Buffer.from(body ?? ''));
    expect(seen).toBe(mode);
    expect(events).toHaveLength(1);
    expect(events[0]?.toJSON()).toEqual(event.toJSON());
  });

  it.each(MODES)('keep bytes in %s mode', (mode) => {
    const bytes = Buffer.from([0, 255, 1]);
    const { headers, body } = encodeEvents([new CloudEvent({ ...required, data: bytes })], mode);
    const { events } = decodeEvents({ ...headers }, Buffer.from(body ?? ''));
    expect(Buffer.compare(events[0]?.data as Buffer, bytes)).toBe(0);
  });

  it('go out as text for a text type, and without a body for no data', () => {
    const text = new CloudEvent({ ...required, datacontenttype: 'text/plain', data: 'hi' });
    expect(encodeEvents([text], 'binary').body).toBe('hi');
    const none = encodeEvents([new CloudEvent(required)], 'binary');
    expect(none.body).toBeUndefined();
    expect(none.headers).not.toHaveProperty('content-type');
  });

  it.each(MODES)('are batched when there are several, even in %s mode', (mode) => {
    const { headers, body } = encodeEvents([event, event.cloneWith({ id: '2' })], mode);
    expect(headers['content-type']).toBe(`${BATCHED}; charset=utf-8`);
    expect((JSON.parse(String(body)) as { id: string }[]).map(({ id }) => id)).toEqual([
      'o-1',
      '2',
    ]);
  });
});

describe('a returned value', () => {
  it.each([
    [undefined],
    [null],
    ['text'],
    [[]],
    [{ type: 'a', source: '/b' }],
    [[new CloudEvent(required), 'text']],
  ])('%j holds no events', (value) => {
    expect(toReturnedEvents(value)).toBeUndefined();
  });

  it('may be a plain event, which gets an id', () => {
    const [event] = toReturnedEvents({ specversion: '1.0', type: 'a', source: '/b' }) ?? [];
    expect(event).toBeInstanceOf(CloudEvent);
    expect(event?.id).not.toBe('');
  });

  it.each([
    [{ specversion: '1.0', type: '', source: '/b' }],
    [{ specversion: '1.0', type: 'a', source: '/b', Bad: 1 }],
    [{ specversion: '1.0', type: 'a', source: '/b', schemaurl: '/x' }],
  ])('%j is an event that is not valid', (value) => {
    expect(() => toReturnedEvents(value)).toThrow(
      expect.objectContaining({ code: 'OFN_RESULT_INVALID', status: 500 }),
    );
  });
});

describe('any event', () => {
  const attribute = fc.string({ minLength: 1, unit: 'grapheme' });
  const anyEvent = fc
    .record(
      {
        id: attribute,
        type: attribute,
        subject: attribute,
        ext1: fc.oneof(fc.string({ minLength: 1, unit: 'grapheme' }), fc.boolean(), fc.integer()),
        data: fc.oneof(
          fc.jsonValue(),
          fc.uint8Array().map((array) => Buffer.from(array)),
        ),
      },
      { requiredKeys: ['id', 'type'] },
    )
    .map((attributes) => new CloudEvent({ source: '/any', ...attributes }));

  it.each(['structured', 'batched'] as const)('survives %s mode', (mode) => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { headers, body } = encodeEvents([event], mode);
        const { events } = decodeEvents({ ...headers }, Buffer.from(body ?? ''));
        expect(JSON.parse(JSON.stringify(events[0]))).toEqual(JSON.parse(JSON.stringify(event)));
      }),
    );
  });

  it('survives binary mode, where every attribute is text', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { headers, body } = encodeEvents([event], 'binary');
        for (const value of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]*$/);
        const { events } = decodeEvents({ ...headers }, Buffer.from(body ?? ''));
        expect(events[0]?.subject).toBe(event.subject);
        expect(events[0]?.id).toBe(event.id);
        if (Buffer.isBuffer(event.data) && event.data.length === 0) return;
        // JSON has one zero.
        expect(toText(events[0]?.data)).toBe(toText(event.data));
      }),
    );
  });
});

describe('any request to an event function gives 2xx or a documented 4xx', () => {
  const codes: readonly string[] = Object.entries(ERROR_TABLE)
    .filter(([, entry]) => 'status' in entry && entry.status < 500)
    .map(([code]) => code);
  const text = fc.string().map((value) => value.replace(/[^\x20-\x7e]/g, '').trim());
  const bytes = fc.uint8Array().map((array) => Buffer.from(array));
  const toJson = (value: unknown): Buffer => Buffer.from(toText(value));
  // What a field should be, or anything else.
  const field = (...expected: string[]) => fc.oneof(fc.constantFrom(...expected), fc.anything());

  const anyHeaders = fc.record(
    {
      'content-type': fc.oneof(fc.constantFrom(STRUCTURED, 'text/plain; charset=x'), text),
      'content-encoding': fc.oneof(fc.constantFrom('gzip', 'br'), text),
      'ce-id': text,
      'ce-source': text,
      'ce-type': text,
      'ce-specversion': fc.constantFrom('1.0', '0.3', ''),
      'ce-time': text,
      'ce-constructor': text,
      'ce-__proto__': text,
    },
    { requiredKeys: [] },
  );
  const structured = fc.record(
    {
      id: field('1'),
      source: field('/s'),
      type: field('t'),
      specversion: field('1.0'),
      time: field('2024-05-06T07:08:09Z'),
      subject: field('s'),
      data: fc.anything(),
      data_base64: field('eA=='),
      ext: fc.anything(),
    },
    { requiredKeys: ['id', 'source', 'type', 'specversion'] },
  );
  const legacy = fc.record(
    {
      data: fc.anything(),
      context: fc.record(
        {
          eventId: field('1'),
          timestamp: field('2024-05-06T07:08:09Z'),
          eventType: field(
            'google.storage.object.finalize',
            'google.pubsub.topic.publish',
            'providers/firebase.auth/eventTypes/user.create',
          ),
          resource: fc.oneof(
            fc.record({ service: field('constructor', '__proto__', 'a b'), name: fc.anything() }),
            field('projects/_/buckets/b/objects/o'),
          ),
        },
        { requiredKeys: ['eventType'] },
      ),
    },
    { requiredKeys: ['context'] },
  );
  const push = fc.record({
    message: fc.oneof(
      fc.record({ messageId: fc.anything(), publishTime: fc.anything(), data: fc.anything() }),
      fc.anything(),
    ),
    subscription: field('s'),
  });
  const json = { 'content-type': 'application/json' };

  it.each([
    ['with any headers and bytes', anyHeaders, bytes],
    ['that is structured', fc.constant({ 'content-type': STRUCTURED }), structured.map(toJson)],
    [
      'that is batched',
      fc.constant({ 'content-type': BATCHED }),
      fc.array(structured, { maxLength: 3 }).map(toJson),
    ],
    ['with any JSON', fc.constant(json), fc.jsonValue().map(toJson)],
    ['with a legacy event', fc.constant(json), legacy.map(toJson)],
    ['with a push message', fc.constant(json), push.map(toJson)],
  ])('%s', async (_, headers, body) => {
    const send = await serve(cloudEvent('any', () => {}));
    await fc.assert(
      fc.asyncProperty(
        headers as fc.Arbitrary<Record<string, string>>,
        body,
        async (given, sent) => {
          const response = await send({ method: 'POST', headers: given, body: sent });
          if (response.status === 204) return;
          const { status, code } = await refusal(response);
          expect([status < 500, codes.includes(String(code))]).toEqual([true, true]);
        },
      ),
      { numRuns: 150 },
    );
  });
});

// What JSON cannot hold (cycles, big integers) is not what this is about.
function toText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}
