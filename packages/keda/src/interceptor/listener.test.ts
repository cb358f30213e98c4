// What a port does with those that do not say, in time, what they want.
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createListener } from './listener.ts';

const HEADERS_WITHIN = 50;

async function startListener(hasHttp2: boolean): Promise<number> {
  const onRequest = vi.fn<() => void>();
  const listener = createListener({ onRequest, onUpgrade() {} }, hasHttp2, HEADERS_WITHIN);
  listener.server.listen(0, '127.0.0.1');
  await once(listener.server, 'listening');
  onTestFinished(() => {
    void listener.close();
    listener.destroy();
    expect(onRequest).not.toHaveBeenCalled();
  });
  return (listener.server.address() as AddressInfo).port;
}

/** Sends some bytes and no more; resolves with what came back once the connection is closed. */
async function sendAndWait(port: number, bytes: string): Promise<string> {
  const socket: Socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  socket.write(bytes);
  await once(socket, 'close');
  return received;
}

test.each([true, false])(
  'a head that does not come to its end is answered 408, with HTTP/2 beside it: %s',
  async (hasHttp2) => {
    const reply = await sendAndWait(await startListener(hasHttp2), 'GET / HTTP/1.1\r\nHost: x');
    expect(reply).toMatch(/^HTTP\/1\.1 408 /);
  },
);

test.each(['', 'P', 'PRI'])(
  'a connection that has said no more than %j is closed: it could still be either protocol',
  async (bytes) => {
    expect(await sendAndWait(await startListener(true), bytes)).toBe('');
  },
);
