// The outputs of the function context as what a function sends to: topics and output bindings.
import { isUtf8 } from 'node:buffer';
import { OfnError } from '../errors.ts';
import type { ContextComponent } from '../function/context.ts';
import type { ExitTarget } from '../invocation/trace.ts';
import { toBulkFailures, toPreparedEntry, type BulkFailure } from './bulk-publish.ts';
import type { SidecarClient } from './client.ts';
import { exitThrough } from './exit.ts';
import { toMessage } from './published-message.ts';
import { isEvent, toBytes, toDataJson, toEventJson, toPayload } from './payload.ts';
import { renderQuery } from './query.ts';
import { renderSidecarFailure, toSidecarFailure } from './sidecar-failure.ts';
import type { SidecarReply } from './sidecar-exchange.ts';
import { isQueue, type Enveloper } from './trace-envelope.ts';

/** How one message is sent. */
export interface SendOptions {
  /** For the component, added to that of the context. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Operation of a binding. Default: the one of the context, else `create`. */
  readonly operation?: string;
  /**
   * What the component partitions or files the message by: `partitionKey` for topics and for bindings
   * to Kafka, Event Hubs and Kinesis, `key` for other bindings.
   */
  readonly key?: string;
  /** Content type. Default: what follows from the data. Text and bytes are then sent as they are. */
  readonly contentType?: string;
  /** Topic. Default: the one of the context. */
  readonly topic?: string;
}

