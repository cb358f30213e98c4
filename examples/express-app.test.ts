// Covers an Express app as the target: its own middleware, router, parser and 404.
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'express-app');

async function runExample() {
  const runtime = await createTestRuntime({ source: folder });
  onTestFinished(() => runtime.close());
  return runtime;
}

test('goes through the middleware and the router of the app', async () => {
  const runtime = await runExample();
  const response = await runtime.http('app', { path: '/greetings/Ada' });
  expect(response.headers.get('x-greeter')).toBe('express');
  expect(await response.text()).toBe('Hello, Ada!\n');
});

test('gets along with a body parser of the app', async () => {
  const runtime = await runExample();
  const response = await runtime.http('app', { path: '/greetings', body: { name: 'Ada' } });
  expect(response.status).toBe(201);
  expect(await response.json()).toEqual({ greeting: 'Hello, Ada!' });
});

test('leaves a path that the app does not know to the app', async () => {
  const runtime = await runExample();
  const response = await runtime.http('app', { path: '/nothing' });
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('Cannot GET /nothing');
});

test('serves one request after the other', async () => {
  const example = await startExample(folder);
  for (const name of ['Ada', 'Grace']) {
    const response = await fetch(`${example.origin}/greetings/${name}`);
    expect(await response.text()).toBe(`Hello, ${name}!\n`);
  }
  expect(await example.stop()).toBe(0);
});
