// Covers a CommonJS function, in a process and in a test runtime.
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test } from 'vitest';
import { startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'hello-commonjs');

test('serves a module that requires the framework at every path', async () => {
  const { origin } = await startExample(folder);
  const response = await fetch(`${origin}/any/path?name=Ada`);
  expect(await response.text()).toBe('Hello, Ada!\n');
});

test('shares its registrations with a test runtime that was imported', async () => {
  const runtime = await createTestRuntime({ source: folder });
  onTestFinished(() => runtime.close());
  const response = await runtime.http('hello');
  expect(await response.text()).toBe('Hello, World!\n');
});
