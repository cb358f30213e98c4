// The Dapr components of a function on this machine: those that it defines, those that stand beside it, and
// those that it only names.
import type { ComponentResource, FunctionResource } from '@ofn/resources';
import type { ComponentInput } from '@ofn/sidecar';
import { PlatformError } from '../errors.ts';

/** The annotation of a component that nobody has written, which only what is in memory can play. */
export const ASSUMED = 'platform.ofn/assumed';

type Serving = NonNullable<FunctionResource['spec']['serving']>;
type ComponentSpec = ComponentResource['spec'];

/**
 * Lists them by the names that the function has for them: components of one name are one, whichever function
 * defines it, as they are one in a cluster whose components all name the same broker.
 *
 * @param beside Components that stand beside the function.
 * @param env What `envRef` reads.
 * @throws PlatformError `OFN_PLATFORM_FUNCTION_INVALID` for two that have one name.
 */
export function componentsOf(
  given: FunctionResource,
  beside: readonly ComponentResource[],
  env: Readonly<Record<string, string | undefined>>,
): readonly ComponentInput[] {
  const { serving } = given.spec;
  if (serving === undefined) return [];
  const found = new Map<string, ComponentInput>();
  for (const { metadata, scopes, spec } of beside) {
    found.set(metadata.name, { ...toInput(metadata.name, spec, env), scopes });
  }
  const own = new Set<string>();
  for (const [name, spec] of ownSpecs(serving)) {
    if (own.has(name)) {
      const message = `Function "${given.metadata.name}" has two components named "${name}"; on this machine each needs a name of its own`;
      throw new PlatformError('OFN_PLATFORM_FUNCTION_INVALID', message);
    }
    own.add(name);
    found.set(name, toInput(name, spec, env));
  }
  for (const [name, type] of namedTypes(serving)) {
    if (!found.has(name)) found.set(name, { name, type });
  }
  return [...found.values()];
}

/**
 * Those of its components that are defined, as Components for it alone; where two have one name, its own.
 *
 * @param beside Components that stand beside the function.
 */
export function definitionsOf(
  given: FunctionResource,
  beside: readonly ComponentResource[],
  appId: string,
): readonly ComponentResource[] {
  const found = new Map<string, ComponentResource>();
  for (const component of beside) {
    const { annotations, name } = component.metadata;
    const isElsewhere = component.scopes.length > 0 && !component.scopes.includes(appId);
    if (isElsewhere || annotations?.[ASSUMED] !== undefined) continue;
    found.set(name, { ...component, metadata: { name }, scopes: [appId] });
  }
  const { serving } = given.spec;
  for (const [name, spec] of serving === undefined ? [] : ownSpecs(serving)) {
    found.set(name, {
      apiVersion: 'dapr.io/v1alpha1',
      kind: 'Component',
      metadata: { name },
      spec,
      scopes: [appId],
    });
  }
  return [...found.values()];
}

/** Names of the components that the function only names, and that are defined nowhere here. */
export function undefinedNames(
  given: FunctionResource,
  definitions: readonly ComponentResource[],
): readonly string[] {
  const { serving } = given.spec;
  const defined = new Set(definitions.map(({ metadata }) => metadata.name));
  const named = new Set(serving === undefined ? [] : namedTypes(serving).map(([name]) => name));
  return [...named].filter((name) => !defined.has(name));
}

/** The Function with its components only named, so that their names are those that it has for them. */
export function withoutComponents(given: FunctionResource): FunctionResource {
  const { serving } = given.spec;
  if (serving === undefined) return given;
  const { bindings: _bindings, pubsub: _pubsub, states, ...rest } = serving;
  const named = Object.fromEntries(Object.keys(states ?? {}).map((name) => [name, {}]));
  return {
    ...given,
    spec: {
      ...given.spec,
      serving: { ...rest, ...(states === undefined ? {} : { states: named }) },
    },
  };
}

function ownSpecs({ bindings, pubsub, states }: Serving): readonly [string, ComponentSpec][] {
  const ofStates = Object.entries(states ?? {}).flatMap(([name, { spec }]) =>
    spec === undefined ? [] : [[name, spec] as [string, ComponentSpec]],
  );
  return [...Object.entries(bindings ?? {}), ...Object.entries(pubsub ?? {}), ...ofStates];
}

// What is defined in the cluster alone: by its type where that is said, else by how it is used.
function namedTypes({ outputs, states, triggers }: Serving): readonly [string, string][] {
  const references = [
    ...(triggers.dapr ?? []),
    ...(triggers.inputs ?? []).flatMap(({ dapr }) => dapr ?? []),
    ...(outputs ?? []).flatMap(({ dapr }) => dapr ?? []),
  ];
  return [
    ...references.map(({ name, topic = '', type = '' }): [string, string] => {
      const byUse = topic === '' ? 'bindings.in-memory' : 'pubsub.in-memory';
      return [name, type === '' ? byUse : type];
    }),
    ...Object.keys(states ?? {}).map((name): [string, string] => [name, 'state.in-memory']),
  ];
}

function toInput(
  name: string,
  { metadata, type, version }: ComponentSpec,
  env: Readonly<Record<string, string | undefined>>,
): ComponentInput {
  const fields = metadata.flatMap(({ envRef, name: field, value }): [string, string][] => {
    if (envRef !== undefined) return [[field, env[envRef] ?? '']];
    // Secrets are for the real system, which is played here.
    return value === undefined ? [] : [[field, toText(value)]];
  });
  return { name, type, version, metadata: Object.fromEntries(fields) };
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
