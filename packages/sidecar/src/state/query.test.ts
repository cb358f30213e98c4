import { describe, expect, it } from 'vitest';
import { parseQuery, runQuery } from './query.ts';
import type { StateItem } from './store.ts';

const PEOPLE: Readonly<Record<string, unknown>> = {
  ada: { name: 'Ada', age: 36, address: { city: 'London' }, tags: ['x'] },
  bob: { name: 'Bob', age: 41, address: { city: 'Paris' } },
  cy: { name: 'Cy', age: 36, 'address.city': 'Rome' },
  dee: { name: 'Dee' },
  text: 'only a text',
};

const item = (key: string, data: Buffer): StateItem => ({
  key,
  data,
  etag: 'e',
  expires: undefined,
});

const ITEMS = [
  ...Object.entries(PEOPLE).map(([key, value]) => item(key, Buffer.from(JSON.stringify(value)))),
  item('raw', Buffer.from([0xff, 0x00])),
];

function keys(query: unknown): readonly string[] {
  return runQuery(ITEMS, parseQuery(JSON.stringify(query))).items.map(({ key }) => key);
}

describe('a query', () => {
  it.each([
    [{}, ['ada', 'bob', 'cy', 'dee', 'text']],
    [{ filter: { EQ: { age: 36 } } }, ['ada', 'cy']],
    [{ filter: { EQ: { age: '36' } } }, []],
    [{ filter: { EQ: { tags: ['x'] } } }, ['ada']],
    [{ filter: { EQ: { 'address.city': 'Paris' } } }, ['bob']],
    [{ filter: { EQ: { 'address.city': 'Rome' } } }, ['cy']],
    [{ filter: { NEQ: { age: 36 } } }, ['bob']],
    [{ filter: { GT: { age: 36 } } }, ['bob']],
    [{ filter: { GTE: { age: 36 } } }, ['ada', 'bob', 'cy']],
    [{ filter: { LT: { age: 41 } } }, ['ada', 'cy']],
    [{ filter: { LTE: { name: 'Bob' } } }, ['ada', 'bob']],
    [{ filter: { GT: { name: 1 } } }, []],
    [{ filter: { IN: { name: ['Ada', 'Dee', 'Zoe'] } } }, ['ada', 'dee']],
    [{ filter: { AND: [{ EQ: { age: 36 } }, { EQ: { name: 'Cy' } }] } }, ['cy']],
    [{ filter: { OR: [{ EQ: { age: 41 } }, { EQ: { name: 'Cy' } }] } }, ['bob', 'cy']],
    [
      {
        filter: {
          OR: [{ EQ: { name: 'Dee' } }, { AND: [{ EQ: { age: 36 } }, { LT: { name: 'B' } }] }],
        },
      },
      ['ada', 'dee'],
    ],
    [{ filter: { NEQ: { constructor: 1 } } }, []],
  ])('%j finds %j', (query, expected) => {
    expect(keys(query)).toEqual(expected);
  });

  it('sorts by several keys, and puts what has none of them last', () => {
    const sort = [{ key: 'age', order: 'DESC' }, { key: 'name' }];
    const filter = { GTE: { name: '' } };
    expect(keys({ filter, sort: [{ key: 'age' }, { key: 'name', order: 'DESC' }] })).toEqual([
      'cy',
      'ada',
      'bob',
      'dee',
    ]);
    expect(keys({ filter, sort })).toEqual(['bob', 'ada', 'cy', 'dee']);
  });

  it('gives page after page, by its token, until one is empty', () => {
    const seen: string[][] = [];
    let token = '';
    do {
      const query = parseQuery(JSON.stringify({ page: { limit: 2, token } }));
      const page = runQuery(ITEMS, query);
      seen.push(page.items.map(({ key }) => key));
      token = page.token;
    } while (seen.at(-1)?.length !== 0);
    expect(seen).toEqual([['ada', 'bob'], ['cy', 'dee'], ['text'], []]);
  });

  it.each([
    ['{', 'JSON'],
    ['[]', 'Expected Object'],
    ['{"filter":{"EQ":{"a":1},"NEQ":{"a":1}}}', 'filter unit must have a single element'],
    ['{"filter":{"LIKE":{"a":1}}}', 'unsupported filter "LIKE"'],
    ['{"filter":{"constructor":{"a":1}}}', 'unsupported filter "constructor"'],
    ['{"filter":{"EQ":1}}', 'EQ filter must be a map'],
    ['{"filter":{"EQ":{"a":1,"b":2}}}', 'EQ filter must have a single element'],
    ['{"filter":{"IN":{"a":1}}}', 'IN filter value must be an array'],
    ['{"filter":{"AND":{"EQ":{"a":1}}}}', 'AND filter must be an array'],
    ['{"filter":{"OR":[{"EQ":{"a":1}}]}}', 'OR filter must hold two filters or more'],
    ['{"filter":{"OR":[1,2]}}', 'filter unit must be a map'],
    ['{"sort":[{"key":"a","order":"UP"}]}', 'sort.0.order'],
    ['{"page":{"limit":-1}}', 'page.limit'],
    ['{"page":{"token":"x"}}', 'not a token of this store'],
  ])('that is %s is refused: %s', (text, message) => {
    expect(() => parseQuery(text)).toThrow(message);
  });
});
