// The app channel over HTTP: what a Dapr sidecar asks of an app, and the events that it posts.
// https://docs.dapr.io/reference/api/pubsub_api/ and https://docs.dapr.io/reference/api/bindings_api/
import { OfnError } from '../errors.ts';
import { isJson, parseBody, parseContentType, readBody } from '../http/body.ts';
import { Exchange, type ExchangeTracker } from '../http/exchange.ts';
import { refuse } from '../http/failure.ts';
import { splitUrl, type FunctionRequest } from '../http/request.ts';
import type { FunctionResponse } from '../http/response.ts';
import { toFailure } from '../invocation/outcome.ts';
import type { Logger } from '../logger.ts';
import { assertToken } from './app-token.ts';
import type { Acknowledgement, Deliveries, OpenDelivery } from './delivery.ts';
import { createInputFinder } from './input-finder.ts';
import type { Input } from './input.ts';
import {
  fromBinding,
  fromJsonEvent,
  fromRawEvent,
  toHeaders,
  toMetadata,
  type Message,
} from './message.ts';
import { toSubscriptions } from './subscription.ts';

/** What the channel needs. */
export interface HttpChannelSettings {
  readonly inputs: readonly Input[];
  /** Names of components that are sent to. */
  readonly outputs: readonly string[];
  readonly deliveries: Deliveries;
  readonly tracker: ExchangeTracker;
  /** Bytes of a body that are accepted. */
  readonly bodyLimit: number;
  /** What each request must carry as `dapr-api-token`; `undefined` for nothing. */
  readonly token: string | undefined;
  readonly log: Logger;
  /** Paths of functions; one that is also the name of a topic is the function's. */
  readonly functionPaths: readonly string[];
  /** Whether functions are served over HTTP on the same port: they get what is not the sidecar's. */
  readonly hasFunctions: boolean;
}

type Strings = Readonly<Record<string, string>>;
type Fields = Readonly<Record<string, unknown>>;

/** The app channel over HTTP. */
export interface HttpChannel {
  /** Takes a request that a sidecar sends; returns whether it was one. */
  take(request: FunctionRequest, response: FunctionResponse): boolean;
  /** What a request that no function is served for is refused with: an event is not to be dropped. */
  refusal(request: FunctionRequest, error: unknown): unknown;
}

/** The input at a path: announced there, or found by its name. */
interface Target {
  readonly input: Input;
  readonly isAnnounced: boolean;
}

/** Creates the app channel over HTTP. */
export function createHttpChannel(settings: HttpChannelSettings): HttpChannel {
  const { inputs, deliveries, tracker, bodyLimit, token, log, functionPaths } = settings;
  const find = createInputFinder(inputs);
  const subscriptions = JSON.stringify(toSubscriptions(inputs));

  function receive(
    { request, response }: Exchange,
    { input, isAnnounced }: Target,
    bytes: Buffer,
  ): OpenDelivery | undefined {
    const headers = toHeaders(request.headers);
    if (input.kind === 'binding') {
      const message = fromBinding(input, bytes, { headers, metadata: toMetadata(headers) });
      return deliveries.deliver(input, message, (acknowledgement) => {
        // Exactly 200: a retry policy takes any other status, 204 too, for a failure.
        answer(response, acknowledgement === 'RETRY' ? 500 : 200);
      });
    }
    const body = parseJson(request, bytes);
    const own = isAnnounced ? input : ownInput(input, body);
    if (isBulk(request, body)) return receiveBulk(response, own, body.entries, headers);
    const message = fromJsonEvent(own, body, { headers, metadata: {} });
    return deliveries.deliver(own, message, (status) => {
      answer(response, 200, `{"status":"${status}"}`);
    });
  }

  // At the path of a topic, which another component may have too, the event itself tells which it is.
  function ownInput(input: Input, body: unknown): Input {
    const { pubsubname } = (body ?? {}) as { pubsubname?: unknown };
    if (typeof pubsubname !== 'string') return input;
    return find.named(input.topic ?? '', { component: pubsubname, kind: 'topic' }) ?? input;
  }

  function receiveBulk(
    response: FunctionResponse,
    input: Input,
    entries: readonly unknown[],
    headers: Strings,
  ): OpenDelivery {
    const statuses: { entryId: string; status: Acknowledgement }[] = [];
    const open: (OpenDelivery | undefined)[] = [];
    const settle = (entryId: string, status: Acknowledgement): void => {
      statuses.push({ entryId, status });
      if (statuses.length === entries.length) answer(response, 200, JSON.stringify({ statuses }));
    };
    if (entries.length === 0) answer(response, 200, JSON.stringify({ statuses }));
    for (const entry of entries) {
      const { entryId } = (entry ?? {}) as { entryId?: unknown };
      const id = typeof entryId === 'string' ? entryId : '';
      let message: Message;
      try {
        message = fromBulkEntry(input, entry, headers);
      } catch (error) {
        // The others are not held up by one that cannot be read.
        log.error(
          { err: error, input: input.name, entryId: id },
          'an event of a bulk is not valid',
        );
        settle(id, 'RETRY');
        continue;
      }
      open.push(deliveries.deliver(input, message, (status) => settle(id, status)));
    }
    return { abandon: () => open.forEach((delivery) => delivery?.abandon()) };
  }

  function post(request: FunctionRequest, response: FunctionResponse, target: Target): void {
    const exchange = new Exchange(request, response);
    tracker.begin(exchange);
    response.exchange = exchange;
    readBody(request, bodyLimit, (error, bytes = NO_BYTES) => {
      if (exchange.isAnswered) return;
      try {
        if (error !== undefined) throw error;
        exchange.delivery = receive(exchange, target, bytes);
      } catch (thrown) {
        log.error({ err: thrown, input: target.input.name }, 'an event could not be received');
        refuse(request, response, thrown);
      }
    });
  }

  function targetAt(path: string): Target | undefined {
    // A route of a component may hold what a URL has to escape.
    const announced = find.atPath(path) ?? find.atPath(decodePath(path));
    if (announced !== undefined) return { input: announced, isAnnounced: true };
    if (functionPaths.includes(path)) return undefined;
    const input = find.named(decodePath(path).slice(1));
    return input && { input, isAnnounced: false };
  }

  function take(request: FunctionRequest, response: FunctionResponse): boolean {
    const { path } = splitUrl(request.originalUrl);
    const { method } = request;
    // Whether a binding that is only sent to is read here too: a function must not say yes to it.
    const isOutput = method === 'OPTIONS' && settings.outputs.includes(path.slice(1));
    const isQuestion = method === 'GET' && (path === '/dapr/subscribe' || path === '/dapr/config');
    const isForInput = method === 'POST' || method === 'OPTIONS';
    const target = isForInput ? targetAt(path) : undefined;
    const isOurs = isQuestion || isOutput || target !== undefined || path.startsWith('/dapr/');
    if (!isOurs && settings.hasFunctions) return false;
    try {
      assertToken(token, request.headers['dapr-api-token']);
      if (isQuestion) answer(response, 200, path === '/dapr/subscribe' ? subscriptions : '{}');
      else if (target === undefined) throw unknown(method, path);
      else if (method === 'OPTIONS') answer(response, 200);
      else post(request, response, target);
    } catch (error) {
      if (toFailure(error).status !== 404) log.error({ err: error, path }, 'an event was refused');
      refuse(request, response, error);
    }
    return true;
  }

  return {
    take,
    refusal(request, error) {
      const { type } = parseContentType(request.headers['content-type']);
      const isLost = error instanceof OfnError && error.code === 'OFN_NOT_FOUND';
      if (!isLost || request.method !== 'POST' || type !== CLOUD_EVENT) return error;
      const { path } = splitUrl(request.originalUrl);
      const refused = unknown(request.method, path);
      log.error({ err: refused, path }, 'an event was refused');
      return refused;
    },
  };
}

