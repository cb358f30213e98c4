// Events over HTTP: the events of a request are handled one after the other, each as a call of its
// own, and what the handlers return goes back in the mode that came in.
import type { CloudEvent } from 'cloudevents';
import { toError } from '../errors.ts';
import type { ServedFunction } from '../invocation/invocation.ts';
import { Invocation } from '../invocation/invocation.ts';
import { invoke, runInside, type Settle } from '../invocation/invoke.ts';
import { parseBackgroundEvent, toBackgroundEvent, toCloudEvent } from './background-event.ts';
import { isJson, parseBody, parseContentType } from './body.ts';
import {
  decodeEvents,
  toEvent,
  encodeEvents,
  eventMode,
  toReturnedEvents,
  type EventMode,
  type ReceivedEvents,
} from './cloud-event.ts';
import { cloudEventClass } from './cloud-events-sdk.ts';
import type { Exchange } from './exchange.ts';
import { failExchange } from './failure.ts';
import { sendWebResponse } from './fetch-handler.ts';
import { splitUrl, type FunctionRequest } from './request.ts';
import type { FunctionResponse } from './response.ts';
import { isWebResponse, sendResult } from './result.ts';
import { validate } from './schema.ts';
import type { Stage, StageSettings } from './stage.ts';

/** Fills an invocation with what its handler gets. */
type Input = (invocation: Invocation) => Promise<void>;

/** Creates the stage of a `cloudevent` or `event` function. */
export function createEventStage(served: ServedFunction, settings: StageSettings): Stage {
  const { signature } = served.definition;
  cloudEventClass(); // loaded before the first event, not by it
  const inputs = signature === 'cloudevent' ? cloudEventInputs : backgroundEventInputs;

  return (exchange) => {
    exchange.running = true;
    void handle(exchange).finally(() => settings.tracker.settled(exchange));
  };

  async function handle(exchange: Exchange): Promise<void> {
    try {
      const { mode, fill } = inputs(served, exchange.request);
      const results: unknown[] = [];
      for (const input of fill) {
        if (exchange.isAnswered) return;
        // A request is one cold start at most: its first event has what the request had.
        const isColdStart = results.length === 0 && exchange.invocation?.coldStart === true;
        results.push(await deliver(served, exchange, input, isColdStart));
      }
      await reply(exchange.response, mode, results);
    } catch (error) {
      if (exchange.invocation !== undefined) exchange.invocation.error = error ?? toError(error);
      failExchange(exchange, error, settings.showDetails);
    }
  }
}

// Resolves to what the handler returned. Rejects with what it threw, or with what ends the call
// from outside: a stray error, the timeout, the drain deadline.
function deliver(
  served: ServedFunction,
  exchange: Exchange,
  input: Input,
  isColdStart: boolean,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // The event before this one has had its turn; the last one ends with the response.
    exchange.invocation?.end({});
    exchange.invocation?.release();
    const channel = { fail: (_: Invocation, error: unknown) => reject(error) };
    const invocation = new Invocation(served, channel, exchange, isColdStart);
    exchange.invocation = invocation;
    const settle: Settle = {
      resolved(_, value) {
        invocation.error = undefined;
        resolve(value);
      },
      rejected: (_, error) => reject(error),
    };
    // A schema is code of this call, whatever it throws outside of its promise.
    const filled = runInside(invocation, () => input(invocation)) ?? Promise.resolve();
    filled.then(() => invoke(served, invocation, settle), reject);
  });
}

async function reply(
  response: FunctionResponse,
  mode: EventMode,
  results: readonly unknown[],
): Promise<void> {
  if (response.isBegun || response.destroyed) return;
  const [only] = results;
  if (results.length === 1 && isWebResponse(only)) {
    await sendWebResponse(response, only);
    return;
  }
  const events = results.map(toReturnedEvents);
  if (results.length === 1 && events[0] === undefined) {
    // As in the peers, null is nothing.
    sendResult(response, only ?? undefined);
    return;
  }
  const returned = events.flatMap((list) => list ?? []);
  if (returned.length === 0) {
    sendResult(response, undefined);
    return;
  }
  const { headers, body } = encodeEvents(returned, mode);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body !== undefined) response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}

interface Inputs {
  readonly mode: EventMode;
  readonly fill: readonly Input[];
}

function cloudEventInputs(served: ServedFunction, request: FunctionRequest): Inputs {
  const { schema } = served.definition;
  const { mode, events } = receive(request);
  const fill = events.map((event): Input => async (invocation) => {
    const data = schema === undefined ? event.data : await validate(schema, event.data);
    invocation.data = data;
    invocation.event =
      data === event.data
        ? event
        : toEvent(Object.assign({}, event, { data, data_base64: undefined }));
  });
  return { mode, fill };
}

function receive(request: FunctionRequest): ReceivedEvents {
  const { headers, rawBody } = request;
  if (eventMode(headers) !== undefined) return decodeEvents(headers, rawBody);
  // Google's services, and the emulators of Pub/Sub, may still post the legacy shape.
  const body = parseJsonBody(request);
  if (body === undefined) return decodeEvents(headers, rawBody);
  const legacy = parseBackgroundEvent(body, splitUrl(request.originalUrl).path);
  const { domain } = body as { domain?: unknown };
  return { mode: 'binary', events: [toCloudEvent(legacy, domain)] };
}

function backgroundEventInputs(served: ServedFunction, request: FunctionRequest): Inputs {
  const { schema } = served.definition;
  const { headers, rawBody } = request;
  const input =
    (data: unknown, context: Invocation['eventContext'], event?: CloudEvent<unknown>): Input =>
    async (invocation) => {
      invocation.data = schema === undefined ? data : await validate(schema, data);
      invocation.event = event;
      invocation.eventContext = context;
    };
  if (eventMode(headers) !== undefined) {
    const { mode, events } = decodeEvents(headers, rawBody);
    const fill = events.map((event) => {
      const legacy = toBackgroundEvent(event);
      return input(legacy.data, legacy.context, event);
    });
    return { mode, fill };
  }
  const path = splitUrl(request.originalUrl).path;
  const legacy = parseBackgroundEvent(parseJsonBody(request), path);
  return { mode: 'binary', fill: [input(legacy.data, legacy.context)] };
}

function parseJsonBody(request: FunctionRequest): unknown {
  const { rawBody } = request;
  const contentType = parseContentType(request.headers['content-type']);
  if (rawBody === undefined || rawBody.length === 0 || !isJson(contentType.type)) return undefined;
  return parseBody(rawBody, contentType);
}
