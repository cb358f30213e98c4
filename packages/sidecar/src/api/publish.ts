// The pub/sub API over both protocols: a request becomes one event, or many, for the engine.
import * as v from 'valibot';
import { anyCaseObject } from '../any-case-object.ts';
import type { BulkEntry } from '../contract.ts';
import { SidecarError, toMessage } from '../errors.ts';
import { readTrace, type ApiContext } from './context.ts';
import {
  badEvents,
  publishFailed,
  pubsubMetadata,
  pubsubNameEmpty,
  pubsubNotFound,
  topicEmpty,
} from './fault.ts';
import type { GrpcCall, GrpcMethods } from './grpc-method.ts';
import {
  MetadataSchema,
  NO_CONTENT,
  parseBody,
  WRITE,
  type HttpCall,
  type HttpReply,
  type Route,
} from './http-route.ts';

type Metadata = Readonly<Record<string, string>>;

export function publishRoutes(context: ApiContext): readonly Route[] {
  return [
    {
      // Before the route of a single event, whose topic may have slashes.
      methods: WRITE,
      pattern: /^\/v1\.0(?:-alpha1)?\/publish\/bulk\/(?<pubsub>[^/]+)\/(?<topic>.+)$/,
      handle: (call) => publishBulk(context, call),
    },
    {
      methods: WRITE,
      pattern: /^\/v1\.0\/publish\/(?<pubsub>[^/]+)\/(?<topic>.+)$/,
      handle: (call) => publishOne(context, call),
    },
  ];
}

async function publishOne(context: ApiContext, call: HttpCall): Promise<HttpReply> {
  const { pubsub = '', topic = '' } = call.params;
  checkTarget(context, pubsub, topic);
  const data = await call.body().catch((thrown: unknown) => {
    throw publishFailed(topic, pubsub, thrown);
  });
  checkMetadata(call.metadata);
  const { headers, metadata } = call;
  const contentType = headers['content-type'];
  const event = { pubsub, topic, data, contentType, metadata, ...readTrace(headers) };
  await wrap(context.engine.publish(event), topic, pubsub);
  return NO_CONTENT;
}

const EntriesSchema = v.nullish(
  v.array(
    anyCaseObject({
      entryId: v.nullish(v.string(), ''),
      event: v.optional(v.unknown()),
      contentType: v.nullish(v.string(), ''),
      metadata: MetadataSchema,
    }),
  ),
  [],
);

async function publishBulk(context: ApiContext, call: HttpCall): Promise<HttpReply> {
  const { pubsub = '', topic = '' } = call.params;
  const { headers, metadata } = call;
  checkTarget(context, pubsub, topic);
  checkMetadata(metadata);
  const given = await parseBody(call, EntriesSchema, (thrown) =>
    badEvents('error when unmarshaling the request', topic, pubsub, `: ${toMessage(thrown)}`),
  );
  const entries = given.map((entry): BulkEntry => {
    const data = toEventBytes(entry.event, entry.contentType);
    if (data === undefined) {
      const what = 'error when marshalling cloud event envelope';
      throw badEvents(what, topic, pubsub, ': error: mismatch between contentType and event');
    }
    const own = entry.metadata ?? undefined;
    return { ...entry, data, metadata: mergeMetadata(metadata, own) };
  });
  checkIds(entries, topic, pubsub);
  const { failed } = await wrap(
    context.engine.publishBulk({
      pubsub,
      topic,
      entries,
      metadata,
      ...readTrace(headers),
    }),
    topic,
    pubsub,
  );
  if (failed.length === 0) return NO_CONTENT;
  const body = { failedEntries: failed, errorCode: 'ERR_PUBSUB_PUBLISH_MESSAGE' };
  return { status: 500, body: JSON.stringify(body) };
}

