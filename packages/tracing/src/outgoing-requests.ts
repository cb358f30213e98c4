// Requests that user code makes, by http, https or fetch, as spans that the next function goes on from.
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { TracerProvider } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';

/** Which clients are not hooked. */
export interface OutgoingRequestsSettings {
  readonly withoutHttp?: boolean;
  readonly withoutFetch?: boolean;
}

// Of the process: a hook that was taken off can be put on again only by who has put it on first.
let http: HttpInstrumentation | undefined;
let fetch: UndiciInstrumentation | undefined;

/**
 * Hooks the clients of Node.js, for CommonJS and for ES modules.
 *
 * @returns Takes the hooks off.
 */
export function traceOutgoingRequests(
  tracerProvider: TracerProvider,
  { withoutHttp = false, withoutFetch = false }: OutgoingRequestsSettings = {},
): () => void {
  // What comes in is a call of a function, which core knows better.
  if (!withoutHttp)
    http ??= new HttpInstrumentation({ disableIncomingRequestInstrumentation: true });
  if (!withoutFetch) fetch ??= new UndiciInstrumentation();
  const hooked = [withoutHttp ? undefined : http, withoutFetch ? undefined : fetch];
  for (const instrumentation of hooked) {
    instrumentation?.setTracerProvider(tracerProvider);
    instrumentation?.enable();
  }
  // It hooks a module when that is required; these are loaded already.
  const require = createRequire(import.meta.url);
  require('http');
  require('https');
  // For `import { request } from 'node:http'`.
  syncBuiltinESMExports();
  return () => {
    for (const instrumentation of hooked) instrumentation?.disable();
    syncBuiltinESMExports();
  };
}
