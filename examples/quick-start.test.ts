// Covers the quick start, as a process: what it prints, its three functions, and its stop.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'quick-start');

test('prints a URL to try for each function', async () => {
  const example = await startExample(folder);
  const { port } = new URL(example.origin);
  await example.line(({ msg }) => msg.startsWith('serving greet'));
  expect(example.lines.map(({ msg }) => msg)).toEqual([
    `serving hello at http://localhost:${port}/hello`,
    `serving onOrder at http://localhost:${port}/orders`,
    `serving greet at http://localhost:${port}/greet`,
  ]);
});

test('greets the name of the query, as text that a browser does not run', async () => {
  const { origin } = await startExample(folder);
  const response = await fetch(`${origin}/hello?name=<b>Ada</b>`);
  expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(await response.text()).toBe('Hello, <b>Ada</b>!\n');
});

test('answers an order in structured mode with an event in structured mode', async () => {
  const { origin } = await startExample(folder);
  const response = await fetch(`${origin}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({
      specversion: '1.0',
      id: '7',
      source: '/shop',
      type: 'order.placed',
      data: { item: 'tea', price: 3, quantity: 2 },
    }),
  });
  expect(response.headers.get('content-type')).toContain('application/cloudevents+json');
  expect(await response.json()).toMatchObject({ type: 'order.priced', data: { total: 6 } });
});

test('logs the data of a greeting under the name of the function, and exits 0', async () => {
  const example = await startExample(folder);
  const response = await fetch(`${example.origin}/greet`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"Ada"}',
  });
  expect(await response.json()).toEqual({ greeting: 'Hello, Ada!', method: 'PUT' });
  const line = await example.line(({ msg }) => msg === 'greeting');
  expect(line).toMatchObject({ function: 'greet', data: { name: 'Ada' } });
  expect(await example.stop()).toBe(0);
});
