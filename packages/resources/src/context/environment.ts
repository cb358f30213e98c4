// The environment that a function's container gets, in the order in which the controller writes it.
import type { FunctionResource } from '../function/schema.ts';
import { daprOf } from './dapr.ts';
import { renderContexts } from './function-context.ts';
import { sortedEntries } from './go-json.ts';
import { portOf, toServing, type Serving, type ServingOptions } from './serving.ts';
import { mergedTracing } from './tracing.ts';

/** A variable: its value, or which field of the pod has it. */
export type EnvironmentVariable =
  | { readonly name: string; readonly value: string }
  | {
      readonly name: string;
      readonly valueFrom: {
        readonly fieldRef: { readonly apiVersion: 'v1'; readonly fieldPath: string };
      };
    };

/**
 * Makes the environment of a function, each name once. What the container of its template says comes
 * before, and is not here. `PORT` is: behind Knative it is Knative that sets it.
 *
 * @throws ResourceError `OFN_RESOURCE_TARGET_UNFIT`, `OFN_RESOURCE_COMPONENT_UNKNOWN` or
 *   `OFN_RESOURCE_CONFIG_INVALID`.
 * @example
 * const names = toEnvironment(parseFunction(text)).map(({ name }) => name);
 */
export function toEnvironment(
  given: FunctionResource,
  options: ServingOptions = {},
): readonly EnvironmentVariable[] {
  return renderEnvironment(toServing(given, options));
}

/** The same for a serving. */
export function renderEnvironment(serving: Serving): readonly EnvironmentVariable[] {
  const { namespace, spec, target } = serving;
  const { FUNC_CONTEXT, FUNC_CONTEXT_V1BETA2 } = renderContexts(serving);
  const params = sortedEntries(spec.params).map(([name, value]) => ({ name, value }));
  const pod: readonly EnvironmentVariable[] = [
    { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    { name: 'POD_NAMESPACE', value: namespace },
  ];
  const dapr = daprVariables(serving);
  return uniqueVariables([
    { name: 'APP_PROTOCOL', value: daprOf(serving).protocol },
    ...skyWalkingVariables(serving),
    { name: 'FUNC_CONTEXT', value: FUNC_CONTEXT },
    { name: 'FUNC_CONTEXT_V1BETA2', value: FUNC_CONTEXT_V1BETA2 },
    ...(target === 'async' ? [...dapr, ...params, ...pod] : [...params, ...pod, ...dapr]),
    ...(spec.params?.['PORT'] === undefined
      ? [{ name: 'PORT', value: String(portOf(serving)) }]
      : []),
  ]);
}

function skyWalkingVariables(serving: Serving): readonly EnvironmentVariable[] {
  const { enabled = false, provider } = mergedTracing(serving) ?? {};
  const server = provider?.oapServer ?? '';
  if (!enabled || provider?.name !== 'skywalking' || server === '') return [];
  return [
    { name: 'SW_AGENT_COLLECTOR_BACKEND_SERVICES', value: server },
    { name: 'SW_AGENT_NAME', value: serving.functionName },
    { name: 'SW_AGENT_NAMESPACE', value: serving.namespace },
    { name: 'SW_AGENT_KEEP_TRACING', value: 'true' },
  ];
}

function daprVariables(serving: Serving): readonly EnvironmentVariable[] {
  const { appId, mode } = daprOf(serving);
  if (mode !== 'standalone') return [];
  const value = `${appId}-dapr.${serving.namespace}.svc.cluster.local`;
  return [
    { name: 'DAPR_HOST', value },
    { name: 'DAPR_SIDECAR_IP', value },
  ];
}

/** Of variables with one name the last, which is the one that Kubernetes takes. */
export function uniqueVariables<Variable extends { readonly name: string }>(
  variables: readonly Variable[],
): readonly Variable[] {
  const last = new Map(variables.map(({ name }, index) => [name, index]));
  return variables.filter(({ name }, index) => last.get(name) === index);
}
