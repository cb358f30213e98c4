// The headers of a request: whether a program of this machine sends it, or a web page that was opened on
// it. A page can post to loopback, and can read the answers too, under a name of its own that it has
// pointed there (DNS rebinding).
import type { IncomingHttpHeaders } from 'node:http';

/** Whether an address or a host name, as it stands in a URL, is this machine alone. */
export function isLocal(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname);
}

/** Whether a page of another machine may have sent a request. */
export function isForeign({ host, origin }: IncomingHttpHeaders): boolean {
  const isElsewhere = (url: string): boolean =>
    !URL.canParse(url) || !isLocal(new URL(url).hostname);
  // Browsers always send a Host, and an Origin with all that changes something.
  return (
    (host !== undefined && isElsewhere(`http://${host}`)) ||
    (origin !== undefined && isElsewhere(origin))
  );
}
