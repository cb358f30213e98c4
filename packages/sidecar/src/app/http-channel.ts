// The app channel over HTTP: each question a request, each reply a verdict.
import { Agent, request as httpRequest } from 'node:http';
import { SidecarError, toMessage } from '../errors.ts';
import { parseSubscriptionList } from '../resources/subscription.ts';
import {
  ACK,
  type AppAddress,
  type AppChannel,
  type BindingReply,
  invalidSubscriptions,
  type BulkDelivery,
  type DeliveryEntry,
  type Verdict,
} from './channel.ts';
import { createGate } from './gate.ts';

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly signal?: AbortSignal;
}

const JSON_TYPE = 'application/json';
const EVENT_TYPE = 'application/cloudevents+json';
const OPTIONS_TIMEOUT = 3000;
// Node's servers close a connection that is idle for 5 s. Closing it earlier ourselves keeps a call
// from being sent on one that the app is just closing.
const IDLE_TIMEOUT = 4000;

// Of one connection, not of the message; and those that a rebuilt message has its own of.
const NOT_FORWARDED = new Set([
  'connection',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Creates the channel to an app that serves HTTP. */
export function createHttpChannel(address: AppAddress): AppChannel {
  const agent = new Agent({ keepAlive: true, timeout: IDLE_TIMEOUT, scheduling: 'fifo' });
  const enter = createGate(address.maxConcurrency);

  async function send(call: Call): Promise<Reply> {
    const leave = await enter();
    try {
      return await exchange(call);
    } finally {
      leave();
    }
  }

  function exchange(call: Call): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = { ...call.headers };
      if (call.body !== undefined) headers['content-length'] = String(call.body.length);
      if (address.apiToken !== undefined) headers['dapr-api-token'] = address.apiToken;
      const outgoing = httpRequest(
        {
          host: address.host,
          port: address.port,
          method: call.method,
          path: toPath(call.path),
          headers,
          agent,
          ...(call.signal === undefined ? {} : { signal: call.signal }),
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          let size = 0;
          incoming.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > address.maxBodySize) {
              outgoing.destroy(new Error(`the reply is larger than ${address.maxBodySize} bytes`));
            } else chunks.push(chunk);
          });
          incoming.on('end', () => {
            resolve({
              status: incoming.statusCode ?? 0,
              headers: toHeaders(incoming.rawHeaders),
              body: Buffer.concat(chunks, size),
            });
          });
          incoming.on('error', reject);
        },
      );
      outgoing.on('error', reject);
      outgoing.end(call.body);
    });
  }

  return {
    async readConfig() {
      await send({ method: 'GET', path: 'dapr/config', headers: { 'content-type': JSON_TYPE } });
    },

    async listSubscriptions() {
      const headers = { 'content-type': JSON_TYPE, 'dapr-app-id': address.appId };
      const reply = await send({ method: 'GET', path: 'dapr/subscribe', headers });
      if (reply.status !== 200) return [];
      try {
        return parseSubscriptionList(reply.body);
      } catch (cause) {
        throw invalidSubscriptions(cause);
      }
    },

    async takesBinding(name, route) {
      const signal = AbortSignal.timeout(OPTIONS_TIMEOUT);
      const headers = { 'content-type': JSON_TYPE };
      try {
        const { status } = await send({ method: 'OPTIONS', path: route, headers, signal });
        return isSuccess(status) || status === 405;
      } catch (cause) {
        const message = `could not invoke OPTIONS method on input binding subscription endpoint "${route}" of ${name}: ${toMessage(cause)}`;
        throw new SidecarError('ERR_BINDING_PROBE', message, { cause });
      }
    },

    async probe(path, signal) {
      try {
        // Not through the gate: a busy app is not a sick one.
        return isSuccess((await exchange({ method: 'GET', path, signal })).status);
      } catch {
        return false;
      }
    },

    async deliver(delivery, signal) {
      const headers = { ...toForwarded(delivery.metadata), 'content-type': EVENT_TYPE };
      try {
        const { path, data: body } = delivery;
        return toVerdict(await send({ method: 'POST', path, headers, body, signal }));
      } catch (error) {
        return { kind: 'retry', reason: `error from app channel: ${toMessage(error)}` };
      }
    },

    async deliverBulk(delivery, signal) {
      const sent = { ...delivery.metadata, ...delivery.trace };
      const headers = { ...toForwarded(sent), 'content-type': JSON_TYPE };
      const body = renderBulk(delivery);
      try {
        const reply = await send({ method: 'POST', path: delivery.path, headers, body, signal });
        return toVerdicts(delivery, reply);
      } catch (error) {
        const reason = `error from app channel: ${toMessage(error)}`;
        return sameForAll(delivery, { kind: 'retry', reason });
      }
    },

    async deliverBinding(event, signal) {
      const sent = { ...event.metadata, ...event.trace };
      const headers = { ...toForwarded(sent), 'content-type': JSON_TYPE };
      try {
        const { route: path, data: body } = event;
        return toBindingReply(await send({ method: 'POST', path, headers, body, signal }));
      } catch (error) {
        const reason = `error invoking app: ${toMessage(error)}`;
        return { ...FAILED_BINDING, reason };
      }
    },

    async invoke(request, signal) {
      const path = request.query === '' ? request.method : `${request.method}?${request.query}`;
      const { 'content-type': type } = request.headers;
      const headers = { ...toForwarded(request.headers), ...(type && { 'content-type': type }) };
      return send({ method: request.verb, path, headers, body: request.body, signal });
    },

    close() {
      agent.destroy();
    },
  };
}

