import { describe, expect, it } from 'vitest';
import { parseKeyPrefix, toAppKey } from './key-prefix.ts';

function stored(keyPrefix: string | undefined, namespace?: string): string {
  const metadata = keyPrefix === undefined ? {} : { keyPrefix };
  const component = { name: 'store', type: 'state.in-memory', version: 'v1', metadata, scopes: [] };
  return parseKeyPrefix(component, { appId: 'app', namespace })('key');
}

describe('parseKeyPrefix', () => {
  it.each([
    [undefined, 'app||key'],
    ['appid', 'app||key'],
    ['name', 'store||key'],
    ['none', 'key'],
    ['NONE', 'key'],
    ['namespace', 'app||key'],
    ['shop', 'shop||key'],
  ])('makes of the strategy %s the key %s', (strategy, key) => {
    expect(stored(strategy)).toBe(key);
  });

  it('puts the namespace before the app id', () => {
    expect(stored('namespace', 'prod')).toBe('prod.app||key');
  });

  it('finds its metadata in any letter case', () => {
    const metadata = { KEYPREFIX: 'none' };
    const component = { name: 's', type: 'state.in-memory', version: 'v1', metadata, scopes: [] };
    expect(parseKeyPrefix(component, { appId: 'app' })('key')).toBe('key');
  });

  it('refuses the separator in a prefix and in a key', () => {
    expect(() => stored('a||b')).toThrow("input key/keyPrefix 'a||b' can't contain '||'");
    const component = { name: 's', type: 'x', version: 'v1', metadata: {}, scopes: [] };
    expect(() => parseKeyPrefix(component, { appId: 'app' })('a||b')).toThrow("'a||b'");
  });
});

describe('toAppKey', () => {
  it.each([
    ['app||key', 'key'],
    ['key', 'key'],
  ])('finds in %s the key %s', (key, expected) => {
    expect(toAppKey(key)).toBe(expected);
  });
});