const CLOUD_EVENT = 'application/cloudevents+json';

const NO_BYTES = Buffer.alloc(0);

// A sidecar drops an event that is answered 404; another error has it delivered again. To the
// question whether a binding is read here, 404 says no.
function unknown(method: string | undefined, path: string): OfnError {
  if (method !== 'POST') return new OfnError('OFN_NOT_FOUND', `nothing is served at ${path}`);
  return new OfnError('OFN_INPUT_UNKNOWN', `no function takes the events posted to ${path}`);
}

function answer(response: FunctionResponse, status: number, body = ''): void {
  if (response.headersSent || response.destroyed) return;
  const length = String(Buffer.byteLength(body));
  // As a list, which Node writes as it is.
  const type = body === '' ? [] : ['Content-Type', 'application/json'];
  response.writeHead(status, [...type, 'Content-Length', length]);
  response.end(body);
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function parseJson(request: FunctionRequest, bytes: Buffer): unknown {
  const { type, charset } = parseContentType(request.headers['content-type']);
  if (isJson(type)) return parseBody(bytes, { type, charset });
  const message = `an event of a topic must be application/cloudevents+json, not ${type}`;
  throw new OfnError('OFN_EVENT_MALFORMED', message);
}

function isBulk(request: FunctionRequest, body: unknown): body is { entries: unknown[] } {
  const { type } = parseContentType(request.headers['content-type']);
  if (type !== 'application/json' || typeof body !== 'object' || body === null) return false;
  return Array.isArray((body as { entries?: unknown }).entries);
}

function fromBulkEntry(input: Input, entry: unknown, headers: Strings): Message {
  const { entryId, event, contentType, metadata } = (entry ?? {}) as Fields;
  // Without it no acknowledgement can name the entry: it would be handled, and delivered again.
  if (typeof entryId !== 'string') {
    throw new OfnError('OFN_EVENT_MALFORMED', 'the entry has no entryId, a string');
  }
  const envelope = { headers, metadata: toStrings(metadata) };
  if (typeof event === 'object') return fromJsonEvent(input, event, envelope);
  if (typeof event !== 'string') {
    throw new OfnError('OFN_EVENT_MALFORMED', 'the entry has no event');
  }
  const { type } = parseContentType(typeof contentType === 'string' ? contentType : undefined);
  const isEvent = type.endsWith('+json');
  if (!isEvent) return fromRawEvent(input, Buffer.from(event, 'base64'), envelope);
  throw new OfnError('OFN_EVENT_MALFORMED', 'the event of the entry must be a JSON object');
}

function toStrings(metadata: unknown): Strings {
  if (typeof metadata !== 'object' || metadata === null) return {};
  return Object.fromEntries(
    Object.entries(metadata).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  );
}
