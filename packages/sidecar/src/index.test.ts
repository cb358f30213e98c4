// The public surface: each name that the package exports, and no other.
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import * as sidecar from './index.ts';

test('exports these values', () => {
  expect(Object.keys(sidecar).toSorted()).toEqual([
    'SidecarError',
    'createNetwork',
    'createSidecar',
    'createVirtualClock',
  ]);
});

test('exports these types', async () => {
  const source = await readFile(new URL('index.ts', import.meta.url), 'utf8');
  const names = [...source.matchAll(/\btype (\w+)|export type \{([^}]*)\}/g)].flatMap(
    ([, single, list]) => single ?? (list ?? '').split(',').map((name) => name.trim()),
  );
  expect(names.filter((name) => name !== '').toSorted()).toEqual([
    'Clock',
    'Component',
    'ComponentInput',
    'Engine',
    'HealthCheck',
    'Journal',
    'JournalEntry',
    'JournalOutcome',
    'Network',
    'NetworkComponent',
    'NetworkOptions',
    'PublishOptions',
    'ResiliencySpec',
    'Sidecar',
    'SidecarOptions',
    'SubscriptionInfo',
    'SubscriptionSpec',
    'VirtualClock',
  ]);
});
