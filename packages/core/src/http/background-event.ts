// Google's legacy background events: to CloudEvents, for `cloudevent` functions, and back, for
// `event` functions. The shapes are those Google's conformance suite checks.
import type { CloudEvent } from 'cloudevents';
import { OfnError } from '../errors.ts';
import type { EventContext } from '../function/signature.ts';
import { toEvent } from './cloud-event.ts';

/** A legacy event: what an `event` handler gets. */
export interface BackgroundEvent {
  readonly data: unknown;
  readonly context: EventContext;
}

type Fields = Record<string, unknown>;

const PUBSUB = 'pubsub.googleapis.com';
const STORAGE = 'storage.googleapis.com';
const FIRESTORE = 'firestore.googleapis.com';
const AUTH = 'firebaseauth.googleapis.com';
const DATABASE = 'firebasedatabase.googleapis.com';
const ANALYTICS = 'firebase.googleapis.com';
const PUBSUB_MESSAGE = 'type.googleapis.com/google.pubsub.v1.PubsubMessage';

// CloudEvent type, legacy type, service. The first row of a CloudEvent type is its legacy name;
// further rows are older names that are understood too.
const TYPES: readonly (readonly [cloudEvent: string, legacy: string, service: string])[] = [
  ['google.cloud.pubsub.topic.v1.messagePublished', 'google.pubsub.topic.publish', PUBSUB],
  [
    'google.cloud.pubsub.topic.v1.messagePublished',
    'providers/cloud.pubsub/eventTypes/topic.publish',
    PUBSUB,
  ],
  ['google.cloud.storage.object.v1.finalized', 'google.storage.object.finalize', STORAGE],
  [
    'google.cloud.storage.object.v1.finalized',
    'providers/cloud.storage/eventTypes/object.change',
    STORAGE,
  ],
  ['google.cloud.storage.object.v1.deleted', 'google.storage.object.delete', STORAGE],
  ['google.cloud.storage.object.v1.archived', 'google.storage.object.archive', STORAGE],
  [
    'google.cloud.storage.object.v1.metadataUpdated',
    'google.storage.object.metadataUpdate',
    STORAGE,
  ],
  ...(
    [
      ['written', 'write'],
      ['created', 'create'],
      ['updated', 'update'],
      ['deleted', 'delete'],
    ] as const
  ).flatMap(
    ([event, legacy]) =>
      [
        [
          `google.cloud.firestore.document.v1.${event}`,
          `providers/cloud.firestore/eventTypes/document.${legacy}`,
          FIRESTORE,
        ],
        [
          `google.firebase.database.ref.v1.${event}`,
          `providers/google.firebase.database/eventTypes/ref.${legacy}`,
          DATABASE,
        ],
      ] as const,
  ),
  ['google.firebase.auth.user.v1.created', 'providers/firebase.auth/eventTypes/user.create', AUTH],
  ['google.firebase.auth.user.v1.deleted', 'providers/firebase.auth/eventTypes/user.delete', AUTH],
  [
    'google.firebase.analytics.log.v1.written',
    'providers/google.firebase.analytics/eventTypes/event.log',
    ANALYTICS,
  ],
];

const byLegacy = new Map(TYPES.map(([type, legacy, service]) => [legacy, { type, service }]));
const byCloudEvent = new Map(
  TYPES.toReversed().map(([type, legacy, service]) => [type, { legacy, service }]),
);

// Where a resource name divides into the source of a CloudEvent and its subject.
const RESOURCE_PATTERNS = new Map<string, RegExp>([
  [ANALYTICS, /^(projects\/[^/]+)\/(events\/[^/]+)$/],
  [DATABASE, /^projects\/[^/]+\/(instances\/[^/]+)\/(refs\/.+)$/],
  [FIRESTORE, /^(projects\/[^/]+\/databases\/[^/]+)\/(documents\/.+)$/],
  [STORAGE, /^(projects\/[^/]+\/buckets\/[^/]+)\/(objects\/.+)$/],
]);

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(message: string): OfnError {
  return new OfnError('OFN_EVENT_MALFORMED', message);
}

/**
 * A parsed body as a legacy event: `{ data, context }`, `{ data, ...context }`, or the push message
 * of a Pub/Sub subscription, whose topic is in the path.
 *
 * @throws OfnError `OFN_EVENT_MALFORMED` when the body is none of these.
 */
export function parseBackgroundEvent(body: unknown, path: string): BackgroundEvent {
  if (!isFields(body)) throw malformed('an event must be a JSON object with data and context');
  const { data, context, ...rest } = body;
  if (isFields(context)) return { data, context: context };
  if (isFields(rest['message']) && typeof rest['subscription'] === 'string') {
    return fromPubSubPush(rest['message'], path);
  }
  if (data !== undefined || 'eventType' in rest) return { data, context: rest };
  throw malformed('the body is neither a background event nor a Pub/Sub push message');
}

