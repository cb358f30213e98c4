// The public surface: each name that the package exports, and no other.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import * as resources from './index.ts';

test('exports these values', () => {
  expect(Object.keys(resources).toSorted()).toMatchInlineSnapshot(`
    [
      "NO_BUILD",
      "NO_FUNCTION",
      "NO_SERVING",
      "ResourceError",
      "parseDuration",
      "parseFunction",
      "parseResources",
      "reduceBuild",
      "reduceFunction",
      "reduceServing",
      "render",
      "renderDuration",
      "renderYaml",
      "toEnvironment",
      "toFunctionContext",
      "toFunctionStatus",
      "toRouteStatus",
    ]
  `);
});

test('exports these types', async () => {
  const source = await readFile(new URL('index.ts', import.meta.url), 'utf8');
  const names = [...source.matchAll(/\btype (\w+)|export type \{([^}]*)\}/g)].flatMap(
    ([, single, list]) => single ?? (list ?? '').split(',').map((name) => name.trim()),
  );
  expect(names.filter((name) => name !== '').toSorted()).toMatchInlineSnapshot(`
    [
      "BuildObservation",
      "BuildProgress",
      "BuildResult",
      "BuildState",
      "BuilderResource",
      "ComponentResource",
      "EnvironmentVariable",
      "EventObject",
      "FunctionContextVariables",
      "FunctionObservation",
      "FunctionProgress",
      "FunctionResource",
      "FunctionStatus",
      "GatewayOptions",
      "GlobalConfig",
      "InterceptorOptions",
      "KubernetesObject",
      "ParseOptions",
      "ParsedResources",
      "RenderOptions",
      "ResourceErrorCode",
      "ResourceEvent",
      "ResourceIssue",
      "ServingObservation",
      "ServingOptions",
      "ServingProgress",
      "ServingResource",
      "ServingState",
      "Step",
      "Target",
    ]
  `);
});
