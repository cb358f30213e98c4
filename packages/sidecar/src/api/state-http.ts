// The state API over HTTP: a request becomes calls of a store, what is stored a reply.
import * as v from 'valibot';
import { anyCaseObject } from '../any-case-object.ts';
import { toMessage } from '../errors.ts';
import { writeEach, type Operation, type StateItem, type StateStore } from '../state/store.ts';
import type { ApiContext } from './context.ts';
import {
  malformedBody,
  malformedRequest,
  operationUnknown,
  stateDeleteFailed,
  stateSaveFailed,
  transactionFailed,
  unreadableBody,
} from './fault.ts';
import {
  MetadataSchema,
  NO_CONTENT,
  parseBody,
  WRITE,
  type HttpCall,
  type HttpReply,
  type Route,
} from './http-route.ts';
import { findStore, parseQueryOf, toExpiry } from './state-store.ts';

export function stateRoutes(context: ApiContext): readonly Route[] {
  const route = (
    methods: readonly string[],
    pattern: RegExp,
    handle: (store: StateStore, call: HttpCall) => Promise<HttpReply>,
  ): Route => ({
    methods,
    pattern,
    handle: (call) => handle(findStore(context, call.params['store'] ?? ''), call),
  });
  return [
    route(WRITE, /^\/v1\.0\/state\/(?<store>[^/]+)$/, save),
    route(WRITE, /^\/v1\.0\/state\/(?<store>[^/]+)\/bulk$/, getBulk),
    route(WRITE, /^\/v1\.0\/state\/(?<store>[^/]+)\/transaction$/, transact),
    route(WRITE, /^\/v1\.0-alpha1\/state\/(?<store>[^/]+)\/query$/, query),
    route(['GET'], /^\/v1\.0\/state\/(?<store>[^/]+)\/(?<key>[^/]+)$/, get),
    route(['DELETE'], /^\/v1\.0\/state\/(?<store>[^/]+)\/(?<key>[^/]+)$/, remove),
  ];
}

const RequestSchema = anyCaseObject({
  key: v.nullish(v.string(), ''),
  value: v.optional(v.unknown()),
  etag: v.nullish(v.string()),
  metadata: MetadataSchema,
  options: v.nullish(
    anyCaseObject({ concurrency: v.nullish(v.string()), consistency: v.nullish(v.string()) }),
  ),
});

type Request = v.InferOutput<typeof RequestSchema>;

function toStoreRequest({ key, value, etag, options, metadata }: Request, more: Metadata) {
  return {
    key,
    data: Buffer.from(JSON.stringify(value ?? null)),
    etag: etag ?? undefined,
    options: {
      concurrency: options?.concurrency ?? undefined,
      consistency: options?.consistency ?? undefined,
    },
    metadata: { ...metadata, ...more },
  };
}

type Metadata = Readonly<Record<string, string>>;

async function save(store: StateStore, call: HttpCall): Promise<HttpReply> {
  const given = await parseBody(call, v.nullish(v.array(RequestSchema), []), (thrown) =>
    malformedRequest(toMessage(thrown), thrown),
  );
  if (given.some(({ key }) => key === '')) throw malformedRequest('"key" is a required field');
  const requests = given.map((request) => toStoreRequest(request, call.metadata));
  await writeEach(requests, (request) => store.set(request)).catch((thrown: unknown) => {
    throw stateSaveFailed(store.name, thrown);
  });
  return NO_CONTENT;
}

async function get(store: StateStore, call: HttpCall): Promise<HttpReply> {
  const item = await store.get(call.params['key'] ?? '');
  // Nothing and no bytes are the same to Dapr.
  if (item === undefined || item.data.length === 0) return NO_CONTENT;
  const headers = Object.fromEntries(
    Object.entries(toExpiry(item)).map(([key, value]) => [`metadata.${key}`, value]),
  );
  return { status: 200, headers: { ...headers, etag: item.etag }, body: item.data };
}

async function remove(store: StateStore, call: HttpCall): Promise<HttpReply> {
  const { key = '' } = call.params;
  const request = {
    key,
    etag: call.headers['if-match'],
    options: {
      concurrency: call.query.get('concurrency') ?? undefined,
      consistency: call.query.get('consistency') ?? undefined,
    },
    metadata: call.metadata,
  };
  await store.delete(request).catch((thrown: unknown) => {
    throw stateDeleteFailed(key, thrown);
  });
  return NO_CONTENT;
}

const BulkSchema = anyCaseObject({
  keys: v.nullish(v.array(v.string()), []),
  parallelism: v.nullish(v.number()),
  metadata: MetadataSchema,
});

async function getBulk(store: StateStore, call: HttpCall): Promise<HttpReply> {
  const { keys } = await parseBody(call, BulkSchema);
  const items = await Promise.all(keys.map((key) => store.get(key)));
  const entries = keys.map((key, index) => {
    const item = items[index];
    return item === undefined || item.data.length === 0
      ? JSON.stringify({ key })
      : renderItem(item, toExpiry(item));
  });
  return renderItems(`[${entries.join(',')}]`);
}

const TransactionSchema = anyCaseObject({
  operations: v.nullish(
    v.array(
      anyCaseObject({ operation: v.nullish(v.string(), ''), request: v.nullish(v.unknown(), {}) }),
    ),
    [],
  ),
  metadata: MetadataSchema,
});

async function transact(store: StateStore, call: HttpCall): Promise<HttpReply> {
  const { operations } = await parseBody(call, TransactionSchema);
  const parsed = operations.map(({ operation, request }): Operation => {
    if (operation !== 'upsert' && operation !== 'delete') throw operationUnknown(operation);
    const result = v.safeParse(RequestSchema, request);
    if (!result.success) throw malformedBody(new Error(result.issues[0].message));
    return { type: operation, request: toStoreRequest(result.output, call.metadata) };
  });
  await store.transact(parsed).catch((thrown: unknown) => {
    throw transactionFailed(thrown);
  });
  return NO_CONTENT;
}

async function query(store: StateStore, call: HttpCall): Promise<HttpReply> {
  const body = await call.body().catch((thrown: unknown) => {
    throw unreadableBody(thrown);
  });
  const { items, token } = await store.query(parseQueryOf(store, body.toString()));
  if (items.length === 0) return NO_CONTENT;
  const results = items.map((item) => renderItem(item, {})).join(',');
  const rest = token === '' ? '' : `,"token":${JSON.stringify(token)}`;
  return renderItems(`{"results":[${results}]${rest}}`);
}

// The bytes of a value go into the JSON as they are.
function renderItem({ key, data, etag }: StateItem, metadata: Metadata): string {
  const rest = Object.keys(metadata).length === 0 ? {} : { metadata };
  const [start, end] = [JSON.stringify({ key }), JSON.stringify({ etag, ...rest })];
  return `${start.slice(0, -1)},"data":${data.toString()},${end.slice(1)}`;
}

// A value that was stored over gRPC need not be JSON. daprd then answers with nothing; so do we.
function renderItems(body: string): HttpReply {
  try {
    JSON.parse(body);
  } catch {
    return { status: 200, body: '' };
  }
  return { status: 200, body };
}
