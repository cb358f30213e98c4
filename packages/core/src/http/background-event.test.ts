// Google's legacy background events: each known type to its CloudEvent and back, through functions.
import { CloudEvent } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { cloudEvent, event } from '../index.ts';
import { parseBackgroundEvent, toBackgroundEvent, toCloudEvent } from './background-event.ts';
import { refusal, serve } from './serve.fixture.ts';

interface Sample {
  readonly legacyType: string;
  readonly type: string;
  readonly resource: unknown;
  readonly source: string;
  readonly subject?: string;
  readonly legacyData: unknown;
  readonly data: unknown;
  /** Fields beside data and context. */
  readonly beside?: object;
  /** An older name, which a CloudEvent does not go back to. */
  readonly old?: boolean;
}

const ID = 'evt-4711';
const TIME = '2023-04-05T06:07:08.090Z';

const PUBSUB_MESSAGE = 'type.googleapis.com/google.pubsub.v1.PubsubMessage';
const message = { '@type': PUBSUB_MESSAGE, attributes: { shelf: 'A' }, data: 'Ym9vaw==' };
const pubsub = {
  type: 'google.cloud.pubsub.topic.v1.messagePublished',
  resource: {
    service: 'pubsub.googleapis.com',
    name: 'projects/library/topics/returns',
    type: PUBSUB_MESSAGE,
  },
  source: '//pubsub.googleapis.com/projects/library/topics/returns',
  legacyData: message,
  data: { message: { ...message, messageId: ID, publishTime: TIME } },
};

const object = { kind: 'storage#object', bucket: 'scans', name: 'maps/nile.tiff', size: '42' };
const storage = {
  resource: {
    service: 'storage.googleapis.com',
    name: 'projects/_/buckets/scans/objects/maps/nile.tiff',
    type: 'storage#object',
  },
  source: '//storage.googleapis.com/projects/_/buckets/scans',
  subject: 'objects/maps/nile.tiff',
  legacyData: object,
  data: object,
};

const change = { oldValue: {}, value: { fields: { shelf: { stringValue: 'B' } } } };
const firestore = {
  resource: 'projects/library/databases/(default)/documents/books/nile/copies/2',
  source: '//firestore.googleapis.com/projects/library/databases/(default)',
  subject: 'documents/books/nile/copies/2',
  legacyData: change,
  data: change,
};

const delta = { data: null, delta: { readers: 3 } };
const database = {
  resource: 'projects/_/instances/library-db/refs/halls/2',
  source:
    '//firebasedatabase.googleapis.com/projects/_/locations/europe-west1/instances/library-db',
  subject: 'refs/halls/2',
  legacyData: delta,
  data: delta,
  beside: { domain: 'europe-west1.firebasedatabase.app' },
};

const auth = {
  resource: 'projects/library',
  source: '//firebaseauth.googleapis.com/projects/library',
  subject: 'users/reader-9',
  legacyData: {
    uid: 'reader-9',
    email: 'ada@library.example',
    metadata: { createdAt: '2023-01-01T00:00:00Z', lastSignedInAt: '2023-02-02T00:00:00Z' },
  },
  data: {
    uid: 'reader-9',
    email: 'ada@library.example',
    metadata: { createTime: '2023-01-01T00:00:00Z', lastSignInTime: '2023-02-02T00:00:00Z' },
  },
};

const log = { userDim: { deviceInfo: { deviceModel: 'kiosk' } } };

const SAMPLES: readonly Sample[] = [
  { ...pubsub, legacyType: 'google.pubsub.topic.publish' },
  { ...pubsub, legacyType: 'providers/cloud.pubsub/eventTypes/topic.publish', old: true },
  ...(
    [
      ['google.storage.object.finalize', 'finalized', false],
      ['providers/cloud.storage/eventTypes/object.change', 'finalized', true],
      ['google.storage.object.delete', 'deleted', false],
      ['google.storage.object.archive', 'archived', false],
      ['google.storage.object.metadataUpdate', 'metadataUpdated', false],
    ] as const
  ).map(([legacyType, what, old]) => ({
    ...storage,
    legacyType,
    type: `google.cloud.storage.object.v1.${what}`,
    old,
  })),
  ...(
    [
      ['write', 'written'],
      ['create', 'created'],
      ['update', 'updated'],
      ['delete', 'deleted'],
    ] as const
  ).flatMap(([verb, what]) => [
    {
      ...firestore,
      legacyType: `providers/cloud.firestore/eventTypes/document.${verb}`,
      type: `google.cloud.firestore.document.v1.${what}`,
    },
    {
      ...database,
      legacyType: `providers/google.firebase.database/eventTypes/ref.${verb}`,
      type: `google.firebase.database.ref.v1.${what}`,
    },
  ]),
  ...(
    [
      ['create', 'created'],
      ['delete', 'deleted'],
    ] as const
  ).map(([verb, what]) => ({
    ...auth,
    legacyType: `providers/firebase.auth/eventTypes/user.${verb}`,
    type: `google.firebase.auth.user.v1.${what}`,
  })),
  {
    legacyType: 'providers/google.firebase.analytics/eventTypes/event.log',
    type: 'google.firebase.analytics.log.v1.written',
    resource: 'projects/library/events/book_opened',
    source: '//firebase.googleapis.com/projects/library',
    subject: 'events/book_opened',
    legacyData: log,
    data: log,
  },
];

