import { expect, test } from 'vitest';
import { renderWaiting } from './display.ts';

const instance = (name: string) => ({
  apiVersion: 'platform.ofn/v1' as const,
  kind: 'Instance' as const,
  metadata: { name, namespace: 'default', creationTimestamp: '' },
  status: { state: 'stopping' as const, address: '' },
});

test('the end waits for requests, and then for processes', () => {
  const hello = { name: 'hello', requests: 2, instances: [instance('hello-1')] };
  const worker = { name: 'worker', requests: 0, instances: [instance('worker-1')] };
  expect(renderWaiting([hello, worker])).toBe(
    'waiting for requests in flight: 2 of hello; Ctrl-C again ends at once',
  );
  expect(renderWaiting([{ ...hello, requests: 0 }, worker])).toBe(
    'waiting for processes: hello-1, worker-1; Ctrl-C again ends at once',
  );
});
