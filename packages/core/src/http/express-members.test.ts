// The lists of Express's members: nothing that Express has may be missing from our classes.
import express from 'express';
import { describe, expect, it } from 'vitest';
import { REQUEST_MEMBERS, RESPONSE_MEMBERS, defineExpressMembers } from './express-members.ts';
import { FunctionRequest } from './request.ts';
import { FunctionResponse } from './response.ts';

describe.each([
  {
    kind: 'request',
    members: REQUEST_MEMBERS,
    implemented: ['get', 'header', 'path', 'query'],
    theirs: express.request as object,
    ours: FunctionRequest.prototype as object,
  },
  {
    kind: 'response',
    members: RESPONSE_MEMBERS,
    implemented: ['get', 'header', 'json', 'send', 'set', 'status'],
    theirs: express.response as object,
    ours: FunctionResponse.prototype as object,
  },
])("Express's $kind", ({ members, implemented, theirs, ours }) => {
  it('has exactly the members that are listed and those that are implemented', () => {
    const listed = [...members, ...implemented];
    expect(listed.toSorted()).toEqual(Object.getOwnPropertyNames(theirs).toSorted());
  });

  it('has each of them on our class', () => {
    const own = Object.getOwnPropertyNames(ours);
    expect([...members, ...implemented].filter((name) => !own.includes(name))).toEqual([]);
  });
});

describe('a member that is fetched', () => {
  it('becomes the definition of Express at the first use of any', () => {
    const prototype = {} as Record<string, unknown>;
    defineExpressMembers(prototype, 'response', ['links', 'vary']);
    const vary: unknown = Reflect.get(express.response, 'vary');
    expect(typeof Object.getOwnPropertyDescriptor(prototype, 'vary')?.get).toBe('function');
    expect(typeof prototype['links']).toBe('function');
    expect(Object.getOwnPropertyDescriptor(prototype, 'vary')?.value).toBe(vary);
  });

  it('can be replaced on one object without touching another', () => {
    const prototype = {} as Record<string, unknown>;
    defineExpressMembers(prototype, 'response', ['links']);
    const one = Object.create(prototype) as Record<string, unknown>;
    const other = Object.create(prototype) as Record<string, unknown>;
    one['links'] = 'mine';
    expect(one['links']).toBe('mine');
    expect(Object.keys(one)).toEqual(['links']);
    expect(typeof other['links']).toBe('function');
  });
});
