// Covers a function that is called by a cron binding, and described by the function context alone.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'cron-binding');

test.each(['http', 'grpc'] as const)('runs at each tick, delivered by %s', async (protocol) => {
  const example = await startExample(folder, protocol);
  await example.line(({ msg }) => msg === 'clean-up 2, by the input timer');
  expect(await example.stop()).toBe(0);
});

test('serves nothing but its binding and its probes', async () => {
  const { origin } = await startExample(folder);
  const paths = ['/every-2s', '/healthz', '/cleanUp', '/'];
  const statuses = await Promise.all(
    paths.map(async (path) => {
      const method = path === '/every-2s' ? 'POST' : 'GET';
      return (await fetch(`${origin}${path}`, { method })).status;
    }),
  );
  expect(statuses).toEqual([200, 200, 404, 404]);
});
