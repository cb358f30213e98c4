// Covers a counter in a state store: visits at the same time, and pages apart.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'state-counter');

async function visit(origin: string, page: string): Promise<unknown> {
  const response = await fetch(`${origin}/visits/${page}`, { method: 'POST' });
  return ((await response.json()) as { visits: unknown }).visits;
}

test('counts each of the visits that come at the same time', async () => {
  const { origin } = await startExample(folder);
  const counts = await Promise.all(Array.from({ length: 20 }, () => visit(origin, 'home')));
  expect(counts.toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});

test('counts pages apart, whatever is in their names', async () => {
  const { origin } = await startExample(folder);
  expect(await visit(origin, 'home')).toBe(1);
  expect(await visit(origin, 'a%2Fb%20c%3F')).toBe(1);
  const response = await fetch(`${origin}/visits/never`);
  expect(await response.json()).toEqual({ page: 'never', visits: 0 });
});
