// The shapes a handler can have, and the definition that a registration makes of one.
import type { Duplex } from 'node:stream';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { CloudEvent } from 'cloudevents';
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express';
import type { Invocation } from '../invocation/invocation.ts';
import type { Plugin } from '../invocation/plugin.ts';
import type { Trace } from '../invocation/trace.ts';
import type { Logger } from '../logger.ts';

/** The signature types, by OpenFunction's names; `event` is Google's legacy background function. */
export const SIGNATURE_TYPES = ['http', 'cloudevent', 'openfunction', 'event'] as const;
export type SignatureType = (typeof SIGNATURE_TYPES)[number];

/** Express 5's request, with what the framework adds to it. */
export interface Request<Body = any> extends ExpressRequest<
  Record<string, string>,
  any,
  Body,
  Record<string, any>
> {
  /** The bytes of the body, decompressed; `undefined` when there is none or it was left unread. */
  rawBody: Buffer | undefined;
  /** Aborts when the client disconnects, at the timeout, and at the drain deadline. */
  readonly signal: AbortSignal;
  /** The id of this call: `X-Request-Id` or `Function-Execution-Id` when given, else a new UUID. */
  readonly id: string;
  /** The same as `id`, by the name Google's framework gives it. */
  readonly executionId: string;
  /**
   * Aborts when the instance stops, after the drain delay: what would not end by itself, such as a stream
   * of events or a WebSocket, should end then. What is still open at the drain deadline is cut off.
   *
   * @example
   * req.stopping.addEventListener('abort', () => res.end());
   */
  readonly stopping: AbortSignal;
  /** Whether it is the first call that this instance serves, of any of its functions. */
  readonly coldStart: boolean;
  /**
   * The host as the caller used it, with its port if it has one: that of `X-Forwarded-Host` when the proxy
   * in front is trusted, else that of the request. `undefined` when there is none. It is not checked.
   */
  readonly originalHost: string | undefined;
  /** A logger whose lines carry the id of this call, the function, the trace id and the span. */
  readonly log: Logger;
  /** The trace of this call. */
  readonly trace: Trace;
}

/** Express 5's response. */
export type Response<Body = any> = ExpressResponse<Body>;

/** What every handler of `openfunction` functions gets as `ctx`, and every plugin as `invocation`. */
export type Context<Data = any> = Invocation<Data>;

/** The context of a legacy background event. */
export interface EventContext {
  eventId?: string;
  timestamp?: string;
  eventType?: string;
  resource?: string | { service?: string; name?: string; type?: string };
  [attribute: string]: unknown;
}

/** `(req, res)`: answers through `res`. A returned Web `Response` is sent too. */
export type HttpHandler<Body = any> = (req: Request<Body>, res: Response) => unknown;

/** `(request)`: a Web-standard handler. It gets the body as a stream that nobody has read. */
export type FetchHandler = (
  request: globalThis.Request,
) => globalThis.Response | Promise<globalThis.Response>;

/** An object with a `fetch` method, such as a Hono app. */
export interface FetchApp {
  fetch(request: globalThis.Request): globalThis.Response | Promise<globalThis.Response>;
}

/**
 * `(req, socket, head)`: takes a connection over that a client upgrades, as a listener of Node's `upgrade`
 * event does. `head` is what the client has sent beyond its request.
 */
export type UpgradeHandler = (req: Request, socket: Duplex, head: Buffer) => unknown;

/** What a callback-style handler calls when it has finished. */
export type Callback = (error?: unknown, result?: unknown) => void;

/** A CloudEvent with the type of its data. */
export type TypedCloudEvent<Data> = CloudEvent<Data> & { readonly data: Data };

/**
 * `(event)`: may return a CloudEvent, or an array of them. One that declares the callback has
 * finished when it calls it.
 */
export type CloudEventHandler<Data = unknown> = (
  event: TypedCloudEvent<Data>,
  callback: Callback,
) => unknown;

/** `(ctx, data)`: what it returns is the reply, unless it has answered through `ctx.res`. */
export type OpenFunctionHandler<Data = any> = (ctx: Context<Data>, data: Data) => unknown;

/** `(data, context)`: Google's background function; with a third parameter, callback style. */
export type EventHandler<Data = any> = (
  data: Data,
  context: EventContext,
  callback: Callback,
) => unknown;

export type Handler = (...args: any[]) => unknown;

/** A validator of any Standard Schema library: zod, valibot, arktype. */
export type Schema<Output = unknown> = StandardSchemaV1<any, Output>;

export type Method =
  'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS' | (string & {});

