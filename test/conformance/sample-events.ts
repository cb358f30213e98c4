// One event of each kind that Google's legacy functions know, in both shapes: as the legacy service
// posts it, and as the CloudEvent that stands for the same.

/** An event in both shapes. */
export interface SampleEvent {
  readonly name: string;
  /** The body of a legacy request. */
  readonly posted: Readonly<Record<string, unknown>>;
  /** What a legacy function gets of it. */
  readonly legacy: { readonly data: unknown; readonly context: Readonly<Record<string, unknown>> };
  /** The same as a CloudEvent. */
  readonly cloudEvent: Readonly<Record<string, unknown>>;
  /** What a legacy function gets of the CloudEvent, where that is not `legacy`. */
  readonly converted?: SampleEvent['legacy'];
}

const eventId = '7c1f-0042';
const timestamp = '2024-02-29T23:59:58.125Z';

interface Sample {
  readonly name: string;
  readonly eventType: string;
  readonly resource: unknown;
  readonly data: unknown;
  readonly type: string;
  readonly source: string;
  readonly subject?: string;
  /** Data of the CloudEvent, where it is not the same. */
  readonly eventData?: unknown;
  /** Fields of the request that are no part of the event. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly converted?: SampleEvent['legacy'];
}

function sample(given: Sample): SampleEvent {
  const { name, eventType, resource, data, type, source, subject, extra, converted } = given;
  const context = { eventId, timestamp, eventType, resource };
  // Services that name a resource by an object put the context in one too; the others do not.
  const posted = typeof resource === 'object' ? { data, context } : { data, ...context, ...extra };
  return {
    name,
    posted,
    legacy: { data, context },
    cloudEvent: {
      id: eventId,
      time: timestamp,
      specversion: '1.0',
      type,
      source,
      ...(subject === undefined ? {} : { subject }),
      datacontenttype: 'application/json',
      data: given.eventData ?? data,
    },
    ...(converted === undefined ? {} : { converted }),
  };
}

const PUBSUB_MESSAGE = 'type.googleapis.com/google.pubsub.v1.PubsubMessage';
const TOPIC = 'projects/acme/topics/orders';
const topicResource = { service: 'pubsub.googleapis.com', name: TOPIC, type: PUBSUB_MESSAGE };

function message(fields: Readonly<Record<string, unknown>>): Pick<Sample, 'data' | 'eventData'> {
  const data = { '@type': PUBSUB_MESSAGE, ...fields };
  return { data, eventData: { message: { ...data, messageId: eventId, publishTime: timestamp } } };
}

const textMessage = message({ attributes: { region: 'eu' }, data: btoa('four crates') });

const pubsub = [
  sample({
    name: 'a Pub/Sub message with text and attributes',
    eventType: 'google.pubsub.topic.publish',
    resource: topicResource,
    ...textMessage,
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
    source: `//pubsub.googleapis.com/${TOPIC}`,
  }),
  sample({
    name: 'a Pub/Sub message with bytes',
    eventType: 'google.pubsub.topic.publish',
    resource: topicResource,
    ...message({ data: 'AP+A/g==' }),
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
    source: `//pubsub.googleapis.com/${TOPIC}`,
  }),
  sample({
    name: 'a Pub/Sub message under its oldest name',
    eventType: 'providers/cloud.pubsub/eventTypes/topic.publish',
    resource: TOPIC,
    ...textMessage,
    type: 'google.cloud.pubsub.topic.v1.messagePublished',
    source: `//pubsub.googleapis.com/${TOPIC}`,
    // Only one of the two names can be that of the CloudEvent: the newer one.
    converted: {
      data: textMessage.data,
      context: {
        eventId,
        timestamp,
        eventType: 'google.pubsub.topic.publish',
        resource: topicResource,
      },
    },
  }),
];

const storage = [
  ['finalize', 'finalized'],
  ['delete', 'deleted'],
  ['archive', 'archived'],
  ['metadataUpdate', 'metadataUpdated'],
].map(([legacy, event]) =>
  sample({
    name: `a Storage object that is ${event}`,
    eventType: `google.storage.object.${legacy}`,
    resource: {
      service: 'storage.googleapis.com',
      name: 'projects/_/buckets/harbour/objects/manifests/2024/berth 7.csv',
      type: 'storage#object',
    },
    data: {
      kind: 'storage#object',
      bucket: 'harbour',
      name: 'manifests/2024/berth 7.csv',
      size: '1208',
      metadata: { tide: 'high' },
    },
    type: `google.cloud.storage.object.v1.${event}`,
    source: '//storage.googleapis.com/projects/_/buckets/harbour',
    subject: 'objects/manifests/2024/berth 7.csv',
  }),
);

const CHANGES = [
  ['write', 'written'],
  ['create', 'created'],
  ['update', 'updated'],
  ['delete', 'deleted'],
] as const;

const firestore = CHANGES.map(([legacy, event]) =>
  sample({
    name: `a Firestore document that is ${event}`,
    eventType: `providers/cloud.firestore/eventTypes/document.${legacy}`,
    resource: 'projects/acme/databases/(default)/documents/ships/aurora/logs/12',
    data: {
      oldValue: {},
      updateMask: { fieldPaths: ['draught'] },
      value: {
        name: 'projects/acme/databases/(default)/documents/ships/aurora/logs/12',
        fields: {
          draught: { doubleValue: 4.75 },
          crew: { arrayValue: { values: [{ stringValue: 'Ada' }, { integerValue: '2' }] } },
          position: { geoPointValue: { latitude: -33.86, longitude: 151.2 } },
          berth: { mapValue: { fields: { free: { booleanValue: false } } } },
          pilot: { nullValue: null },
        },
      },
    },
    extra: { params: { ship: 'aurora' } },
    type: `google.cloud.firestore.document.v1.${event}`,
    source: '//firestore.googleapis.com/projects/acme/databases/(default)',
    subject: 'documents/ships/aurora/logs/12',
  }),
);

// What a Realtime Database holds, and what changes in it, can be any JSON value.
const DELTAS: readonly (readonly [string, unknown, unknown])[] = [
  ['an object', { depth: 9 }, { depth: { chart: 9.5 } }],
  ['a number', 9, 10],
  ['a string', 'low', 'high'],
  ['a boolean', true, false],
  ['a list', ['a', 1], ['b', null]],
  ['nothing', { depth: 9 }, null],
];

const database = [
  ...CHANGES.map((change) => ({ change, values: DELTAS[0], domain: 'firebaseio.com' })),
  ...DELTAS.slice(1).map((values) => ({
    change: CHANGES[0],
    values,
    domain: 'europe-west1.firebasedatabase.app',
  })),
].map(({ change: [legacy, event], values: [kind, data, delta] = ['', null, null], domain }) =>
  sample({
    name: `a Realtime Database entry that is ${event}, with ${kind} on ${domain}`,
    eventType: `providers/google.firebase.database/eventTypes/ref.${legacy}`,
    resource: 'projects/_/instances/acme-default/refs/harbour/tide',
    data: { data, delta },
    extra: { domain, auth: { admin: true }, params: { child: 'tide' } },
    type: `google.firebase.database.ref.v1.${event}`,
    source:
      '//firebasedatabase.googleapis.com/projects/_/locations/' +
      `${domain === 'firebaseio.com' ? 'us-central1' : 'europe-west1'}/instances/acme-default`,
    subject: 'refs/harbour/tide',
  }),
);

const auth = (
  [
    ['create', 'created'],
    ['delete', 'deleted'],
  ] as const
).map(([legacy, event]) =>
  sample({
    name: `a user that is ${event}`,
    eventType: `providers/firebase.auth/eventTypes/user.${legacy}`,
    resource: 'projects/acme',
    data: {
      uid: 'Kq81',
      email: 'ada@example.com',
      metadata: { createdAt: '2024-01-01T00:00:00Z', lastSignedInAt: '2024-02-02T10:00:00Z' },
    },
    eventData: {
      uid: 'Kq81',
      email: 'ada@example.com',
      metadata: { createTime: '2024-01-01T00:00:00Z', lastSignInTime: '2024-02-02T10:00:00Z' },
    },
    type: `google.firebase.auth.user.v1.${event}`,
    source: '//firebaseauth.googleapis.com/projects/acme',
    subject: 'users/Kq81',
  }),
);

/** One event of each kind. */
export const SAMPLE_EVENTS: readonly SampleEvent[] = [
  ...pubsub,
  ...storage,
  ...firestore,
  ...database,
  ...auth,
];
