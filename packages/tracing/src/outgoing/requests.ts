// Requests that user code makes, by http, https or fetch, as spans that the next function goes on from.
import { hookFetch } from './fetch.ts';
import { hookHttp } from './http.ts';
import type { RequestTracer } from './request-span.ts';

/** Which clients are not hooked. */
export interface OutgoingRequestsSettings {
  readonly withoutHttp?: boolean;
  readonly withoutFetch?: boolean;
}

/**
 * Hooks the clients of Node.js, for CommonJS and for ES modules.
 *
 * @returns Takes the hooks off.
 */
export function traceOutgoingRequests(
  tracer: RequestTracer,
  { withoutHttp = false, withoutFetch = false }: OutgoingRequestsSettings = {},
): () => void {
  const releases = [
    ...(withoutHttp ? [] : [hookHttp(tracer)]),
    ...(withoutFetch ? [] : [hookFetch(tracer)]),
  ];
  return () => {
    for (const release of releases) release();
  };
}
