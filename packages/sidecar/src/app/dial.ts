// Waits until something listens at the app's port.
import { connect } from 'node:net';

const INTERVAL = 100;

/**
 * Resolves when the port takes a connection, or the signal aborts.
 *
 * @param onAbsent Called once, when nothing listens there yet.
 */
export async function dial(
  host: string,
  port: number,
  stop: AbortSignal,
  onAbsent: () => void,
): Promise<void> {
  for (let tries = 0; !stop.aborted && !(await answers(host, port)); tries++) {
    if (tries === 0) onAbsent();
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
