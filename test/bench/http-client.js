// One kept-alive connection that sends the same request, one at a time. Every response of a server has
// the same length, so counting bytes tells where one ends; a client that parsed HTTP would use as much
// CPU as the server, and leave it idle.
import { connect } from 'node:net';

const OK = Buffer.from('HTTP/1.1 200');

/** Connects to a server: `{port, request, responseLength}`. */
export function connectHttp({ port, request, responseLength }) {
  const bytes = Buffer.from(request, 'latin1');
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  let received = 0;
  let sentAt = 0;
  let waiting;

  socket.on('data', (chunk) => {
    if (received === 0 && !chunk.subarray(0, OK.length).equals(OK)) {
      waiting.reject(new Error(`not a 200: ${chunk.toString('latin1')}`));
      return;
    }
    received += chunk.length;
    if (received < responseLength) return;
    if (received === responseLength) waiting.resolve(performance.now() - sentAt);
    else waiting.reject(new Error(`a response longer than ${responseLength} bytes`));
  });
  socket.on('error', (error) => waiting.reject(error));
  socket.on('end', () => waiting.reject(new Error('the server closed a connection')));

  return {
    /** Resolves to the latency in milliseconds. */
    request() {
      if (socket.destroyed) return Promise.reject(new Error('the server closed a connection'));
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        received = 0;
        sentAt = performance.now();
        socket.write(bytes);
      });
    },
    close: () => socket.destroy(),
  };
}
