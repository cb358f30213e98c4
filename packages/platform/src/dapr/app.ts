// What a function is to Dapr, if it uses that.
import { toEnvironment, type ComponentResource, type FunctionResource } from '@ofn/resources';
import { componentsOf, withoutComponents } from './components.ts';
import type { App } from './mesh.ts';

/**
 * Makes the app of a function; `undefined` for one without Dapr.
 *
 * @param beside Components that stand beside the function.
 * @throws PlatformError for components of one name, ResourceError for a function that no cluster could run.
 */
export function toApp(
  given: FunctionResource,
  beside: readonly ComponentResource[],
): App | undefined {
  if (!usesDapr(given)) return undefined;
  const { name, namespace = 'default' } = given.metadata;
  const annotations = given.spec.serving?.annotations ?? {};
  const components = componentsOf(given, beside, process.env);
  const protocol = localEnvironment(given, beside)['APP_PROTOCOL'];
  return {
    appId: annotations['dapr.io/app-id'] ?? `${name}-${namespace}`,
    protocol: protocol === 'http' ? 'http' : 'grpc',
    components,
  };
}

function usesDapr({ spec: { serving } }: FunctionResource): boolean {
  if (serving === undefined) return false;
  const { annotations = {}, outputs = [], states = {}, triggers } = serving;
  const enabled = annotations['openfunction.io/enable-dapr'];
  if (enabled !== undefined) return enabled !== 'false';
  const inputs = [...(triggers.dapr ?? []), ...(triggers.inputs ?? [])];
  return inputs.length > 0 || outputs.length > 0 || Object.keys(states).length > 0;
}

/**
 * The environment that the function gets of a cluster, with the names of components on this machine.
 *
 * @throws ResourceError for a function that no cluster could run.
 */
export function localEnvironment(
  given: FunctionResource,
  beside: readonly ComponentResource[],
): Record<string, string> {
  const components = componentsOf(given, beside, {});
  const componentTypes = Object.fromEntries(components.map(({ name, type }) => [name, type]));
  const variables = toEnvironment(withoutComponents(given), { componentTypes });
  return Object.fromEntries(
    variables.flatMap((variable): [string, string][] =>
      'value' in variable ? [[variable.name, variable.value]] : [],
    ),
  );
}
