import dns from 'node:dns';
import { once } from 'node:events';
import { Socket, createServer, type AddressInfo, type Server } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { whyUnreachable } from './reachability.ts';

async function listen(): Promise<{ server: Server; url: URL }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { server, url: new URL(`http://127.0.0.1:${port}/v1/traces`) };
}

test('somebody listens: the connection ends at once, and nothing was sent', async () => {
  const { server, url } = await listen();
  const ended = once(server, 'connection').then(async ([socket]: Socket[]) => {
    const chunks: unknown[] = [];
    for await (const chunk of socket ?? []) chunks.push(chunk);
    return chunks;
  });
  await expect(whyUnreachable(url)).resolves.toBeUndefined();
  await expect(ended).resolves.toEqual([]);
});

test('nobody listens: the reason is that of the connection', async () => {
  const { server, url } = await listen();
  server.close();
  await once(server, 'close');
  await expect(whyUnreachable(url)).resolves.toMatchObject({ code: 'ECONNREFUSED' });
});

test('an IPv6 address is asked without its brackets', async () => {
  const error = await whyUnreachable(new URL('http://[::1]:1'));
  expect(error?.message).toContain('::1:1');
});

test.each([
  ['http://collector.test', 80],
  ['https://collector.test', 443],
])('%s is asked on port %d, and given up when nobody answers in time', async (url, port) => {
  const lookup = vi.spyOn(dns, 'lookup').mockImplementation(() => {});
  const connect = vi.spyOn(Socket.prototype, 'connect');
  onTestFinished(() => void vi.restoreAllMocks());
  const error = await whyUnreachable(new URL(url), 1);
  expect(error?.message).toBe('no connection within 1 ms');
  expect(connect.mock.lastCall).toEqual([
    expect.arrayContaining([expect.objectContaining({ host: 'collector.test', port })]),
  ]);
  expect(lookup).toHaveBeenCalledTimes(1);
});