// https://cloud.google.com/pubsub/docs/push: the emulator and hand-made subscriptions send this.
function fromPubSubPush(message: Fields, path: string): BackgroundEvent {
  const topic = /projects\/[^/?]+\/topics\/[^/?]+/.exec(path)?.[0] ?? null;
  const { messageId } = message;
  if (typeof messageId !== 'string') throw malformed('message.messageId must be a string');
  return {
    data: {
      '@type': PUBSUB_MESSAGE,
      data: message['data'],
      attributes: message['attributes'] ?? {},
    },
    context: {
      eventId: messageId,
      timestamp: (message['publishTime'] as string | undefined) ?? new Date().toISOString(),
      eventType: 'google.pubsub.topic.publish',
      resource: { service: PUBSUB, type: PUBSUB_MESSAGE, name: topic as string },
    },
  };
}

/**
 * A legacy event as the CloudEvent Google's own services would send.
 *
 * @param domain The `domain` field of a Realtime Database event; its region is in it.
 * @throws OfnError `OFN_EVENT_MALFORMED` for an unknown event type or a resource of another shape.
 */
export function toCloudEvent(legacy: BackgroundEvent, domain?: unknown): CloudEvent<unknown> {
  const { context } = legacy;
  const known = byLegacy.get(context.eventType ?? '');
  if (known === undefined) {
    throw malformed(`the event type ${JSON.stringify(context.eventType)} has no CloudEvent type`);
  }
  if (typeof context.eventId !== 'string') throw malformed('context.eventId must be a string');
  const given: unknown = context.resource;
  const { service = known.service, name = '' } = isFields(given) ? given : { name: given };
  if (typeof service !== 'string' || typeof name !== 'string') {
    throw malformed('context.resource must be a string, or an object with service and name');
  }
  let resource = name;
  let subject: string | undefined;
  const pattern = RESOURCE_PATTERNS.get(service);
  if (pattern !== undefined) {
    const match = pattern.exec(resource);
    if (match === null) throw malformed(`the resource "${resource}" is not one of ${service}`);
    resource = match[1] as string;
    subject = match[2];
  }
  let data = legacy.data;
  if (service === PUBSUB && isFields(data)) {
    data = {
      message: { publishTime: context.timestamp, messageId: context.eventId, ...data },
    };
  }
  if (service === AUTH && isFields(data)) {
    data = renameMetadata(data, [
      ['createdAt', 'createTime'],
      ['lastSignedInAt', 'lastSignInTime'],
    ]);
    const { uid } = data as Fields;
    if (typeof uid === 'string') subject = `users/${uid}`;
  }
  if (service === DATABASE) resource = `projects/_/locations/${databaseRegion(domain)}/${resource}`;
  return toEvent({
    id: context.eventId,
    ...(context.timestamp === undefined ? {} : { time: context.timestamp }),
    specversion: '1.0',
    type: known.type,
    source: `//${service}/${resource}`,
    ...(subject === undefined ? {} : { subject }),
    datacontenttype: 'application/json',
    data,
  });
}

/** A CloudEvent as a legacy event. One that is not Google's keeps its attributes as the context. */
export function toBackgroundEvent(event: CloudEvent<unknown>): BackgroundEvent {
  const known = byCloudEvent.get(event.type);
  if (known === undefined) {
    const { data, data_base64: _, ...context } = event as unknown as Fields;
    return { data, context: context };
  }
  const match = /^\/\/([^/]+)\/(.+)$/.exec(event.source);
  if (match === null) throw malformed(`the source "${event.source}" is not //service/resource`);
  const [, service, name] = match as unknown as [string, string, string];
  const full = event.subject === undefined ? name : `${name}/${event.subject}`;
  let resource: EventContext['resource'] = full;
  let data: unknown = event.data;
  switch (service) {
    case PUBSUB:
      resource = { service, name, type: PUBSUB_MESSAGE };
      data = flattenMessage(data);
      break;
    case STORAGE:
      resource = {
        service,
        name: full,
        ...(isFields(data) ? { type: data['kind'] as string } : {}),
      };
      break;
    case AUTH:
      resource = name;
      data = renameMetadata(data, [
        ['createTime', 'createdAt'],
        ['lastSignInTime', 'lastSignedInAt'],
      ]);
      break;
    case DATABASE:
      resource = full.replace(/\/locations\/[^/]+/, '');
      break;
    default:
  }
  const context: EventContext = {
    eventId: event.id,
    ...(event.time === undefined ? {} : { timestamp: event.time }),
    eventType: known.legacy,
    ...(resource === undefined ? {} : { resource }),
  };
  return { data, context };
}

function flattenMessage(data: unknown): unknown {
  if (!isFields(data)) return data;
  const message = isFields(data['message']) ? data['message'] : data;
  const { messageId: _id, publishTime: _time, ...rest } = message;
  return rest;
}

function renameMetadata(data: unknown, names: readonly (readonly [string, string])[]): unknown {
  if (!isFields(data) || !isFields(data['metadata'])) return data;
  const renames = new Map(names);
  const entries = Object.entries(data['metadata']);
  const metadata = Object.fromEntries(
    entries.map(([key, value]) => [renames.get(key) ?? key, value]),
  );
  return { ...data, metadata };
}

function databaseRegion(domain: unknown): string {
  if (domain === 'firebaseio.com') return 'us-central1';
  const match =
    typeof domain === 'string' ? /^([\w-]+)\.firebasedatabase\.app$/.exec(domain) : null;
  if (match !== null) return match[1] as string;
  throw malformed(`the domain ${JSON.stringify(domain)} is not one of the Realtime Database`);
}
