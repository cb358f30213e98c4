// Waits until something listens at the app's port.
import { connect } from 'node:net';

const INTERVAL = 100;

/** Resolves when the port takes a connection, or the signal aborts. */
export async function dial(host: string, port: number, stop: AbortSignal): Promise<void> {
  while (!stop.aborted && !(await answers(host, port))) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, INTERVAL);
      stop.addEventListener('abort', done, { once: true });
    });
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
