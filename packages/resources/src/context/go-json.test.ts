import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTexts, renderGoJson, type GoValue } from './go-json.ts';

it.each([
  ['<a href="x">&</a>', String.raw`"\u003ca href=\"x\"\u003e\u0026\u003c/a\u003e"`],
  ['\u2028\u2029', String.raw`"\u2028\u2029"`],
  ['\b\f\n\r\t\u0001', String.raw`"\u0008\u000c\n\r\t\u0001"`],
  [String.raw`C:\big\folder`, String.raw`"C:\\big\\folder"`],
  ['\u007f é 😀', '"\u007f é 😀"'],
  ['half \ud83d', String.raw`"half \ufffd"`],
])('escapes %j as Go does', (text, json) => {
  expect(renderGoJson(text)).toBe(json);
});

it('writes fields in their order, those of a map in order of their bytes, and leaves absent ones out', () => {
  const map = new Map([
    ['z', 1],
    ['10', 2],
    ['9', 3],
    ['\u{10000}', 4],
    ['\uffff', 5],
  ]);
  expect(renderGoJson({ b: map, a: undefined, c: [null, true] })).toBe(
    '{"b":{"10":2,"9":3,"z":1,"\uffff":5,"\u{10000}":4},"c":[null,true]}',
  );
});

describe('for any value', () => {
  const { value } = fc.letrec<{ value: GoValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: 'binary' }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc
        .array(fc.tuple(fc.string({ unit: 'grapheme' }), tie('value')), { maxLength: 4 })
        .map((entries): GoValue => new Map(entries)),
    ),
  }));

  it('is JSON that says the same, without what HTML or JavaScript could stumble over', () => {
    fc.assert(
      fc.property(value, (given) => {
        const json = renderGoJson(given);
        expect(JSON.parse(json)).toEqual(plain(given));
        expect(json).not.toMatch(/[<>&\u2028\u2029]/);
      }),
      { numRuns: 500 },
    );
  });

  it('is the same whatever order a map was made in', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.nat()), (given) => {
        const entries = Object.entries(given);
        expect(renderGoJson(new Map(entries))).toBe(renderGoJson(new Map(entries.toReversed())));
      }),
    );
  });
});

it('orders texts as their bytes are ordered', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
      const bytes = Buffer.compare(Buffer.from(one), Buffer.from(other));
      expect(Math.sign(compareTexts(one, other))).toBe(bytes);
    }),
  );
});

function plain(value: GoValue): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [key, plain(item as GoValue)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}
