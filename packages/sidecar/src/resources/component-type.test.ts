import { describe, expect, it } from 'vitest';
import { resolveTypes } from './component-type.ts';

const named = (type: string, name = 'c') => ({
  name,
  type,
  version: 'v1',
  metadata: {},
  scopes: [],
});

describe('resolveTypes', () => {
  it.each(['pubsub.in-memory', 'state.in-memory', 'bindings.cron', 'bindings.http'])(
    'leaves %s as it is, emulated or not',
    (type) => {
      for (const emulate of [true, false]) {
        expect(resolveTypes([named(type)], emulate)).toEqual([named(type)]);
      }
    },
  );

  it.each([
    ['pubsub.redis', 'pubsub.in-memory'],
    ['state.postgresql', 'state.in-memory'],
    ['state.azure.cosmosdb', 'state.in-memory'],
    ['bindings.kafka', 'bindings.in-memory'],
  ])('has %s played by %s when it is told to emulate', (type, plays) => {
    expect(resolveTypes([named(type)], true)).toEqual([{ ...named(plays), emulates: type }]);
  });

  it.each(['pubsub.kafka', 'state.redis', 'bindings.kafka', 'bindings.in-memory'])(
    'refuses %s without that, and says to run daprd or to emulate it',
    (type) => {
      expect(() => resolveTypes([named(type, 'p')], false)).toThrow(
        `component "p" has type "${type}", which this sidecar does not have; run daprd, or have it emulated (--emulate, emulate: true); known here: pubsub.in-memory, `,
      );
    },
  );

  it.each([
    'secretstores.local.file',
    'configuration.redis',
    'lock.redis',
    'middleware.http.oauth2',
    'cryptography.jwks',
    'pubsub',
    'states.redis',
    'constructor.x',
  ])('refuses %s in any case', (type) => {
    for (const emulate of [true, false]) {
      expect(() => resolveTypes([named(type)], emulate)).toThrow(/does not have; run daprd; known/);
    }
  });

  it('refuses two components of one name', () => {
    const components = [named('pubsub.in-memory', 'p'), named('state.redis', 'p')];
    expect(() => resolveTypes(components, true)).toThrow('two components named "p"');
  });
});
