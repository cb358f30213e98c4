// One port for two protocols: who gets a connection, and what becomes of one that does not speak.
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createSharedPort } from './shared-port.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

interface Taken {
  readonly protocol: 'http1' | 'http2';
  readonly socket: Socket;
}

/** A shared port whose connections are only kept, and clients of it. */
async function listen(timeout = 10_000) {
  const taken: Taken[] = [];
  let onTaken = (): void => {};
  const take = (protocol: Taken['protocol']) => (socket: Socket) => {
    taken.push({ protocol, socket });
    onTaken();
  };
  const port = createSharedPort({ http1: take('http1'), http2: take('http2'), timeout });
  const { server } = port;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const { socket } of taken) socket.destroy();
    port.closeUndecided();
    server.close();
  });
  const open = (): Socket => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    return socket.setNoDelay(true);
  };
  /** The next connection that is taken. */
  const next = (): Promise<Taken> =>
    new Promise((resolve) => {
      onTaken = () => resolve(taken.at(-1) as Taken);
    });
  return { ...port, taken, open, next };
}

/** What was unread on a socket when it was taken, and comes, up to a number of bytes. */
async function read(socket: Socket, length: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    if (Buffer.concat(chunks).length >= length) break;
  }
  return Buffer.concat(chunks).toString();
}

describe('a connection', () => {
  test.each([
    ['http2', PREFACE],
    ['http2', `${PREFACE}and frames`],
    ['http2', 'PRI '],
    ['http1', 'GET / HTTP/1.1\r\n\r\n'],
    ['http1', 'PROPFIND / HTTP/1.1\r\n\r\n'],
    ['http1', 'PRX'],
    ['http1', 'PRI / HTTP/1.1\r\n\r\n'],
    ['http1', 'X'],
    ['http1', '\0\xff'],
  ])('is %s when it begins with %j, of which no byte is lost', async (protocol, text) => {
    const { open, next } = await listen();
    const socket = open();
    const pending = next();
    socket.write(text);
    const found = await pending;
    expect(found.protocol).toBe(protocol);
    expect(await read(found.socket, Buffer.byteLength(text))).toBe(text);
  });

  test('is decided as soon as it can be, when it comes byte by byte', async () => {
    const { open, next, server, taken } = await listen();
    const socket = open();
    const [remote] = (await once(server, 'connection')) as [Socket];
    const pending = next();
    for (const [index, byte] of ['P', 'R', 'I'].entries()) {
      const arrived = once(remote, 'readable');
      socket.write(byte);
      await arrived;
      expect(taken).toHaveLength(0);
      expect(remote.bytesRead).toBe(index + 1);
    }
    socket.write(' ');
    const found = await pending;
    expect(found.protocol).toBe('http2');
    expect(await read(found.socket, 4)).toBe('PRI ');
  });

  test.each(['', 'PRI'])('that says %j and no more is closed after a time', async (text) => {
    const { open, taken } = await listen(30);
    const socket = open();
    socket.write(text);
    await once(socket, 'close');
    expect(taken).toEqual([]);
  });

  test('that was decided in time is not closed', async () => {
    const { open, next } = await listen(30);
    const socket = open();
    const pending = next();
    socket.write('G');
    const { socket: remote } = await pending;
    // A second one, opened later, is closed when the first would have been.
    await once(open(), 'close');
    expect(remote.destroyed).toBe(false);
  });

  test.each(['', 'PRI'])('that ends after %j is let go', async (text) => {
    const { open, server, taken } = await listen();
    const socket = open();
    const [remote] = (await once(server, 'connection')) as [Socket];
    socket.end(text);
    await once(remote, 'close');
    expect(taken).toEqual([]);
  });

  test('that is reset before it has spoken harms nothing', async () => {
    const { open, server, next } = await listen();
    const socket = open();
    const [remote] = (await once(server, 'connection')) as [Socket];
    const gone = new Promise((resolve) => remote.once('close', resolve));
    socket.write('PR');
    await once(remote, 'readable');
    socket.resetAndDestroy();
    await gone;
    const pending = next();
    open().write('G');
    expect((await pending).protocol).toBe('http1');
  });

  test('that has not spoken can be closed, and those that have stay', async () => {
    const port = await listen();
    const { open, next } = port;
    const pending = next();
    open().write('G');
    const { socket } = await pending;
    const silent = open();
    await once(silent, 'connect');
    port.closeUndecided();
    await once(silent, 'close');
    expect(socket.destroyed).toBe(false);
  });
});
