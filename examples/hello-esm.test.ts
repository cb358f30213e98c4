// Covers an exported function, and the test that the example shows.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { join } from 'node:path';
import { createTestRuntime } from '@ofn/core/testing';
import { expect, onTestFinished, test } from 'vitest';

const folder = join(import.meta.dirname, 'hello-esm');

test('serves the export that the target names', async () => {
  const runtime = await createTestRuntime({ source: folder });
  onTestFinished(() => runtime.close());
  const response = await runtime.http('hello', { path: '/?name=Ada' });
  expect(await response.text()).toBe('Hello, Ada!\n');
});

test('passes the tests that it shows', async () => {
  const args = ['--test', '--test-reporter=tap', 'hello.test.js'];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'] },
  });
  expect(stdout).toContain('# pass 2');
  expect(stdout).toContain('# fail 0');
});
