// Dapr components of a function: what they are called in the cluster, and of which type they are.
import { invalidResource } from '../errors.ts';
import type { ComponentSpec } from '../function/dapr-schema.ts';
import { compareTexts } from './go-json.ts';
import { toObjectName } from './names.ts';
import type { Serving } from './serving.ts';

/** A component that comes with the function. */
export interface OwnComponent {
  /** By which the function knows it. */
  readonly alias: string;
  /** Its name in the cluster. */
  readonly name: string;
  readonly spec: ComponentSpec;
}

/** The components that come with the function: bindings, pub/sub, states; each by its alias. */
export function ownComponents({ name, spec }: Serving): readonly OwnComponent[] {
  const states = Object.entries(spec.states ?? {}).flatMap(([alias, state]) =>
    state.spec === undefined ? [] : [[alias, state.spec] as const],
  );
  const kinds = [
    ['bindings', Object.entries(spec.bindings ?? {})],
    ['pubsub', Object.entries(spec.pubsub ?? {})],
    ['state', states],
  ] as const;
  return kinds.flatMap(([kind, components]) =>
    components
      .toSorted(([one], [other]) => compareTexts(one, other))
      .map(([alias, component]) => ({
        alias,
        name: toObjectName(name, kind, alias),
        spec: component,
      })),
  );
}

/** A component that the function uses, wherever it is defined. */
export interface UsedComponent {
  readonly name: string;
  readonly type: string;
}

/**
 * Finds a component by the name that the function has for it.
 *
 * @param type What the function says of its type, if it does.
 * @param field Where it does so.
 * @throws ResourceError `OFN_RESOURCE_COMPONENT_UNKNOWN`
 */
export function findComponent(
  serving: Serving,
  alias: string,
  type: string | undefined,
  field: string,
): UsedComponent {
  const named = ownComponents(serving).filter((component) => component.alias === alias);
  // A binding, a topic and a state may have one name; the type tells them apart.
  const own = named.find(({ spec }) => kindOf(spec.type) === kindOf(type || spec.type));
  const known = (type ?? '') === '' ? (own?.spec.type ?? serving.componentTypes[alias]) : type;
  if (known !== undefined) return { name: own?.name ?? alias, type: known };
  const message =
    `names the component "${alias}", which the function does not define, and whose type is not known; ` +
    'say its type, or define it in bindings, pubsub or states';
  throw invalidResource(
    `Function "${serving.functionName}"`,
    [{ field, message }],
    'OFN_RESOURCE_COMPONENT_UNKNOWN',
  );
}

/** Finds a state store, which need not be defined by the function. */
export function findState(serving: Serving, alias: string): UsedComponent {
  const spec = serving.spec.states?.[alias]?.spec;
  if (spec !== undefined) {
    return { name: toObjectName(serving.name, 'state', alias), type: spec.type };
  }
  const type = serving.componentTypes[alias];
  if (type !== undefined) return { name: alias, type };
  return findComponent(
    { ...serving, spec: { triggers: {} } },
    alias,
    undefined,
    `spec.serving.states.${alias}`,
  );
}

function kindOf(type: string): string {
  return type.split('.', 1)[0] ?? '';
}
