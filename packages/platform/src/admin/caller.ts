// The headers of a request to the admin API: whether a program of this machine sends it, or a web page that
// was opened on it.
import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whether a page may have sent a request. One can post to loopback, and read the replies under a name of its own
 * that it has pointed there (DNS rebinding). Pages of functions are other origins too: their port is another.
 */
export function isForeign(
  { host, origin, 'sec-fetch-site': site }: IncomingHttpHeaders,
  port: number,
): boolean {
  const own = ['localhost', '127.0.0.1', '[::1]'].map((name) => `${name}:${port}`);
  if (host === undefined || !own.includes(host.toLowerCase())) return true;
  if (origin !== undefined && !own.some((each) => origin === `http://${each}`)) return true;
  // `none`: typed by a person.
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}
