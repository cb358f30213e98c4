// A TCP connection that sends what it is told, byte for byte, and keeps what comes back.
import { once } from 'node:events';
import { createConnection } from 'node:net';

/** A connection to a server. */
export interface Connection {
  /** All that has come back. */
  readonly received: string;
  readonly send: (text: string | Uint8Array) => void;
  /** Resolves with all that has come back, once it matches; rejects when the server closes before. */
  readonly until: (pattern: RegExp) => Promise<string>;
  /** Resolves with all that has come back, once the server has closed. */
  readonly closed: Promise<string>;
  readonly destroy: () => void;
}

/** Connects to a port of this machine. */
export async function connect(port: number): Promise<Connection> {
  const socket = createConnection({ port, host: 'localhost' });
  await once(socket, 'connect');
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => (received += text));
  // A reset is a way of closing; what had come before it is what counts.
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(received)));

  function until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(received)) return;
        socket.removeListener('data', look);
        resolve(received);
      };
      socket.on('data', look);
      look();
      void closed.then(() => reject(new Error(`closed, having sent:\n${received}`)));
    });
  }

  return {
    get received() {
      return received;
    },
    send: (text) => void socket.write(text),
    until,
    closed,
    destroy: () => socket.destroy(),
  };
}
