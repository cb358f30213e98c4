// The public surface: each name that the package exports, and no other.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import * as core from './index.ts';

test('exports these values', () => {
  expect(Object.keys(core).toSorted()).toMatchInlineSnapshot(`
    [
      "DropError",
      "OfnError",
      "OpenFunctionPlugin",
      "Plugin",
      "RetryError",
      "binding",
      "cloudEvent",
      "currentInvocation",
      "definePlugin",
      "event",
      "http",
      "idempotencyRecord",
      "idempotent",
      "onStart",
      "onStop",
      "openfunction",
      "topic",
      "use",
    ]
  `);
});

test('exports these types', async () => {
  const source = await readFile(new URL('index.ts', import.meta.url), 'utf8');
  const lists = [...source.matchAll(/export type \{([^}]*)\}/g)].map(([, names = '']) => names);
  const names = lists
    .flatMap((list) => list.split(','))
    .map((name) => name.trim().replace(/^.* as /, ''))
    .filter((name) => name !== '');
  expect(names.toSorted()).toMatchInlineSnapshot(`
    [
      "Acknowledgement",
      "BindingOptions",
      "BindingResponse",
      "BulkEntry",
      "BulkFailure",
      "BulkItem",
      "CallInput",
      "CallOutcome",
      "CallTrace",
      "Callback",
      "CloudEventHandler",
      "Context",
      "ContextComponent",
      "CreateTracing",
      "DeleteOptions",
      "Environment",
      "ErrorCode",
      "EventContext",
      "EventHandler",
      "ExitTarget",
      "FetchApp",
      "FetchHandler",
      "FunctionContext",
      "FunctionDefinition",
      "FunctionOptions",
      "FunctionPlugin",
      "HookPlugin",
      "HttpFunctionOptions",
      "HttpHandler",
      "IdempotentOptions",
      "Input",
      "Invocation",
      "Issue",
      "Logger",
      "Method",
      "OpenFunctionHandler",
      "Output",
      "PluginSetup",
      "Propagation",
      "QueryResult",
      "ReadOptions",
      "Request",
      "Response",
      "SaveEntry",
      "SaveOptions",
      "Schema",
      "SendOptions",
      "SignatureType",
      "StateItem",
      "StateOperation",
      "StateOperations",
      "StateQueryResponse",
      "StateStore",
      "TopicOptions",
      "Trace",
      "Tracer",
      "Tracing",
      "TracingProvider",
      "TracingRequest",
      "Trigger",
      "TypedCloudEvent",
      "UpgradeHandler",
      "Versioned",
    ]
  `);
});
