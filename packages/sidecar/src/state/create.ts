// A component becomes the state store that it describes.
import type { Clock } from '../clock.ts';
import type { Component } from '../contract.ts';
import { SidecarError } from '../errors.ts';
import { createInMemoryStore } from './in-memory.ts';
import { parseKeyPrefix } from './key-prefix.ts';
import type { StateItem, StateStore } from './store.ts';

/** What a store lives in. */
export interface StoreSettings {
  readonly appId: string;
  /** For the key prefix `namespace`. Default: none, which makes it the app id. */
  readonly namespace?: string | undefined;
  readonly clock: Clock;
  /** What the store holds, by stored keys. Default: nothing. */
  readonly items?: Map<string, StateItem>;
}

const FACTORIES: ReadonlyMap<
  string,
  (
    name: string,
    clock: Clock,
    toStoredKey: (key: string) => string,
    items: Map<string, StateItem>,
  ) => StateStore
> = new Map([['state.in-memory', createInMemoryStore]]);

/** The component types that are state stores here. */
export const STATE_STORE_TYPES: readonly string[] = [...FACTORIES.keys()];

/**
 * Creates the store of a component.
 *
 * @throws SidecarError `ERR_COMPONENT_UNSUPPORTED` for a type that is not known here, and
 * `ERR_MALFORMED_REQUEST` for a key prefix that cannot be one.
 */
export function createStateStore(component: Component, settings: StoreSettings): StateStore {
  const create = FACTORIES.get(component.type);
  if (create === undefined) {
    throw new SidecarError(
      'ERR_COMPONENT_UNSUPPORTED',
      `component "${component.name}" has type "${component.type}", which this sidecar does not have; run daprd`,
    );
  }
  const { clock, items = new Map<string, StateItem>() } = settings;
  return create(component.name, clock, parseKeyPrefix(component, settings), items);
}