describe('a legacy event of type', () => {
  it.each(SAMPLES)('$legacyType arrives as the CloudEvent $type', async (sample) => {
    let seen: CloudEvent<unknown> | undefined;
    const send = await serve(cloudEvent('modern', (received) => void (seen = received)));
    const { legacyType: eventType, resource, legacyData: data, beside } = sample;
    const context = { eventId: ID, timestamp: TIME, eventType, resource };
    const response = await send({ body: { data, context, ...beside } });
    expect([response.status, await response.text()]).toEqual([204, '']);
    expect(seen).toBeInstanceOf(CloudEvent);
    expect(seen).toMatchObject({
      id: ID,
      time: TIME,
      specversion: '1.0',
      type: sample.type,
      source: sample.source,
      datacontenttype: 'application/json',
    });
    expect(seen?.subject).toBe(sample.subject);
    expect(seen?.data).toEqual(sample.data);
  });

  it.each(SAMPLES)('$legacyType arrives unchanged at an event function', async (sample) => {
    let seen: unknown;
    const send = await serve(event('legacy', (...args) => void (seen = args.slice(0, 2))));
    const { legacyType: eventType, resource, legacyData: data } = sample;
    const context = { eventId: ID, timestamp: TIME, eventType, resource };
    expect((await send({ body: { data, context } })).status).toBe(204);
    expect(seen).toEqual([data, context]);
  });
});

describe('a CloudEvent of type', () => {
  it.each(SAMPLES.filter(({ old }) => old !== true))(
    '$type arrives as the legacy event $legacyType',
    async (sample) => {
      const seen: unknown[] = [];
      const send = await serve(event('legacy', (...args) => void seen.push(args.slice(0, 2))));
      const { type, source, subject, data } = sample;
      const attributes = { specversion: '1.0', id: ID, time: TIME, type, source, subject, data };
      const structured = await send({
        body: attributes,
        headers: { 'content-type': 'application/cloudevents+json' },
      });
      const binary = await send({
        body: data,
        headers: {
          'content-type': 'application/json',
          'ce-specversion': '1.0',
          'ce-id': ID,
          'ce-time': TIME,
          'ce-type': type,
          'ce-source': source,
          ...(subject === undefined ? {} : { 'ce-subject': subject }),
        },
      });
      expect([structured.status, binary.status]).toEqual([204, 204]);
      const { legacyType: eventType, resource, legacyData } = sample;
      const expected = [legacyData, { eventId: ID, timestamp: TIME, eventType, resource }];
      expect(seen).toEqual([expected, expected]);
    },
  );
});