// An event inside JSON: binary as base64, text as a string, JSON as itself; `undefined` when it is
// not what its content type says.
function toEventBytes(event: unknown, contentType: string): Buffer | undefined {
  const [type = ''] = contentType.toLowerCase().split(';', 1);
  if (type === 'application/octet-stream') {
    return typeof event === 'string' && isBase64(event) ? Buffer.from(event, 'base64') : undefined;
  }
  if (type.startsWith('text/') || type === 'application/xml') {
    return typeof event === 'string' ? Buffer.from(event) : undefined;
  }
  if (type !== 'application/json' && type !== 'application/cloudevents+json') return undefined;
  return Buffer.from(JSON.stringify(event ?? null));
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

export function publishMethods(
  context: ApiContext,
): Pick<GrpcMethods, 'publishEvent' | 'bulkPublishEventAlpha1'> {
  return {
    async publishEvent({ request, headers }) {
      const { pubsubName: pubsub, topic, metadata } = request;
      checkTarget(context, pubsub, topic);
      checkMetadata(metadata);
      const data = Buffer.from(request.data);
      const contentType = request.dataContentType === '' ? undefined : request.dataContentType;
      const event = { pubsub, topic, data, contentType, metadata, ...readTrace(headers) };
      await wrap(context.engine.publish(event), topic, pubsub);
      return {};
    },
    bulkPublishEventAlpha1: (call) => publishBulkOverGrpc(context, call),
  };
}

async function publishBulkOverGrpc(
  context: ApiContext,
  { request, headers }: GrpcCall<'bulkPublishEventAlpha1'>,
): Promise<{ failedEntries: [] }> {
  const { pubsubName: pubsub, topic, metadata } = request;
  checkTarget(context, pubsub, topic);
  checkMetadata(metadata);
  const entries = request.entries.map((entry): BulkEntry => {
    // Over this protocol no metadata and empty metadata are the same.
    const own = Object.keys(entry.metadata).length === 0 ? undefined : entry.metadata;
    const { entryId, contentType, event } = entry;
    return {
      entryId,
      contentType,
      data: Buffer.from(event),
      metadata: mergeMetadata(metadata, own),
    };
  });
  checkIds(entries, topic, pubsub);
  const { failed } = await wrap(
    context.engine.publishBulk({
      pubsub,
      topic,
      entries,
      metadata,
      ...readTrace(headers),
    }),
    topic,
    pubsub,
  );
  // The entries that failed are told over HTTP only: here the call fails, as it does in daprd.
  const [first] = failed;
  if (first !== undefined) throw publishFailed(topic, pubsub, new Error(first.error));
  return { failedEntries: [] };
}

function checkTarget({ engine }: ApiContext, pubsub: string, topic: string): void {
  if (pubsub === '') throw pubsubNameEmpty();
  const isKnown = engine.components.some(
    ({ name, type }) => name === pubsub && type.startsWith('pubsub.'),
  );
  if (!isKnown) throw pubsubNotFound(pubsub);
  if (topic === '') throw topicEmpty(pubsub);
}

// What Go's ParseBool takes.
const BOOLEANS = ['1', 't', 'T', 'TRUE', 'true', 'True', '0', 'f', 'F', 'FALSE', 'false', 'False'];

function checkMetadata(metadata: Metadata): void {
  const raw = metadata['rawPayload'] ?? '';
  if (raw === '' || BOOLEANS.includes(raw)) return;
  throw pubsubMetadata(`rawPayload value must be a valid boolean: actual is '${raw}'`);
}

function checkIds(entries: readonly BulkEntry[], topic: string, pubsub: string): void {
  const ids = new Set(entries.map(({ entryId }) => entryId));
  if (ids.size === entries.length && !ids.has('')) return;
  const why = '. error: entryId is duplicated or not present for entry';
  throw badEvents('error marshaling events to bytes', topic, pubsub, why);
}

// An entry without metadata has none at all, not even that of the request: so it is in daprd.
function mergeMetadata(ofRequest: Metadata, ofEntry: Metadata | undefined): Metadata {
  return ofEntry === undefined ? {} : { ...ofRequest, ...ofEntry };
}

async function wrap<T>(published: Promise<T>, topic: string, pubsub: string): Promise<T> {
  try {
    return await published;
  } catch (thrown) {
    throw thrown instanceof SidecarError ? thrown : publishFailed(topic, pubsub, thrown);
  }
}
