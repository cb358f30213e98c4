// The CloudEvent around what is published, and around a raw payload that is delivered.
import { randomUUID } from 'node:crypto';
import type { CloudEventFields } from '../app/channel.ts';
import type { Clock } from '../clock.ts';
import type { PublishRequest } from '../contract.ts';
import { SidecarError, toMessage } from '../errors.ts';
import { status as grpc } from '@grpc/grpc-js';

const DEFAULT_TYPE = 'com.dapr.event.sent';
const DEFAULT_SOURCE = 'Dapr';

/**
 * What the broker gets: a CloudEvent as JSON, or the payload as it is when `rawPayload` says so.
 *
 * @throws SidecarError when the metadata or a CloudEvent is not valid.
 */
export function wrapEvent(request: PublishRequest, appId: string, clock: Clock): Buffer {
  if (isRawPayload(request.metadata)) return request.data;
  if (mediaTypeOf(request.contentType ?? '') === 'application/cloudevents+json') {
    return completeEvent(request, clock);
  }
  return createEvent(request, appId, clock);
}

function createEvent(request: PublishRequest, appId: string, clock: Clock): Buffer {
  const override = (name: string) => metadataOf(request.metadata, `cloudevent.${name}`) ?? '';
  const contentType = orDefault(request.contentType ?? '', 'text/plain');
  const subject = override('subject');
  const trace = orDefault(
    override('traceparent'),
    orDefault(override('traceid'), request.traceparent ?? ''),
  );
  const fields = {
    datacontenttype: contentType,
    ...toExpiration(request.metadata, clock),
    id: orDefault(override('id'), randomUUID()),
    pubsubname: request.pubsub,
    source: orDefault(override('source'), orDefault(appId, DEFAULT_SOURCE)),
    specversion: '1.0',
    ...(subject === '' ? {} : { subject }),
    time: toTime(clock.now()),
    topic: request.topic,
    traceid: trace,
    traceparent: trace,
    tracestate: orDefault(override('tracestate'), request.tracestate ?? ''),
    type: orDefault(override('type'), DEFAULT_TYPE),
  };
  const head = JSON.stringify(fields).slice(0, -1);
  return Buffer.from(`${head},${renderData(request.data, contentType)}}`);
}

function renderData(data: Buffer, contentType: string): string {
  const mediaType = mediaTypeOf(contentType);
  if (
    mediaType === 'application/octet-stream' ||
    mediaType === 'application/cloudevents+protobuf'
  ) {
    return `"data_base64":"${data.toString('base64')}"`;
  }
  const text = data.toString('utf8');
  // The text of a JSON value goes in as it is: numbers that JavaScript cannot hold stay what they are.
  if (mediaType === 'application/json' && parseJson(text) !== undefined) return `"data":${text}`;
  return `"data":${JSON.stringify(text)}`;
}

// An event of the publisher's own: what it does not say is added.
function completeEvent(request: PublishRequest, clock: Clock): Buffer {
  const text = request.data.toString('utf8').trim();
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch (cause) {
    throw notAnEvent(toMessage(cause));
  }
  if (!isEvent(event)) throw notAnEvent('it is not a JSON object');
  const trace = request.traceparent ?? '';
  const added: Record<string, unknown> = {
    ...('time' in event ? {} : { time: toTime(clock.now()) }),
    ...('traceid' in event ? {} : { traceid: trace, traceparent: trace }),
    ...('tracestate' in event ? {} : { tracestate: request.tracestate ?? '' }),
    topic: request.topic,
    pubsubname: request.pubsub,
    ...(isAbsent(event['source']) ? { source: DEFAULT_SOURCE } : {}),
    ...(isAbsent(event['type']) ? { type: DEFAULT_TYPE } : {}),
    ...(isAbsent(event['specversion']) ? { specversion: '1.0' } : {}),
    ...toExpiration(request.metadata, clock),
  };
  // Only when a field has to change is the text written anew.
  if (Object.keys(added).some((name) => name in event)) {
    return Buffer.from(JSON.stringify({ ...event, ...added }));
  }
  const separator = Object.keys(event).length === 0 ? '' : ',';
  return Buffer.from(`${text.slice(0, -1)}${separator}${JSON.stringify(added).slice(1)}`);
}

function notAnEvent(reason: string): SidecarError {
  return new SidecarError('ERR_PUBSUB_CLOUD_EVENTS_SER', `cannot create cloudevent: ${reason}`, {
    httpStatus: 500,
    grpcStatus: grpc.INVALID_ARGUMENT,
  });
}

/** An event for what was published raw: its id is new at each delivery. */
export function wrapRawPayload(data: Buffer, topic: string, pubsub: string): CloudEventFields {
  return {
    id: randomUUID(),
    specversion: '1.0',
    datacontenttype: 'application/octet-stream',
    source: DEFAULT_SOURCE,
    type: DEFAULT_TYPE,
    topic,
    pubsubname: pubsub,
    data_base64: data.toString('base64'),
  };
}

/** @throws Error when the bytes are not a CloudEvent as JSON. */
export function parseEvent(data: Buffer): CloudEventFields {
  const event: unknown = JSON.parse(data.toString('utf8'));
  if (!isEvent(event)) throw new TypeError('the message is not a CloudEvent');
  return event;
}

/** Whether the time of an event is over. */
export function hasExpired(event: CloudEventFields, clock: Clock): boolean {
  const { expiration } = event;
  return typeof expiration === 'string' && Date.parse(expiration) < clock.now();
}

/**
 * Whether metadata asks for the payload as it is.
 *
 * @throws SidecarError when it says neither yes nor no.
 */
export function isRawPayload(metadata: Readonly<Record<string, string>>): boolean {
  const text = metadataOf(metadata, 'rawPayload') ?? '';
  if (text === '') return false;
  if (/^(?:1|t|true)$/i.test(text)) return true;
  if (/^(?:0|f|false)$/i.test(text)) return false;
  throw new SidecarError(
    'ERR_PUBSUB_REQUEST_METADATA',
    `failed deserializing metadata: rawPayload value must be a valid boolean: actual is '${text}'`,
    { httpStatus: 400, grpcStatus: grpc.INVALID_ARGUMENT },
  );
}

function toExpiration(
  metadata: Readonly<Record<string, string>>,
  clock: Clock,
): { expiration?: string } {
  const seconds = Number(metadataOf(metadata, 'ttlInSeconds') ?? '');
  if (!Number.isInteger(seconds) || seconds <= 0) return {};
  return { expiration: toTime(clock.now() + seconds * 1000) };
}

function metadataOf(
  metadata: Readonly<Record<string, string>>,
  wanted: string,
): string | undefined {
  if (wanted in metadata) return metadata[wanted];
  const lower = wanted.toLowerCase();
  return Object.entries(metadata).find(([name]) => name.toLowerCase() === lower)?.[1];
}

// RFC 3339 in seconds, as Go writes it.
function toTime(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}

function mediaTypeOf(contentType: string): string {
  return contentType.toLowerCase().split(';')[0] ?? '';
}

function parseJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function orDefault(text: string, fallback: string): string {
  return text === '' ? fallback : text;
}