describe('an event function', () => {
  it('gets the attributes of an event that is not of Google as its context', () => {
    const given = { id: '1', source: '/s', type: 'own.type', time: TIME, tenant: 'x', data: [1] };
    const { data, context } = toBackgroundEvent(new CloudEvent(given));
    expect(data).toEqual([1]);
    expect(context).toMatchObject({ id: '1', source: '/s', type: 'own.type', tenant: 'x' });
    expect(context).not.toHaveProperty('data');
  });

  it('gets the fields beside data as its context when there is no context', async () => {
    let seen: unknown;
    const send = await serve(event('flat', (...args) => void (seen = args.slice(0, 2))));
    await send({ body: { eventId: ID, eventType: 'x', resource: 'r', data: { a: 1 } } });
    expect(seen).toEqual([{ a: 1 }, { eventId: ID, eventType: 'x', resource: 'r' }]);
  });

  it.each([
    ['a text', { 'content-type': 'text/plain' }, 'x'],
    ['an empty body', {}, ''],
    ['a JSON list', { 'content-type': 'application/json' }, '[]'],
    ['a JSON object of neither kind', { 'content-type': 'application/json' }, '{"a":1}'],
  ])('refuses %s with 400', async (_, headers, body) => {
    const send = await serve(event('refuse', () => {}));
    const response = await send({ method: 'POST', headers, body });
    expect(await refusal(response)).toEqual({ status: 400, code: 'OFN_EVENT_MALFORMED' });
  });

  it('refuses a CloudEvent of Google whose source is not of its shape', () => {
    const { type } = pubsub;
    expect(() => toBackgroundEvent(new CloudEvent({ id: '1', type, source: '/x' }))).toThrow(
      expect.objectContaining({ code: 'OFN_EVENT_MALFORMED' }),
    );
  });

  it('gets data that is no message, no object and no user as it is', () => {
    const of = (type: string, source: string) =>
      toBackgroundEvent(new CloudEvent({ id: '1', type, source, data: 'text' })).data;
    expect(of(pubsub.type, pubsub.source)).toBe('text');
    expect(of('google.firebase.auth.user.v1.created', auth.source)).toBe('text');
    expect(of('google.cloud.storage.object.v1.deleted', storage.source)).toBe('text');
  });

  it('gets a message that is not wrapped', () => {
    const { type, source } = pubsub;
    const given = { id: '1', type, source, data: { ...message, messageId: '1' } };
    expect(toBackgroundEvent(new CloudEvent(given)).data).toEqual(message);
  });
});

describe('a push message of a Pub/Sub subscription', () => {
  const push = {
    subscription: 'projects/library/subscriptions/desk',
    message: { messageId: '77', publishTime: TIME, data: 'Ym9vaw==', attributes: { shelf: 'A' } },
  };
  const path = '/projects/library/topics/returns?pubsub_trigger=true';

  it('arrives as a legacy event whose topic is in the path', async () => {
    let seen: unknown;
    const send = await serve(event('desk', (...args) => void (seen = args.slice(0, 2))));
    expect((await send({ path, body: push })).status).toBe(204);
    expect(seen).toEqual([
      { '@type': PUBSUB_MESSAGE, data: 'Ym9vaw==', attributes: { shelf: 'A' } },
      {
        eventId: '77',
        timestamp: TIME,
        eventType: 'google.pubsub.topic.publish',
        resource: pubsub.resource,
      },
    ]);
  });

  it('arrives as a CloudEvent', async () => {
    let seen: CloudEvent<unknown> | undefined;
    const send = await serve(cloudEvent('desk', (received) => void (seen = received)));
    expect((await send({ path, body: push })).status).toBe(204);
    expect(seen).toMatchObject({
      id: '77',
      time: TIME,
      type: pubsub.type,
      source: pubsub.source,
      data: { message: { messageId: '77', publishTime: TIME, data: 'Ym9vaw==' } },
    });
  });

  it('is given a time and no topic when it names none', () => {
    const { context } = parseBackgroundEvent({ ...push, message: { messageId: '1' } }, '/');
    expect(Date.parse(context.timestamp ?? '')).not.toBeNaN();
    expect(context.resource).toMatchObject({ name: null });
  });
});

describe('a legacy event that has no CloudEvent', () => {
  const context = { eventId: ID, timestamp: TIME };

  it.each<[string, object, object?]>([
    ['of an unknown type', { ...context, eventType: 'x', resource: 'r' }],
    ['without a type', { ...context, resource: 'r' }],
    [
      'with a resource of another shape',
      { ...context, eventType: 'google.storage.object.delete', resource: 'buckets/x' },
    ],
    [
      'without a resource',
      { ...context, eventType: 'providers/cloud.firestore/eventTypes/document.write' },
    ],
    [
      'with an id that is a number',
      { ...context, eventId: 5, eventType: 'google.pubsub.topic.publish', resource: 'r' },
    ],
    [
      'with a time that is none',
      { ...context, timestamp: 'soon', eventType: 'google.pubsub.topic.publish', resource: 'r' },
    ],
    [
      'of a database without a domain',
      {
        ...context,
        eventType: 'providers/google.firebase.database/eventTypes/ref.write',
        resource: database.resource,
      },
    ],
    [
      'of a database of another domain',
      {
        ...context,
        eventType: 'providers/google.firebase.database/eventTypes/ref.write',
        resource: database.resource,
      },
      { domain: 'example.com' },
    ],
  ])('%s is refused with 400', async (_, given, beside) => {
    const send = await serve(cloudEvent('strict', () => {}));
    const response = await send({ body: { data: {}, context: given, ...beside } });
    expect(await refusal(response)).toEqual({ status: 400, code: 'OFN_EVENT_MALFORMED' });
  });
});

