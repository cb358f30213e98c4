// The public surface: each name that the package exports, and no other.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import * as core from './index.ts';

test('exports these values', () => {
  expect(Object.keys(core).toSorted()).toMatchInlineSnapshot(`
    [
      "OfnError",
      "OpenFunctionPlugin",
      "Plugin",
      "cloudEvent",
      "currentInvocation",
      "definePlugin",
      "event",
      "http",
      "onStart",
      "onStop",
      "openfunction",
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
      "Callback",
      "CloudEventHandler",
      "Context",
      "ContextComponent",
      "ErrorCode",
      "EventContext",
      "EventHandler",
      "FetchApp",
      "FetchHandler",
      "FunctionContext",
      "FunctionDefinition",
      "FunctionOptions",
      "FunctionPlugin",
      "HookPlugin",
      "HttpFunctionOptions",
      "HttpHandler",
      "Invocation",
      "Issue",
      "Logger",
      "Method",
      "OpenFunctionHandler",
      "PluginSetup",
      "Request",
      "Response",
      "Schema",
      "SignatureType",
      "TypedCloudEvent",
    ]
  `);
});
