// Many calls of one function: with their replies, or only for the load.
import { once } from 'node:events';
import { Agent } from 'node:http';
import { createConnection } from 'node:net';
import { call, type Reply } from '@ofn-test/system/call';

const CONNECTIONS = 16;

/** Posts `{"n":0}` to `{"n":count - 1}`, a few at a time. Resolves with the replies in that order. */
export async function callMany(url: string, count: number): Promise<Reply[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const headers = { 'content-type': 'application/json' };
  const numbers = Array.from({ length: count }, (_, n) => n);
  try {
    return await Promise.all(
      numbers.map((n) =>
        call(url, { method: 'POST', headers, body: JSON.stringify({ n }), agent }),
      ),
    );
  } finally {
    agent.destroy();
  }
}

/**
 * Asks for `/` so often, over a few connections; for answers without a body.
 *
 * @throws When an answer is not 200.
 */
export async function repeatCall(port: number, count: number): Promise<void> {
  let left = count;
  async function repeat(): Promise<void> {
    const socket = createConnection({ port, host: 'localhost' }).setEncoding('latin1');
    await once(socket, 'connect');
    try {
      while (left > 0) {
        left -= 1;
        socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
        let reply = '';
        while (!reply.endsWith('\r\n\r\n')) reply += String(await once(socket, 'data'));
        if (!reply.startsWith('HTTP/1.1 200')) throw new Error(`an answer was ${reply}`);
      }
    } finally {
      socket.destroy();
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, repeat));
}
