// The client behind `fetch`, by what it tells of its requests: each gets a span, and the headers of the
// trace where it has none of its own.
// https://undici.nodejs.org/#/docs/api/DiagnosticsChannel
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { beginRequest, type RequestSpan, type RequestTracer } from './request-span.ts';

/** A request of undici, as far as its diagnostics document it. */
interface UndiciRequest {
  readonly origin: string | URL;
  readonly path: string;
  readonly method: string;
  /** Lines in older versions, a list of names and values in newer ones. */
  readonly headers: string | readonly unknown[];
  addHeader(name: string, value: string): unknown;
}

interface Message {
  readonly request: UndiciRequest;
  readonly response?: { readonly statusCode: number };
  readonly error?: unknown;
}

/** Follows all requests of `fetch`. Returns what stops it. */
export function hookFetch(tracer: RequestTracer): () => void {
  const spans = new WeakMap<UndiciRequest, RequestSpan>();

  const listeners: Readonly<Record<string, (message: Message) => void>> = {
    create({ request }) {
      const url = `${String(request.origin)}${request.path}`;
      if (!URL.canParse(url)) return;
      const span = beginRequest(tracer, 'fetch', request.method, new URL(url));
      spans.set(request, span);
      const there = namesOf(request.headers);
      for (const [name, value] of Object.entries(span.headers)) {
        if (!there.has(name)) request.addHeader(name, value);
      }
    },
    headers: ({ request, response }) => spans.get(request)?.answered(response?.statusCode ?? 0),
    trailers: ({ request }) => spans.get(request)?.end(),
    error({ request, error }) {
      const span = spans.get(request);
      span?.failed(error);
      span?.end();
    },
  };

  const subscribed = Object.entries(listeners).map(([name, listener]) => {
    const channel = `undici:request:${name}`;
    const onMessage = (message: unknown): void => listener(message as Message);
    subscribe(channel, onMessage);
    return () => unsubscribe(channel, onMessage);
  });
  return () => {
    for (const release of subscribed) release();
  };
}

function namesOf(headers: UndiciRequest['headers']): ReadonlySet<string> {
  const names =
    typeof headers === 'string'
      ? headers.split('\r\n').map((line) => line.split(':', 1)[0] ?? '')
      : headers.filter((_, index) => index % 2 === 0).map(String);
  return new Set(names.map((name) => name.toLowerCase()));
}
