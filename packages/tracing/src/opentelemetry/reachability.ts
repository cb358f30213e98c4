// A URL → why nobody listens at its host and port, if so.
import { connect } from 'node:net';

/**
 * Connects, and ends the connection at once.
 *
 * @param limit Milliseconds in which somebody must accept the connection.
 * @returns What the connection failed with; `undefined` when there was one.
 */
export function whyUnreachable(
  { protocol, hostname, port }: URL,
  limit = 1000,
): Promise<Error | undefined> {
  const late = AbortSignal.timeout(limit);
  return new Promise((resolve) => {
    const socket = connect({
      // An IPv6 address is in brackets there.
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
      signal: late,
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => {
      resolve(late.aborted ? new Error(`no connection within ${limit} ms`) : error);
    });
  });
}
