// What a sidecar delivers, as one message: the event, the data, the bytes, and the trace.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OfnError } from '../errors.ts';
import { bindingOf, inputOf } from './input.fixture.ts';
import {
  fromBinaryEvent,
  fromBinding,
  fromJsonEvent,
  fromRawEvent,
  toHeaders,
  toMetadata,
  type Envelope,
  type Message,
} from './message.ts';

const NONE: Envelope = { headers: {}, metadata: {} };
const REQUIRED = { id: '1', source: 'shop', type: 'order' };

const json = (value: unknown, envelope = NONE): Message =>
  fromJsonEvent(inputOf(), value, envelope);
const binary = (
  bytes: Buffer | string,
  datacontenttype?: string,
  attributes: object = {},
): Message =>
  fromBinaryEvent(
    inputOf(),
    { ...REQUIRED, ...attributes, ...(datacontenttype && { datacontenttype }) },
    Buffer.from(bytes as string),
    NONE,
  );

const NO_TEXT = Buffer.from([0xff, 0x00, 0xfe, 0x80]);

describe('the data of an event in JSON', () => {
  test.each([0, 1.5, false, true, '', 'text', null, [], {}, { a: [1] }, '{"not":"parsed"}'])(
    'that is %j arrives as itself (DaprServer hands over the envelope for what is falsy)',
    (data) => {
      const message = json({ ...REQUIRED, data });
      expect(message.data).toEqual(data);
      expect(message.event.data).toEqual(data);
    },
  );

  test('that is absent is undefined', () => {
    const message = json(REQUIRED);
    expect(message.data).toBeUndefined();
    expect(message.event.data).toBeUndefined();
    expect(message.input.bytes).toEqual(Buffer.alloc(0));
  });

  test('has bytes: of a string its text, of anything else its JSON', () => {
    expect(json({ ...REQUIRED, data: 'ü' }).input.bytes).toEqual(Buffer.from('ü'));
    expect(json({ ...REQUIRED, data: { a: 1 } }).input.bytes.toString()).toBe('{"a":1}');
    expect(json({ ...REQUIRED, data: null }).input.bytes.toString()).toBe('null');
  });
});

describe('data_base64', () => {
  const of = (bytes: Buffer | string) =>
    json({ ...REQUIRED, data_base64: Buffer.from(bytes as string).toString('base64') });

  test('is JSON where it parses, else text, else bytes; the event keeps the bytes', () => {
    expect(of('{"a":1}').data).toEqual({ a: 1 });
    expect(of('no json').data).toBe('no json');
    expect(of(NO_TEXT).data).toEqual(NO_TEXT);
    for (const bytes of ['{"a":1}', 'no json', NO_TEXT]) {
      expect(of(bytes).event.data).toEqual(Buffer.from(bytes as string));
      expect(of(bytes).input.bytes).toEqual(Buffer.from(bytes as string));
    }
  });

  test('that is null is absent', () => {
    expect(json({ ...REQUIRED, data_base64: null, data: 7 }).data).toBe(7);
  });
});

describe('the data of an event over gRPC', () => {
  test.each([
    ['0', 0],
    ['false', false],
    ['""', ''],
    ['null', null],
    ['{"a":1}', { a: 1 }],
  ])('that is the JSON %s is its value', (text, data) => {
    for (const type of ['application/json', 'application/vnd.shop+json; charset=utf-8']) {
      expect(binary(text, type).data).toEqual(data);
      expect(binary(text, type).event.data).toEqual(data);
    }
  });

  test('that is text stays text, also where it looks like JSON', () => {
    expect(binary('7', 'text/plain').data).toBe('7');
    expect(binary('<a/>', 'application/xml').data).toBe('<a/>');
  });

  test('that claims to be JSON or text and is neither loses no byte', () => {
    expect(binary('{"a"', 'application/json').data).toBe('{"a"');
    for (const type of ['application/json', 'text/plain']) {
      expect(binary(NO_TEXT, type).data).toEqual(NO_TEXT);
      expect(binary(NO_TEXT, type).event.data).toEqual(NO_TEXT);
    }
  });

  test('that is of another type, or of none, is bytes in the event', () => {
    for (const type of ['image/png', undefined]) {
      expect(binary('{"a":1}', type)).toMatchObject({ data: { a: 1 } });
      expect(binary('{"a":1}', type).event.data).toEqual(Buffer.from('{"a":1}'));
    }
  });

  test('that is empty is undefined', () => {
    expect(binary('', 'application/json').data).toBeUndefined();
  });

  test('is not lost to an extension with the name of the content type, whatever it holds', () => {
    expect(binary('7', undefined, { datacontenttype: 7 }).data).toBe(7);
  });
});

