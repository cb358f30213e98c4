import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { anyCaseObject } from './any-case-object.ts';

const schema = anyCaseObject({ entryId: v.string(), size: v.optional(v.number()) });

describe('anyCaseObject', () => {
  it('finds a name in any letter case, and the exact one first', () => {
    expect(v.parse(schema, { ENTRYID: 'a', Size: 1, other: 2 })).toEqual({ entryId: 'a', size: 1 });
    expect(v.parse(schema, { entryid: 'a', entryId: 'b' })).toEqual({ entryId: 'b' });
    expect(v.parse(schema, { entryId: 'b', entryid: 'a' })).toEqual({ entryId: 'b' });
  });

  it.each([[[]], [null], ['text'], [{}], [{ entryId: 1 }]])('refuses %j', (value) => {
    expect(v.is(schema, value)).toBe(false);
  });
});
