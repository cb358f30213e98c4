// Covers a TypeScript function: it runs where Node.js strips types, else the remedy is named.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'hello-typescript');

const runsTypeScript = 'typescript' in process.features && process.features.typescript !== false;

async function greet(): Promise<string> {
  const { origin } = await startExample(folder);
  const response = await fetch(origin, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"Ada"}',
  });
  return response.text();
}

test('greets on a Node.js that strips types, and names the remedy on one that does not', async () => {
  const outcome = await greet().catch((error: unknown) => (error as Error).message);
  expect(outcome).toMatch(
    runsTypeScript
      ? /^Hello, Ada!\n$/
      : /exit code 1: functions-framework: OFN_TYPESCRIPT_UNSUPPORTED: .*use Node\.js 22\.18 or newer/,
  );
});
