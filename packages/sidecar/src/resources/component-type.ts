// Which types of component run here, and what plays the others when they are to be emulated.
import type { Component } from '../contract.ts';
import { SidecarError } from '../errors.ts';
import { STATE_STORE_TYPES } from '../state/create.ts';

/** The type that plays bindings of a system that is not here. */
export const QUEUE_BINDING = 'bindings.in-memory';

const KNOWN_TYPES = [
  'pubsub.in-memory',
  'bindings.cron',
  'bindings.http',
  'bindings.localstorage',
  ...STATE_STORE_TYPES,
];

const EMULATORS: ReadonlyMap<string, string> = new Map([
  ['pubsub', 'pubsub.in-memory'],
  ['state', 'state.in-memory'],
  ['bindings', QUEUE_BINDING],
]);

/** The type that can play a type which is not here; `undefined` when it is, or none can. */
export function emulatorOf(type: string): string | undefined {
  const [, family = ''] = /^(\w+)\../.exec(type) ?? [];
  return KNOWN_TYPES.includes(type) ? undefined : EMULATORS.get(family);
}

/**
 * Gives each component a type that runs here.
 *
 * @param emulate Whether types that are not here are played by those that are.
 * @throws SidecarError `ERR_COMPONENT_UNSUPPORTED` for a type that does not run here,
 *   `ERR_RESOURCE_INVALID` for two components of one name.
 */
export function resolveTypes(
  components: readonly Component[],
  emulate: boolean,
): readonly Component[] {
  const names = new Set<string>();
  return components.map((component) => {
    const { name, type } = component;
    const emulator = emulatorOf(type);
    if (!KNOWN_TYPES.includes(type) && (!emulate || emulator === undefined)) {
      const hint = emulator === undefined ? '' : ', or have it emulated (--emulate, emulate: true)';
      throw new SidecarError(
        'ERR_COMPONENT_UNSUPPORTED',
        `component "${name}" has type "${type}", which this sidecar does not have; run daprd${hint}; known here: ${KNOWN_TYPES.join(', ')}`,
      );
    }
    if (names.has(name)) {
      throw new SidecarError('ERR_RESOURCE_INVALID', `there are two components named "${name}"`);
    }
    names.add(name);
    return emulator === undefined ? component : { ...component, type: emulator, emulates: type };
  });
}
