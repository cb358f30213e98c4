// The routes of the admin API.
import { Hono, type Context, type Handler } from 'hono';
import { PlatformError, type PlatformErrorCode } from '../errors.ts';
import type { LogLine, Logs } from '../state/logs.ts';
import type { ObjectKind } from '../state/objects.ts';
import type { Store } from '../state/store.ts';
import type { Traces } from '../traces/traces.ts';
import { createEventStream, type ServerSentEvent } from './event-stream.ts';
import type { EventSources } from './event-sources.ts';
import type { PlatformInfo } from './platform-info.ts';
import { PROBLEM_TYPE, toProblem } from './problem.ts';
import { parseMetadata, parseQuery, type Filter, type Query } from './query.ts';
import { KINDS, createView } from './view.ts';

/** What the API is made from. */
export interface AppOptions {
  readonly store: Store;
  readonly logs: Logs;
  readonly info: () => PlatformInfo;
  /** Where a function is served. */
  readonly urls: (namespace: string, name: string) => readonly string[];
  /** Starts new processes of a function. Returns whether there is such a function. */
  readonly restart: (namespace: string, name: string) => boolean;
  readonly events: EventSources;
  /** Absent: functions are not traced here. */
  readonly traces?: Pick<Traces, 'find' | 'list'> | undefined;
  /** Ends the streams. */
  readonly stop: AbortSignal;
}

const MAX_BODY = 4 * 1024 * 1024;

/** Makes the API. */
export function createApp(options: AppOptions): Hono {
  const { events, logs, stop, store } = options;
  const view = createView(store, options.urls);
  const app = new Hono();

  /** A path with the one method that it takes. */
  function route(method: 'GET' | 'POST', path: string, handler: Handler): void {
    app.on(method, path, handler);
    app.all(path, (context) => {
      context.header('allow', method === 'GET' ? 'GET, HEAD' : method);
      const message = `${context.req.method} ${context.req.path} is not there; use ${method}`;
      return fail(context, new PlatformError('OFN_PLATFORM_METHOD_NOT_ALLOWED', message));
    });
  }

  app.onError((cause, context) => fail(context, cause));
  app.notFound((context) =>
    fail(context, error('OFN_PLATFORM_NOT_FOUND', `there is no ${context.req.path}; see /`)),
  );

  route('GET', '/', (context) => context.json(options.info()));

  for (const [path, kind] of Object.entries(KINDS)) {
    route('GET', `/${path}`, (context) => {
      const query = parseQuery(context.req.query(), ['namespace', 'function', 'watch']);
      if (isWatch(context, query)) return watchObjects(kind, query);
      return context.json(toList(view.list(kind, query)));
    });
    route('GET', `/${path}/:namespace/:name`, (context) => {
      parseQuery(context.req.query(), []);
      const { name = '', namespace = '' } = context.req.param();
      const found = view.find(kind, namespace, name);
      if (found === undefined) throw missing(kind, namespace, name);
      return context.json(found);
    });
  }

  route('GET', '/logs', (context) => {
    const known = ['namespace', 'function', 'instance', 'tail', 'follow'] as const;
    const query = parseQuery(context.req.query(), known);
    const lines = logs.list().filter((line) => isOf(line, query));
    const { tail = lines.length } = query;
    const latest = tail === 0 ? [] : lines.slice(-tail);
    if (!isWatch(context, query)) return context.json(toList(latest.map(renderLine)));
    return createEventStream({
      first: [...latest.map(toLineEvent), SYNCED],
      subscribe: (send) => logs.watch((line) => isOf(line, query) && send(toLineEvent(line))),
      stop,
    });
  });

  route('GET', '/traces', (context) => {
    const query = parseQuery(context.req.query(), ['function']);
    const found = options.traces?.list() ?? [];
    const { function: name } = query;
    return context.json(
      toList(found.filter(({ services }) => name === undefined || services.includes(name))),
    );
  });

  route('GET', '/traces/:id', (context) => {
    parseQuery(context.req.query(), []);
    const { id = '' } = context.req.param();
    const found = options.traces?.find(id);
    if (found === undefined) throw error('OFN_PLATFORM_NOT_FOUND', `there is no trace ${id}`);
    return context.json(found);
  });

  route('POST', '/functions/:namespace/:name/restart', (context) => {
    parseQuery(context.req.query(), []);
    const { name = '', namespace = '' } = context.req.param();
    if (!options.restart(namespace, name)) throw missing('Function', namespace, name);
    return context.json(view.find('Function', namespace, name), 202);
  });

  route('POST', '/functions/:namespace/:name/bindings/:binding', async (context) => {
    const metadata = parseMetadata(context.req.query());
    const { binding = '', name = '', namespace = '' } = context.req.param();
    if (view.find('Function', namespace, name) === undefined) {
      throw missing('Function', namespace, name);
    }
    const data = await bodyOf(context);
    const reply = await taken(events.trigger(namespace, name, binding, data, metadata));
    if (reply === undefined) return context.body(null, 202);
    if (reply.length === 0) return context.body(null, 204);
    return context.body(new Uint8Array(reply), 200, { 'content-type': 'application/octet-stream' });
  });

  route('POST', '/topics/:pubsub/:topic{.+}', async (context) => {
    const metadata = parseMetadata(context.req.query());
    const { pubsub = '', topic = '' } = context.req.param();
    const type = context.req.header('content-type') ?? 'application/octet-stream';
    await taken(events.publish(pubsub, topic, await bodyOf(context), type, metadata));
    return context.body(null, 204);
  });

  return app;

  function watchObjects(kind: ObjectKind, filter: Filter): Response {
    const added = view.list(kind, filter).map((data) => ({ event: 'added', data }));
    return createEventStream({
      first: [...added, SYNCED],
      subscribe: (send) =>
        store.watch(({ object, type }) => {
          const shown = view.show(object, kind, filter);
          if (shown !== undefined) send({ event: type, data: shown });
        }),
      stop,
    });
  }
}

