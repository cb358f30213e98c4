// FUNC_CONTEXT and FUNC_CONTEXT_V1BETA2, by which the controller tells a function what it is: the same JSON,
// byte by byte, but for maps, which Go's writes in no order and these are in.
import type { FunctionResource } from '../function/schema.ts';
import { findComponent, findState, type UsedComponent } from './components.ts';
import { goList, goMap, goText, renderGoJson, type GoValue } from './go-json.ts';
import { contextPlugins, mergedHooks } from './hooks.ts';
import { toServing, type Serving, type ServingOptions } from './serving.ts';
import { mergedTracing, toGoPluginsTracing, toGoTracing } from './tracing.ts';

/** Both variables. */
export interface FunctionContextVariables {
  readonly FUNC_CONTEXT: string;
  readonly FUNC_CONTEXT_V1BETA2: string;
}

/**
 * Makes both variables of a function.
 *
 * @throws ResourceError `OFN_RESOURCE_TARGET_UNFIT`, `OFN_RESOURCE_COMPONENT_UNKNOWN` or
 *   `OFN_RESOURCE_CONFIG_INVALID`.
 * @example
 * const { FUNC_CONTEXT_V1BETA2 } = toFunctionContext(parseFunction(text));
 */
export function toFunctionContext(
  given: FunctionResource,
  options: ServingOptions = {},
): FunctionContextVariables {
  return renderContexts(toServing(given, options));
}

/** The same for a serving. */
export function renderContexts(serving: Serving): FunctionContextVariables {
  return {
    FUNC_CONTEXT: renderGoJson(toV1Beta1(serving)),
    FUNC_CONTEXT_V1BETA2: renderGoJson(toV1Beta2(serving)),
  };
}

function toV1Beta1(serving: Serving): GoValue {
  const { functionName, spec, version } = serving;
  const { dapr, http } = spec.triggers;
  const { post, pre, tracing } = contextPlugins(serving);
  const states = Object.keys(spec.states ?? {}).map((alias) => {
    const { name, type } = findState(serving, alias);
    return [alias, { componentName: name, componentType: type }] as const;
  });
  return {
    name: functionName,
    version,
    inputs: goEntries(v1Beta1Inputs(serving)),
    outputs: goEntries(v1Beta1Outputs(serving)),
    states: goEntries(states),
    runtime: dapr === undefined ? 'Knative' : 'Async',
    port: String(http?.port ?? 8080),
    prePlugins: goList(pre),
    postPlugins: goList(post),
    pluginsTracing: tracing === undefined ? undefined : toGoPluginsTracing(tracing),
  };
}

type Entries = readonly (readonly [string, GoValue])[];

function v1Beta1Inputs(serving: Serving): Entries {
  const { dapr = [] } = serving.spec.triggers;
  return dapr.map(({ inputName, name, topic, type }, index) => {
    const field = `spec.serving.triggers.dapr[${index}]`;
    const component = findComponent(serving, name, type, field);
    return [
      inputName || name,
      {
        uri: uriOf(component, name, topic),
        componentName: component.name,
        componentType: component.type,
      },
    ];
  });
}

function v1Beta1Outputs(serving: Serving): Entries {
  return outputsOf(serving).map(({ component, output }) => [
    output.outputName || output.name,
    {
      uri: uriOf(component, output.name, output.topic),
      componentName: component.name,
      componentType: component.type,
      metadata: goMap(output.metadata),
      operation: goText(output.operation),
    },
  ]);
}

// A binding is known by its name, a topic by its own.
function uriOf({ type }: UsedComponent, name: string, topic: string | undefined) {
  return type.startsWith('bindings') ? name : goText(topic);
}

function outputsOf(serving: Serving) {
  return (serving.spec.outputs ?? []).flatMap(({ dapr: output }, index) => {
    if (output === undefined) return [];
    const field = `spec.serving.outputs[${index}].dapr`;
    const component = findComponent(serving, output.name, output.type, field);
    return [{ component, output }];
  });
}

function toV1Beta2(serving: Serving): GoValue {
  const { functionName, spec, version } = serving;
  const { post, pre } = mergedHooks(serving);
  const tracing = mergedTracing(serving);
  const outputs = outputsOf(serving).map(
    ({ component, output }) =>
      [
        output.name,
        {
          componentName: component.name,
          componentType: component.type,
          metadata: goMap(output.metadata),
          operation: goText(output.operation),
        },
      ] as const,
  );
  const states = Object.keys(spec.states ?? {}).map((alias) => {
    const { name, type } = findState(serving, alias);
    return [alias, { componentName: name, componentType: type }] as const;
  });
  return {
    name: functionName,
    version,
    triggers: toGoTriggers(serving),
    inputs: goEntries(v1Beta2Inputs(serving)),
    outputs: goEntries(outputs),
    states: goEntries(states),
    preHooks: goList(pre),
    postHooks: goList(post),
    tracing: tracing === undefined ? undefined : toGoTracing(tracing),
  };
}

function v1Beta2Inputs(serving: Serving): Entries {
  const { inputs = [] } = serving.spec.triggers;
  return inputs.flatMap(({ dapr }, index) => {
    if (dapr === undefined) return [];
    const field = `spec.serving.triggers.inputs[${index}].dapr`;
    const { name, type } = findComponent(serving, dapr.name, dapr.type, field);
    const input = { componentName: name, componentType: type, topic: goText(dapr.topic) };
    return [[dapr.name, input] as const];
  });
}

function toGoTriggers(serving: Serving): GoValue {
  const { dapr, http, inputs } = serving.spec.triggers;
  return {
    http:
      http === undefined
        ? undefined
        : { port: http.port, route: toGoRoute(http.route), engine: http.engine },
    dapr: dapr?.map(({ inputName, name, topic, type }, index) => ({
      name: findComponent(serving, name, type, `spec.serving.triggers.dapr[${index}]`).name,
      type: goText(type),
      topic: goText(topic),
      inputName: goText(inputName),
    })),
    inputs: goList(
      inputs?.map(({ dapr: input }) => ({
        dapr:
          input === undefined
            ? undefined
            : { name: input.name, type: goText(input.type), topic: goText(input.topic) },
      })),
    ),
  };
}

type Route = NonNullable<Serving['spec']['triggers']['http']>['route'];

function toGoRoute({ gatewayRef, hostnames, rules }: Route): GoValue {
  return {
    gatewayRef,
    hostnames: goList(hostnames),
    rules: goList(rules?.map(withoutEmptyLists)),
  };
}

// Structs of the Gateway API leave their empty lists out; all else of them is a pointer or required.
function withoutEmptyLists(value: unknown): GoValue {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (typeof value !== 'object' || value === null) return value as GoValue;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]: [string, unknown]) =>
      Array.isArray(item) && item.length === 0 ? [] : [[key, withoutEmptyLists(item)] as const],
    ),
  );
}

function goEntries(entries: Entries): GoValue | undefined {
  return entries.length === 0 ? undefined : new Map(entries);
}
