import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../clock.ts';
import { createStateStore, STATE_STORE_TYPES } from './create.ts';

const component = { name: 'store', version: 'v1', metadata: {}, scopes: [] };
const settings = { appId: 'app', clock: createVirtualClock() };

describe('createStateStore', () => {
  it('creates each type that it names', () => {
    for (const type of STATE_STORE_TYPES) {
      expect(createStateStore({ ...component, type }, settings).name).toBe('store');
    }
  });

  it('refuses any other type, by its name', () => {
    expect(() => createStateStore({ ...component, type: 'state.redis' }, settings)).toThrow(
      'component "store" has type "state.redis", which this sidecar does not have; run daprd',
    );
  });
});
