// What a function is to Dapr, if it uses that.
import { toEnvironment, type ComponentResource, type FunctionResource } from '@ofn/resources';
import { componentsOf, definitionsOf, undefinedNames, withoutComponents } from './components.ts';
import type { App, Input } from './mesh.ts';

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
  const { serving } = given.spec;
  if (serving === undefined) return undefined;
  const { annotations = {}, outputs = [], states = {}, triggers } = serving;
  const enabled = annotations['openfunction.io/enable-dapr'];
  const references = [
    ...(triggers.dapr ?? []),
    ...(triggers.inputs ?? []).flatMap(({ dapr }) => dapr ?? []),
  ];
  const isUsed = references.length > 0 || outputs.length > 0 || Object.keys(states).length > 0;
  if (enabled === undefined ? !isUsed : enabled === 'false') return undefined;
  const { name, namespace = 'default' } = given.metadata;
  const protocol = localEnvironment(given, beside)['APP_PROTOCOL'];
  const components = componentsOf(given, beside, process.env);
  const types = new Map(components.map(({ name: component, type }) => [component, type]));
  const appId = annotations['dapr.io/app-id'] ?? `${name}-${namespace}`;
  const definitions = definitionsOf(given, beside, appId);
  return {
    appId,
    namespace,
    protocol: protocol === 'http' ? 'http' : 'grpc',
    components,
    definitions,
    undefinedComponents: undefinedNames(given, definitions),
    inputs: references.flatMap(({ name: component, topic = '' }): Input[] => {
      if (topic !== '') return [{ pubsub: component, topic }];
      // A schedule keeps nothing.
      return types.get(component) === 'bindings.cron' ? [] : [{ binding: component }];
    }),
    // Its code may name topics that its Function does not.
    takesEvents: references.length > 0 || enabled !== undefined,
  };
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