/** What every registration accepts. */
export interface FunctionOptions<Data = any> {
  /**
   * Where the function is served, as an Express 5 path (`/users/:id`). Default: `/<name>` when
   * several functions are served, every path when it is the only one.
   */
  path?: string;
  /** Plugins of this function; they run inside the global ones. Default: none. */
  plugins?: readonly Plugin[];
  /** Validates the data before the handler runs; a failure is answered 400 with the issues. */
  schema?: Schema<Data>;
}

/** What `http` and `openfunction` accept. */
export interface HttpFunctionOptions<Data = any> extends FunctionOptions<Data> {
  /** The methods served; others are answered 405 with `Allow`. `GET` serves `HEAD` too. Default: all. */
  methods?: readonly Method[];
  /**
   * `parse` reads the body by its content type into `req.body` and `req.rawBody`; `stream` leaves
   * the request unread. Default: `parse`, and `stream` for Web-standard handlers.
   */
  body?: 'parse' | 'stream';
  /**
   * Takes connections over that clients upgrade, to a WebSocket for one; plugins run around it. What it
   * throws is answered 500, or closes the connection once it has answered. The call lasts until the
   * connection closes, and `--timeout` does not bound it. Default: upgrades are ignored, and the request is
   * served like any other.
   *
   * @example
   * const server = new WebSocketServer({ noServer: true });
   * http('chat', { upgrade: (req, socket, head) => server.handleUpgrade(req, socket, head, greet) }, page);
   */
  upgrade?: UpgradeHandler;
}

/** What `topic` accepts: how a function subscribes to a topic of a Dapr pub/sub component. */
export interface TopicOptions<Data = any> extends Omit<FunctionOptions<Data>, 'path'> {
  /**
   * Name of the pub/sub component, or of an input of the function context. Default: that of the
   * input of the function context with the same topic.
   */
  pubsub?: string;
  /** Default: the name of the function. */
  topic?: string;
  /**
   * Takes only the events for which this CEL expression is true, such as
   * `event.type == "order.created"`. Several functions may share a topic, one of them without
   * `match` for the rest. Expressions are tried in the order of registration.
   */
  match?: string;
  /** Where events go that are dropped, or that fail whenever they are tried. Default: nowhere. */
  deadLetterTopic?: string;
  /**
   * Has events delivered several at once; each is still a call, and an acknowledgement, of its own.
   * `maxMessages` at once (default 100), after `maxWait` milliseconds at the latest (default 1000).
   */
  bulk?: boolean | { maxMessages?: number; maxWait?: number };
  /** For messages that are no CloudEvents. Their ids are made up anew at each delivery. */
  rawPayload?: boolean;
  /** Metadata of the subscription, as the component documents it. */
  metadata?: Readonly<Record<string, string>>;
  /** Events handled at a time; others wait. Default: no limit. */
  concurrency?: number;
  /** Events for which it returns the same key are handled one after the other. Default: no order. */
  order?: (event: CloudEvent<unknown>) => string | undefined;
}

/** What `binding` accepts: how a function receives the events of a Dapr input binding. */
export interface BindingOptions<Data = any> extends Omit<FunctionOptions<Data>, 'path'> {
  /** Name of the component, or of an input of the function context. Default: that of the function. */
  component?: string;
  /** The path that the component's metadata names as `route`. Default: `/<component>`. */
  route?: string;
  /** Events handled at a time; others wait. Default: no limit. */
  concurrency?: number;
  /** Events for which it returns the same key are handled one after the other. Default: no order. */
  order?: (data: Data, metadata: Readonly<Record<string, string>>) => string | undefined;
}

/** What a function that is registered for Dapr events waits for. */
export type Trigger =
  | ({ readonly kind: 'topic' } & Readonly<Omit<TopicOptions, keyof FunctionOptions>>)
  | ({ readonly kind: 'binding' } & Readonly<Omit<BindingOptions, keyof FunctionOptions>>);

/** One function as registered: frozen, and the same for each of its calls. */
export interface FunctionDefinition {
  readonly name: string;
  readonly signature: SignatureType;
  readonly handler: Handler;
  /** How an `http` handler is called. */
  readonly style: 'express' | 'express-app' | 'fetch';
  readonly path: string | undefined;
  readonly methods: readonly string[] | undefined;
  readonly body: 'parse' | 'stream';
  /** Takes connections over that clients upgrade; `undefined` when upgrades are ignored. */
  readonly upgrade: UpgradeHandler | undefined;
  readonly schema: Schema | undefined;
  readonly plugins: readonly Plugin[];
  /** What `topic` and `binding` say; `undefined` for a function that waits for calls over HTTP. */
  readonly trigger: Trigger | undefined;
}
