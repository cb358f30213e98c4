// Covers streams, over a socket: events as they are sent, uploads beyond the body limit, and clients
// that leave.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startExample } from './start-example.ts';

const folder = join(import.meta.dirname, 'streaming');

test('sends the events of a countdown, and ends', async () => {
  const { origin } = await startExample(folder);
  const response = await fetch(`${origin}/countdown?from=2`);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  expect(await response.text()).toBe('data: 2\n\ndata: 1\n\ndata: lift-off\n\n');
});

test('sends an event when it happens, though the countdown goes on', async () => {
  const { origin } = await startExample(folder);
  const client = new AbortController();
  const response = await fetch(`${origin}/countdown?from=1000000`, client);
  const first = await response.body?.getReader().read();
  expect(Buffer.from(first?.value ?? []).toString()).toMatch(/^data: 1000000\n\n/);
  client.abort();
});

test('stops counting when the client leaves', async () => {
  const example = await startExample(folder);
  const client = new AbortController();
  const response = await fetch(`${example.origin}/countdown?from=1000000`, client);
  const reader = response.body?.getReader();
  await reader?.read();
  client.abort();
  const line = await example.line(({ msg }) => msg === 'the client left');
  expect(line['count']).toBeGreaterThan(999_000);
  expect(await example.stop()).toBe(0);
});

test('counts and hashes an upload that is larger than the body limit', async () => {
  const { origin } = await startExample(folder);
  const chunk = new Uint8Array(1024 * 1024);
  const expected = createHash('sha256');
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent === 40 * chunk.length) {
        controller.close();
        return;
      }
      expected.update(chunk);
      sent += chunk.length;
      controller.enqueue(chunk);
    },
  });
  const request = { method: 'POST', body, duplex: 'half' } as RequestInit;
  const response = await fetch(`${origin}/upload`, request);
  expect(await response.json()).toEqual({
    bytes: 40 * chunk.length,
    sha256: expected.digest('hex'),
  });
});

// A client may end its side of the connection, or reset it; either way no more bytes will come.
test.each(['ends', 'resets'] as const)(
  'stops reading an upload when the client %s the connection, so that the process can stop',
  async (how) => {
    const example = await startExample(folder);
    const socket = connect(Number(new URL(example.origin).port), '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    const head = 'POST /upload HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n';
    socket.write(`${head}Content-Length: 100\r\n\r\n`);
    // The interim response says that the function has the request.
    await once(socket, 'data');
    await new Promise<void>((resolve) => {
      socket.write('begun', () => resolve());
    });
    if (how === 'ends') socket.end();
    else socket.resetAndDestroy();
    await example.line(({ msg }) => msg === 'the upload was cut off');
    expect(await example.stop()).toBe(0);
  },
  15_000,
);
