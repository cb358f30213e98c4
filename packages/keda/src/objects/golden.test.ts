// Each golden/<name>.json is a function; each golden/<name>.<form>.yaml what is made of it.
import { readFileSync, readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { toHttpScaledObject, toInterceptorRoute } from './build.ts';
import type { ScalingObject } from './objects.ts';
import { parseObjects } from './parse.ts';
import { renderObjects } from './render.ts';
import type { ScaledFunction } from './scaled-function.ts';

const FORMS: Readonly<Record<string, (given: ScaledFunction) => readonly ScalingObject[]>> = {
  '0.5': (given) => [toHttpScaledObject(given, { addOn: '0.5' })],
  current: (given) => [toHttpScaledObject(given, { addOn: 'current' })],
  route: (given) => {
    const { route, scaledObject } = toInterceptorRoute(given);
    return [route, scaledObject];
  },
};

const folder = new URL('golden/', import.meta.url);
const goldens = readdirSync(folder).flatMap((file): [string, string, string][] => {
  const [, name, form] = /^(\w+)\.(.+)\.yaml$/.exec(file) ?? [];
  return name === undefined || form === undefined ? [] : [[file, name, form]];
});

it.each(goldens)('makes %s', (file, name, form) => {
  const given = JSON.parse(read(`${name}.json`)) as ScaledFunction;
  const objects = FORMS[form]?.(given) ?? [];
  expect(renderObjects(objects)).toBe(read(file));
  expect(parseObjects(read(file)).objects).toEqual(objects);
});

it('has a golden file of each form', () => {
  expect([...new Set(goldens.map(([, , form]) => form))].toSorted()).toEqual(
    Object.keys(FORMS).toSorted(),
  );
});

function read(file: string): string {
  return readFileSync(new URL(file, folder), 'utf8');
}