const FAILED_BINDING: BindingReply = {
  accepted: false,
  final: false,
  reason: '',
  data: Buffer.alloc(0),
  to: [],
  parallel: false,
};

function toBindingReply({ status, body }: Reply): BindingReply {
  return {
    ...FAILED_BINDING,
    accepted: isSuccess(status),
    final: status === 200,
    reason: `status ${status}`,
    code: status,
    data: body,
  };
}

function toVerdict({ status, body }: Reply): Verdict {
  if (isSuccess(status)) return toStatusVerdict(parseStatus(body));
  if (status === 404) return { kind: 'drop', reason: 'status 404', deadLetter: true };
  return { kind: 'retry', reason: `status ${status}`, code: status };
}

function toStatusVerdict(status: string): Verdict {
  switch (status) {
    case '':
    case 'SUCCESS':
      return ACK;
    case 'DROP':
      return { kind: 'drop', reason: 'DROP', deadLetter: true };
    case 'RETRY':
      return { kind: 'retry', reason: 'RETRY' };
    default:
      return { kind: 'retry', reason: `unknown status ${status}` };
  }
}

// What is not an object with a text as its status counts as none, which is success.
function parseStatus(body: Buffer): string {
  if (body.length === 0) return '';
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return textOf(value, 'status') ?? '';
  } catch {
    return '';
  }
}

function textOf(value: unknown, wanted: string): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  // Go matches the names of fields in any letter case.
  const entry = Object.entries(value).find(([name]) => name.toLowerCase() === wanted.toLowerCase());
  return typeof entry?.[1] === 'string' ? entry[1] : undefined;
}

function toVerdicts(delivery: BulkDelivery, reply: Reply): ReadonlyMap<string, Verdict> {
  const { status } = reply;
  if (status === 404) {
    return sameForAll(delivery, { kind: 'drop', reason: 'status 404', deadLetter: false });
  }
  if (!isSuccess(status)) {
    return sameForAll(delivery, { kind: 'retry', reason: `status ${status}`, code: status });
  }
  const statuses = parseStatuses(reply.body);
  if (statuses === undefined) {
    return sameForAll(delivery, { kind: 'retry', reason: 'reply is not a list of statuses' });
  }
  return new Map(
    delivery.entries.map(({ entryId }): [string, Verdict] => {
      const given = statuses.get(entryId);
      // The opposite of a single event: what has no status was not taken.
      if (given === undefined) return [entryId, { kind: 'retry', reason: 'no status' }];
      return [
        entryId,
        given === '' ? { kind: 'retry', reason: 'empty status' } : toStatusVerdict(given),
      ];
    }),
  );
}

function parseStatuses(body: Buffer): ReadonlyMap<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const statuses: unknown = Object.entries(value).find(
      ([name]) => name.toLowerCase() === 'statuses',
    )?.[1];
    if (statuses === undefined || statuses === null) return new Map();
    if (!Array.isArray(statuses)) return undefined;
    return new Map(
      statuses.map((entry): [string, string] => [
        textOf(entry, 'entryId') ?? '',
        textOf(entry, 'status') ?? '',
      ]),
    );
  } catch {
    return undefined;
  }
}

function sameForAll(delivery: BulkDelivery, verdict: Verdict): ReadonlyMap<string, Verdict> {
  return new Map(delivery.entries.map(({ entryId }) => [entryId, verdict]));
}

function renderBulk(delivery: BulkDelivery): Buffer {
  const { id, topic, pubsub, metadata, entries } = delivery;
  const head = JSON.stringify({
    id,
    type: 'com.dapr.event.sent.bulk',
    topic,
    pubsubname: pubsub,
    metadata,
  });
  return Buffer.from(`${head.slice(0, -1)},"entries":[${entries.map(renderEntry).join(',')}]}`);
}

function renderEntry({ entryId, event, data, contentType, metadata }: DeliveryEntry): string {
  // An event goes as the text it is: numbers that JavaScript cannot hold stay what they are.
  const value =
    event === undefined ? JSON.stringify(data.toString('base64')) : data.toString('utf8');
  const rest = JSON.stringify({ entryId, contentType, metadata });
  return `${rest.slice(0, -1)},"event":${value}}`;
}

function toForwarded(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) {
    const header = name.toLowerCase();
    if (NOT_FORWARDED.has(header) || header.endsWith('-bin')) continue;
    // What HTTP cannot carry is left out, as one bad field must not keep the event from the app.
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(header) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      continue;
    }
    headers[header.startsWith('grpc-') ? `dapr-${header}` : header] = value;
  }
  return headers;
}

function toHeaders(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index < raw.length; index += 2) {
    const name = (raw[index] as string).toLowerCase();
    const value = raw[index + 1] as string;
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}

// Resolved as a URL is: no `..` of a method name leaves the app's own paths.
function toPath(path: string): string {
  const url = new URL(`http://app/${path.replace(/^\/+/, '')}`);
  return `${url.pathname}${url.search}`;
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
