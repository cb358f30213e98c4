// One function behind HTTP: a request becomes an invocation, its outcome becomes the response.
import { OfnError } from '../errors.ts';
import type { FunctionDefinition } from '../function/signature.ts';
import { Invocation, type Channel, type ServedFunction } from '../invocation/invocation.ts';
import { hasBody, parseBody, parseContentType, readBody } from './body.ts';
import { createCallStage } from './call-stage.ts';
import { createEventStage } from './event-stage.ts';
import { Exchange, statusOf, type ExchangeObserver } from './exchange.ts';
import { failExchange } from './failure.ts';
import type { FunctionRequest } from './request.ts';
import type { FunctionResponse } from './response.ts';
import type { StageSettings } from './stage.ts';

/** Serves one function. */
export type Endpoint = (request: FunctionRequest, response: FunctionResponse) => void;

/** The methods a function accepts; `undefined` for all. */
export function allowedMethods(definition: FunctionDefinition): readonly string[] | undefined {
  const { signature, methods } = definition;
  if (signature === 'cloudevent' || signature === 'event') return ['POST'];
  if (methods?.includes('GET') && !methods.includes('HEAD')) return [...methods, 'HEAD'];
  return methods;
}

/** Creates the endpoint of a function. */
export function createEndpoint(served: ServedFunction, settings: StageSettings): Endpoint {
  const { definition, timeout } = served;
  const { bodyLimit, showDetails, tracker, observer } = settings;
  const methods = allowedMethods(definition);
  const isEvent = definition.signature === 'cloudevent' || definition.signature === 'event';
  const parses = definition.body === 'parse';
  const stage = isEvent ? createEventStage(served, settings) : createCallStage(served, settings);

  const channel: Channel = {
    fail: ({ origin }, error) => failExchange(origin as Exchange, error, showDetails),
  };

  function onTimeout(exchange: Exchange): void {
    const seconds = timeout / 1000;
    const message = `function "${definition.name}" did not answer within ${seconds} s`;
    exchange.invocation?.abort(new DOMException(message, 'TimeoutError'));
    exchange.invocation?.fail(new OfnError('OFN_TIMEOUT', message));
    // Whether the handler heeds its signal is its own affair: nobody waits for it any more.
    tracker.settled(exchange);
  }

  // Everything up to the handler: what throws here is answered like what the handler throws.
  function proceed(exchange: Exchange, invocation: Invocation, bytes?: Buffer): void {
    const { request } = exchange;
    request.exchange = exchange;
    try {
      request.rawBody = bytes;
      request._body = bytes !== undefined;
      if (!isEvent && bytes !== undefined && bytes.length > 0) {
        request.body = parseBody(bytes, parseContentType(request.headers['content-type']));
      }
      stage(exchange, invocation);
    } catch (thrown) {
      invocation.fail(thrown);
    }
  }

  return function endpoint(request, response) {
    const exchange = new Exchange(request, response);
    const invocation = new Invocation(served, channel, exchange);
    exchange.invocation = invocation;
    tracker.begin(exchange);
    response.exchange = exchange;
    if (observer !== undefined) observe(observer, invocation, response);
    if (timeout > 0) {
      const timer = setTimeout(onTimeout, timeout, exchange);
      response.on('close', () => clearTimeout(timer));
    }
    if (methods !== undefined && !methods.includes(request.method ?? '')) {
      invocation.fail(methodNotAllowed(request, definition.name, methods));
      return;
    }
    if (!parses || !hasBody(request) || isLeftToExpress(definition, request)) {
      proceed(exchange, invocation);
      return;
    }
    readBody(request, bodyLimit, (error, bytes) => {
      if (exchange.isAnswered) return;
      if (error !== undefined) invocation.fail(error);
      else proceed(exchange, invocation, bytes);
    });
  };
}

/** The refusal of a method, with the `Allow` header that RFC 9110, 15.5.6 asks for. */
export function methodNotAllowed(
  request: FunctionRequest,
  name: string,
  methods: readonly string[],
): OfnError {
  const allow = methods.join(', ');
  return new OfnError(
    'OFN_METHOD_NOT_ALLOWED',
    `${request.method ?? 'the method'} is not accepted by "${name}"; use ${allow}`,
    { headers: { Allow: allow } },
  );
}

// An app's own middleware (multer, busboy) takes multipart forms apart.
function isLeftToExpress(definition: FunctionDefinition, request: FunctionRequest): boolean {
  if (definition.style !== 'express-app') return false;
  return parseContentType(request.headers['content-type']).type === 'multipart/form-data';
}

/** Tells an observer of a call, from now until its response closes. */
export function observe(
  observer: ExchangeObserver,
  { coldStart, function: definition }: Invocation,
  response: FunctionResponse,
): void {
  const start = performance.now();
  observer.began(definition, coldStart);
  response.once('close', () => {
    observer.ended(definition, statusOf(response), (performance.now() - start) / 1000);
  });
}