/** What is there now has been sent; from here on it is what happens. */
const SYNCED: ServerSentEvent = { event: 'synced', data: {} };

function isWatch(context: Context, { watch }: Query): boolean {
  return watch || (context.req.header('accept') ?? '').includes('text/event-stream');
}

// As kubectl has several objects as one.
function toList<Item>(items: readonly Item[]) {
  return { apiVersion: 'v1', kind: 'List', items };
}

function isOf(line: LogLine, filter: Filter): boolean {
  return (
    (filter.namespace ?? line.namespace) === line.namespace &&
    (filter.function ?? line.function) === line.function &&
    (filter.instance ?? line.instance) === line.instance
  );
}

function renderLine({ at, ...line }: LogLine) {
  return { time: new Date(at).toISOString(), ...line };
}

function toLineEvent(line: LogLine): ServerSentEvent {
  return { event: 'line', data: renderLine(line) };
}

// Not by Hono's `bodyLimit`: that makes a Request anew, for which the global one would have to be patched.
async function bodyOf({ req }: Context): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of req.raw.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY) throw error('OFN_PLATFORM_BODY_TOO_LARGE', 'it may have 4 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function taken<Result>(sent: Promise<Result>): Promise<Result> {
  try {
    return await sent;
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    const { message } = cause as Error;
    throw new PlatformError('OFN_PLATFORM_EVENT_FAILED', message, { cause });
  }
}

function missing(kind: ObjectKind, namespace: string, name: string): PlatformError {
  return error('OFN_PLATFORM_NOT_FOUND', `there is no ${kind} ${namespace}/${name}`);
}

function error(code: PlatformErrorCode, message: string): PlatformError {
  return new PlatformError(code, message);
}

function fail(context: Context, cause: unknown): Response {
  const problem = toProblem(cause);
  const headers = { ...Object.fromEntries(context.res.headers), 'content-type': PROBLEM_TYPE };
  return new Response(`${JSON.stringify(problem)}\n`, { status: problem.status, headers });
}