it.each<[string, unknown]>([
  ['null', null],
  ['of a service named like a member of objects', { service: 'constructor', name: 'x' }],
])('a legacy event whose resource is %s never fails the function', async (_, resource) => {
  const send = await serve(cloudEvent('odd', () => {}));
  const eventType = 'google.pubsub.topic.publish';
  const context = { eventId: ID, timestamp: TIME, eventType, resource };
  const response = await send({ body: { data: {}, context } });
  expect([204, 400]).toContain(response.status);
});

describe('a legacy event in full', () => {
  it('of the first databases has the region they are in', () => {
    const eventType = 'providers/google.firebase.database/eventTypes/ref.write';
    const context = { eventId: ID, timestamp: TIME, eventType, resource: database.resource };
    expect(toCloudEvent({ data: {}, context }, 'firebaseio.com').source).toContain(
      '/locations/us-central1/',
    );
  });

  it('may name its resource as text where it is usually an object', () => {
    const { name } = storage.resource;
    const eventType = 'google.storage.object.delete';
    const context = { eventId: ID, timestamp: TIME, eventType, resource: name };
    expect(toCloudEvent({ data: object, context }).source).toBe(storage.source);
  });

  it('of a user without metadata keeps its data', () => {
    const eventType = 'providers/firebase.auth/eventTypes/user.delete';
    const context = { eventId: ID, eventType, resource: 'projects/library' };
    const made = toCloudEvent({ data: { email: 'x' }, context });
    expect([made.subject, made.data]).toEqual([undefined, { email: 'x' }]);
  });
});

describe('a field of a legacy event that is of another kind', () => {
  const legal = {
    eventId: ID,
    timestamp: TIME,
    eventType: 'google.pubsub.topic.publish',
    resource: pubsub.resource,
  };
  // JSON can hold an object that cannot become text.
  const textless = { toString: 0, valueOf: 0 };

  it.each<[string, object, object?]>([
    ['a null resource', { resource: null }],
    ['a resource that is a number', { resource: 5 }],
    ['a resource that is a list', { resource: ['a'] }],
    ['a service that is a number', { resource: { service: 5, name: 'x' } }],
    ['a name that is an object', { resource: { service: 'a', name: {} } }],
    ['an id that is missing', { eventId: undefined }],
    ['an id that is an object', { eventId: textless }],
    ['a time that is a number', { timestamp: 5 }],
    ['a time that is null', { timestamp: null }],
    ['a type that is a number', { eventType: 5 }],
    ['a type that is no text', { eventType: textless }],
    ['a type of a member of objects', { eventType: 'constructor' }],
    ['a type of a prototype', { eventType: '__proto__' }],
    [
      'a domain that is no text',
      {
        eventType: 'providers/google.firebase.database/eventTypes/ref.write',
        resource: database.resource,
      },
      { domain: textless },
    ],
  ])('%s is refused with 400', async (_, changes, beside) => {
    let calls = 0;
    const send = await serve(cloudEvent('strict', () => void (calls += 1)));
    const body = { data: {}, context: { ...legal, ...changes }, ...beside };
    expect(await refusal(await send({ body }))).toEqual({
      status: 400,
      code: 'OFN_EVENT_MALFORMED',
    });
    expect(calls).toBe(0);
  });

  it.each(['constructor', '__proto__'])(
    'a service named %s is one like others',
    async (service) => {
      const send = await serve(cloudEvent('service', ({ source }) => ({ source })));
      const body = { data: {}, context: { ...legal, resource: { service, name: 'x' } } };
      expect(await (await send({ body })).json()).toEqual({ source: `//${service}/x` });
    },
  );

  it('an id of a push message that is no text is refused with 400', async () => {
    const send = await serve(cloudEvent('pushed', () => {}));
    const message = { messageId: textless, data: 'eA==' };
    const response = await send({ body: { message, subscription: 's' } });
    expect(await refusal(response)).toEqual({ status: 400, code: 'OFN_EVENT_MALFORMED' });
  });
});