describe('the event', () => {
  test('has every attribute and extension (DaprServer has none of them)', () => {
    const attributes = {
      ...REQUIRED,
      specversion: '1.0',
      subject: 'order 7',
      dataschema: 'https://shop/schema',
      datacontenttype: 'application/json',
      topic: 'orders',
      pubsubname: 'mq',
      traceid: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      partitionkey: 'p',
      priority: 3,
      express: true,
    };
    expect(json({ ...attributes, data: 1 }).event).toMatchObject(attributes);
  });

  test('keeps an extension whose name CloudEvents does not allow, rather than lose the event', () => {
    const { event } = json({ ...REQUIRED, Trace_Id: 'x', nested: { a: 1 }, data: 1 });
    expect(event).toMatchObject({ Trace_Id: 'x', nested: { a: 1 } });
  });

  test('takes an attribute that is null for an absent one', () => {
    expect(json({ ...REQUIRED, subject: null }).event.subject).toBeUndefined();
  });

  test('of a raw payload has a random id, and the component as its source', () => {
    const [one, other] = ['{"a":1}', '{"a":1}'].map((text) =>
      fromRawEvent(inputOf(), Buffer.from(text), NONE),
    );
    expect(one).toMatchObject({ data: { a: 1 }, event: { source: 'mq' } });
    expect(one?.event.id).not.toBe(other?.event.id);
    expect(fromRawEvent(inputOf(), NO_TEXT, NONE).data).toEqual(NO_TEXT);
  });

  test.each([
    ['id', undefined],
    ['id', ''],
    ['id', 7],
    ['id', null],
    ['source', undefined],
    ['source', ['shop']],
    ['type', undefined],
    ['type', { a: 1 }],
  ])('whose %s is %j is refused by its name', (name, value) => {
    for (const attempt of [
      () => json({ ...REQUIRED, [name]: value }),
      () => binary('1', 'application/json', { [name]: value }),
    ]) {
      expect(attempt).toThrow(
        expect.objectContaining({
          code: 'OFN_EVENT_MALFORMED',
          message: `the attribute "${name}" must be a string that is not empty`,
        }),
      );
    }
  });

  test.each([null, undefined, 7, 'text', true, [], [{}]])('that is %j is refused', (value) => {
    expect(() => json(value)).toThrow(
      expect.objectContaining({
        code: 'OFN_EVENT_MALFORMED',
        message: 'the body must be a CloudEvent, a JSON object',
      }),
    );
  });

  test.each([7, {}, [], true])('whose data_base64 is %j is refused', (data_base64) => {
    expect(attempt(() => json({ ...REQUIRED, data_base64 }))).toBe('OFN_EVENT_MALFORMED');
  });

  test.each([
    ['1.0', 'schemaurl'],
    ['0.3', 'dataschema'],
  ])('of version %s is not lost to an attribute of another version', (specversion, name) => {
    const { event } = json({ ...REQUIRED, specversion, [name]: 'https://example.com/s', data: 1 });
    expect(event).toMatchObject({ specversion, data: 1 });
    expect(event[name]).toBeUndefined();
  });

  test('has its own data, and not an extension of that name over gRPC', () => {
    for (const extension of [{ data: 'other' }, { data_base64: [0] }]) {
      expect(binary('7', 'application/json', extension).event.data).toBe(7);
      expect(binary('', 'application/json', extension).event.data).toBeUndefined();
    }
  });

  test('changes the prototype of nothing', () => {
    const text = '{"id":"1","source":"s","type":"t","__proto__":{"polluted":true},"data":1}';
    const { event } = json(JSON.parse(text));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(event.constructor.name).toBe('CloudEvent');
    expect(event.cloneWith({ data: 2 }, false).data).toBe(2);
  });
});

function attempt(code: () => unknown): string {
  try {
    code();
    return 'accepted';
  } catch (error) {
    return error instanceof OfnError ? error.code : String(error);
  }
}

describe('a message of a binding', () => {
  const of = (bytes: Buffer | string, envelope = NONE): Message =>
    fromBinding(bindingOf(), Buffer.from(bytes as string), envelope);

  test('has JSON as its value, other text as text, and the rest as bytes', () => {
    expect(of('[1]').data).toEqual([1]);
    expect(of('0').data).toBe(0);
    expect(of('text').data).toBe('text');
    expect(of(NO_TEXT).data).toEqual(NO_TEXT);
    expect(of(NO_TEXT).input.bytes).toEqual(NO_TEXT);
  });

  test('that is empty has an empty object, as in OpenFunction', () => {
    expect(of('').data).toEqual({});
    expect(of('').input.bytes).toEqual(Buffer.alloc(0));
  });

  test('has an event that says what is known, and no id of the caller', () => {
    const { event, callerId } = of('text');
    expect(event).toMatchObject({
      source: '/bindings/cron',
      type: 'io.dapr.binding',
      datacontenttype: 'text/plain',
      data: 'text',
    });
    expect(callerId).toBeUndefined();
  });

  test('has its name, component, headers and metadata', () => {
    const { input } = of('1', { headers: { a: '1' }, metadata: { file: 'x.txt' } });
    expect(input).toMatchObject({
      name: 'tick',
      kind: 'binding',
      component: 'cron',
      topic: undefined,
      headers: { a: '1' },
      metadata: { file: 'x.txt' },
    });
  });
});

