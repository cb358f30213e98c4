// Requests that user code makes, by http, https or fetch, as spans that the next function goes on from.
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { TracerProvider } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';

/**
 * Hooks the clients of Node.js, for CommonJS and for ES modules.
 *
 * @returns Takes the hooks off.
 */
export function traceOutgoingRequests(tracerProvider: TracerProvider): () => void {
  const instrumentations = [
    // What comes in is a call of a function, which core knows better.
    new HttpInstrumentation({ disableIncomingRequestInstrumentation: true }),
    new UndiciInstrumentation(),
  ];
  for (const each of instrumentations) each.setTracerProvider(tracerProvider);
  // It hooks a module when that is required; these are loaded already.
  const require = createRequire(import.meta.url);
  require('http');
  require('https');
  // For `import { request } from 'node:http'`.
  syncBuiltinESMExports();
  return () => {
    for (const each of instrumentations) each.disable();
    syncBuiltinESMExports();
  };
}
