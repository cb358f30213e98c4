// Covers functions that share a process: paths, parameters, and what none of them takes.
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test } from 'vitest';

const folder = join(import.meta.dirname, 'several-functions');

async function runExample() {
  const runtime = await createTestRuntime({ source: folder });
  onTestFinished(() => runtime.close());
  return runtime;
}

test('serves two functions at one path, by method', async () => {
  const runtime = await runExample();
  const created = await runtime.request({ path: '/users', body: { name: 'Mary' } });
  expect(created.status).toBe(201);
  expect(created.headers.get('location')).toBe('/users/3');
  const listed = await runtime.request({ path: '/users' });
  expect(await listed.json()).toContainEqual({ id: '3', name: 'Mary' });
});

test('hands the parameter of the path to the function', async () => {
  const runtime = await runExample();
  const found = await runtime.request({ path: '/users/2' });
  expect(await found.json()).toEqual({ id: '2', name: 'Grace' });
  const missing = await runtime.request({ path: '/users/99' });
  expect(missing.status).toBe(404);
  expect(await missing.json()).toEqual({ error: 'there is no user 99' });
});

test('answers 405 with the methods of all functions at the path', async () => {
  const runtime = await runExample();
  const response = await runtime.request({ path: '/users', method: 'DELETE' });
  expect(response.status).toBe(405);
  expect(response.headers.get('allow')).toBe('GET, HEAD, POST');
  expect(await response.json()).toMatchObject({ code: 'OFN_METHOD_NOT_ALLOWED' });
});

test('answers 404 at any other path', async () => {
  const runtime = await runExample();
  const response = await runtime.request({ path: '/nothing' });
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({
    code: 'OFN_NOT_FOUND',
    detail: 'nothing is served at /nothing',
  });
});