/** What the system behind a binding answered. */
export interface BindingResponse {
  /** The answer: a value when it is JSON, its text, or its bytes; `undefined` when it is empty. */
  readonly data: unknown;
  /** The answer, byte by byte. */
  readonly bytes: Buffer;
  /** Metadata of the answer. The sidecar's HTTP API does not keep the case of names: all are lower-case. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A topic or an output binding that the function sends to. */
export interface Output extends Readonly<ContextComponent> {
  /** Name in the function context. */
  readonly name: string;
  /** Name of the Dapr component. */
  readonly component: string;
  readonly type: 'topic' | 'binding';
  /** Operation of a binding, unless the message says another; `undefined` for topics. */
  readonly operation: string | undefined;
  readonly topic: string | undefined;
  /** For the component, with each message. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Sends a message: text as `text/plain`, bytes as they are, CloudEvents with their attributes,
   * anything else as JSON. A binding gets JSON by Dapr's API, and bytes in it as base64.
   *
   * @returns What the binding answered; `undefined` for a topic.
   * @throws OfnError `OFN_OUTPUT_FAILED`, `OFN_SIDECAR_UNAVAILABLE`, `OFN_SIDECAR_TIMEOUT`,
   *   `OFN_RESULT_INVALID`.
   * @example
   * await ctx.outputs.shipments.send(order, { key: order.customer });
   */
  send(data: unknown, options?: SendOptions): Promise<BindingResponse | undefined>;
  /**
   * Publishes many events in one request.
   *
   * @param events Data, or `{ event, entryId?, contentType?, metadata? }`.
   * @returns The events that were not published, each with its error; none when all were.
   * @throws OfnError as `send` does, when the request failed as a whole.
   */
  publishBulk(
    events: readonly unknown[],
    options?: Omit<SendOptions, 'operation'>,
  ): Promise<{ readonly failed: readonly BulkFailure[] }>;
}

/**
 * Makes one output of the context.
 *
 * @param envelop Puts what goes to topics and queues into envelopes; `undefined` to send it as it is.
 */
export function createOutput(
  name: string,
  described: ContextComponent,
  client: SidecarClient,
  envelop?: Enveloper,
): Output {
  const type = typeOf(described);
  const component = described.componentName ?? name;
  const topic = type === 'topic' ? (described.topic ?? described.uri) : undefined;
  const operation = type === 'topic' ? undefined : (described.operation ?? 'create');
  const metadata = Object.freeze({ ...described.metadata });
  const label =
    type === 'topic'
      ? `${name} (topic ${topic ?? ''} of ${component})`
      : `${name} (binding ${component})`;

  const toMetadata = (options: SendOptions): Record<string, string> => ({
    ...metadata,
    ...(options.key === undefined ? {} : keyMetadata(described, type, options.key)),
    ...options.metadata,
  });

  const toTopic = (options: SendOptions): string => {
    const chosen = options.topic ?? topic;
    if (chosen !== undefined && chosen !== '') return chosen;
    const message = `output ${label} has no topic: add it to the function context, or send with { topic }`;
    throw new OfnError('OFN_OUTPUT_FAILED', message);
  };

  const { componentType } = described;
  const toTarget = (options: SendOptions): ExitTarget => {
    if (type === 'binding') {
      const asked = `${options.operation ?? operation ?? ''} ${component}`;
      return { kind: type, operation: asked, peer: component, componentType };
    }
    const to = options.topic ?? topic ?? '';
    return { kind: type, operation: `publish ${to}`, peer: `${component}/${to}`, componentType };
  };

  const render = envelop ?? toMessage;

  // These read the trace: they run inside the exit span.

  const publish = async (data: unknown, options: SendOptions): Promise<undefined> => {
    const extra = toMetadata(options);
    const { contentType, body } = render(toPayload(data, options.contentType), extra);
    const path = `/v1.0/publish/${encodeURIComponent(component)}/${encodeURIComponent(toTopic(options))}`;
    const headers = { 'content-type': contentType };
    const url = `${path}${renderQuery(extra)}`;
    assertSuccess(label, await client.request(url, { method: 'POST', headers, body }));
  };

  const toContent =
    envelop === undefined || !isQueue(componentType) ? toBindingContent : toEnveloped(envelop);

  const invoke = async (data: unknown, options: SendOptions): Promise<BindingResponse> => {
    const extra = toMetadata(options);
    const { json, contentType } = toContent(data, options.contentType);
    if (contentType !== undefined) extra['contentType'] = contentType;
    const chosen = JSON.stringify(options.operation ?? operation);
    const body = `{"operation":${chosen},"metadata":${JSON.stringify(extra)},"data":${json}}`;
    const path = `/v1.0/bindings/${encodeURIComponent(component)}`;
    const headers = { 'content-type': 'application/json' };
    const reply = await client.request(path, { method: 'POST', headers, body });
    assertSuccess(label, reply);
    return toBindingResponse(reply);
  };

  const publishAll: Output['publishBulk'] = async (events, options = {}) => {
    const path = `/v1.0-alpha1/publish/bulk/${encodeURIComponent(component)}/${encodeURIComponent(toTopic(options))}`;
    const extra = toMetadata(options);
    const entries = events.map((event, index) =>
      toPreparedEntry(event, index, { metadata: extra, contentType: options.contentType, render }),
    );
    const reply = await client.request(`${path}${renderQuery(extra)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `[${entries.map(({ json }) => json).join(',')}]`,
    });
    return { failed: toBulkFailures(label, reply, entries) };
  };

  const output: Output = {
    ...described,
    name,
    component,
    type,
    operation,
    topic,
    metadata,
    send: (data, options = {}) =>
      exitThrough<BindingResponse | undefined>(toTarget(options), () =>
        type === 'topic' ? publish(data, options) : invoke(data, options),
      ),
    async publishBulk(events, options = {}) {
      if (type === 'binding') {
        throw new OfnError('OFN_OUTPUT_FAILED', `output ${label} is no topic: use send`);
      }
      if (events.length === 0) return { failed: [] };
      return exitThrough(toTarget(options), () => publishAll(events, options));
    },
  };
  return Object.freeze(output);
}

// A context may leave the type out: what has an operation is a binding, what has a topic is not.
function typeOf({ componentType, topic, uri, operation }: ContextComponent): Output['type'] {
  if (componentType?.startsWith('bindings') === true) return 'binding';
  if (componentType?.startsWith('pubsub') === true) return 'topic';
  return operation === undefined && (topic ?? uri) !== undefined ? 'topic' : 'binding';
}

// components-contrib: all brokers of pub/sub that partition read `partitionKey`; of the bindings these
// three do, while S3, Redis and the others that file by a key read `key`.
const PARTITIONED = /^bindings\.(kafka|azure\.eventhubs|aws\.kinesis)\b/;

function keyMetadata(
  { componentType = '' }: ContextComponent,
  type: Output['type'],
  key: string,
): Record<string, string> {
  if (type === 'topic' || PARTITIONED.test(componentType)) return { partitionKey: key };
  return componentType === '' ? { key, partitionKey: key } : { key };
}

/** The data of a binding's request, and the content type that goes with it. */
interface BindingContent {
  readonly json: string;
  readonly contentType: string | undefined;
}

function toBindingContent(data: unknown, contentType: string | undefined): BindingContent {
  const bytes = toBytes(data);
  // Components that want bytes decode base64, most of them when told to (`decodeBase64`).
  if (bytes !== undefined) {
    return { json: JSON.stringify(Buffer.from(bytes).toString('base64')), contentType };
  }
  return { json: isEvent(data) ? toEventJson(data) : toDataJson(data), contentType };
}

// An envelope is JSON, whatever is in it.
function toEnveloped(envelop: Enveloper): typeof toBindingContent {
  return (data, contentType) => {
    const { body, contentType: type } = envelop(toPayload(data, contentType));
    return { json: String(body), contentType: contentType === undefined ? undefined : type };
  };
}

function assertSuccess(label: string, reply: SidecarReply): void {
  const failure = toSidecarFailure(reply);
  if (failure === undefined) return;
  const message = `output ${label} failed: ${renderSidecarFailure(failure)}`;
  throw new OfnError('OFN_OUTPUT_FAILED', message);
}

const METADATA_HEADER = 'metadata.';

function toBindingResponse({ bytes, headers }: SidecarReply): BindingResponse {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(METADATA_HEADER))
      metadata[name.slice(METADATA_HEADER.length)] = String(value);
  }
  return { data: toData(bytes), bytes, metadata };
}

function toData(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) return bytes;
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