describe('the trace', () => {
  const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const OTHER = '00-11111111111111111111111111111111-b7ad6b7169203331-01';
  const ZERO = '00-00000000000000000000000000000000-0000000000000000-00';

  const of = (headers: Record<string, string>, attributes: object = {}) =>
    json({ ...REQUIRED, ...attributes }, { headers, metadata: {} }).propagation;

  test('is that of the headers, before that of the event', () => {
    expect(of({ traceparent: PARENT }, { traceparent: OTHER })).toEqual({ traceparent: PARENT });
    expect(of({}, { traceparent: OTHER, tracestate: 'a=b' })).toEqual({
      traceparent: OTHER,
      tracestate: 'a=b',
    });
  });

  test('has from the event what the sidecar does not hand on with a traceparent', () => {
    const published = { traceparent: PARENT, tracestate: 'a=b', sw8: '1-x', sw8x: '1' };
    const sw8 = { sw8: '1-x', 'sw8-x': '1' };
    const child = PARENT.replace('b7ad6b7169203331', 'aaaaaaaaaaaaaaaa');
    expect(of({ traceparent: child }, published)).toEqual({
      traceparent: child,
      tracestate: 'a=b',
      ...sw8,
    });
    expect(of({ traceparent: OTHER }, published)).toEqual({ traceparent: OTHER, ...sw8 });
    expect(of({ sw8: '1-y' }, published)).toMatchObject({ traceparent: PARENT, sw8: '1-y' });
  });

  test.each([ZERO, ''])('is not the traceparent %j of a sidecar that has none', (zero) => {
    expect(of({ traceparent: zero })).toBeUndefined();
    expect(of({ traceparent: zero }, { traceparent: OTHER })).toEqual({ traceparent: OTHER });
    expect(of({ traceparent: zero, tracestate: 'a=b', sw8: '1-x' })).toEqual({ sw8: '1-x' });
  });

  test('is none without a header of one', () => {
    expect(of({ 'x-other': '1' })).toBeUndefined();
  });
});

describe('the headers', () => {
  test('are strings, without the token of the sidecar', () => {
    expect(
      toHeaders({ 'set-cookie': ['a', 'b'], host: 'x', 'dapr-api-token': 's', via: undefined }),
    ).toEqual({ 'set-cookie': 'a, b', host: 'x' });
  });

  test('of a binding are its metadata, but for those that every request has', () => {
    expect(
      toMetadata({
        host: 'x',
        'content-type': 'application/json',
        'user-agent': 'dapr',
        traceparent: '00',
        filename: 'x.txt',
        readtimeutc: '2024',
      }),
    ).toEqual({ filename: 'x.txt', readtimeutc: '2024' });
  });
});

test('any JSON is a message or a malformed event, and its data arrives as it is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.record(ANY_ATTRIBUTES, { requiredKeys: [] }), (data, given) => {
      expect(json({ ...REQUIRED, data }).data).toEqual(data);
      const valid = { ...given, ...REQUIRED };
      expect(['accepted', 'OFN_EVENT_MALFORMED']).toContain(attempt(() => json(valid).event));
      expect(['accepted', 'OFN_EVENT_MALFORMED']).toContain(attempt(() => json(given).event));
      expect(['accepted', 'OFN_EVENT_MALFORMED']).toContain(
        attempt(() => fromBinaryEvent(inputOf(), given, Buffer.from('1'), NONE).event),
      );
    }),
  );
});

const ANY_ATTRIBUTES = {
  id: fc.oneof(fc.string(), fc.jsonValue()),
  source: fc.oneof(fc.string(), fc.jsonValue()),
  type: fc.oneof(fc.string(), fc.jsonValue()),
  specversion: fc.oneof(fc.constantFrom('1.0', '0.3'), fc.jsonValue()),
  dataschema: fc.oneof(fc.string(), fc.jsonValue()),
  schemaurl: fc.oneof(fc.string(), fc.jsonValue()),
  time: fc.jsonValue(),
  subject: fc.jsonValue(),
  datacontenttype: fc.oneof(fc.constant('application/json'), fc.jsonValue()),
  data_base64: fc.jsonValue(),
  traceparent: fc.jsonValue(),
};

test('any bytes of a binding or a raw payload stay whole', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (array) => {
      const bytes = Buffer.from(array);
      expect(fromBinding(bindingOf(), bytes, NONE).input.bytes.equals(bytes)).toBe(true);
      expect(fromRawEvent(inputOf(), bytes, NONE).input.bytes.equals(bytes)).toBe(true);
    }),
  );
});
