// The admin server: the counts that the scaler asks for, and the probes.
import { STATUS_CODES, createServer, type Server } from 'node:http';
import type { Profile } from '../profile.ts';
import type { Counts } from './counts.ts';

/** What the admin server tells of. */
interface AdminSettings {
  readonly profile: Profile;
  readonly counts: () => Counts;
  /** Whether new requests are still wanted. */
  readonly isReady: () => boolean;
}

/** Creates the admin server. It does not listen yet. */
export function createAdminServer({ counts, isReady, profile }: AdminSettings): Server {
  return createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    const { host = '', origin } = request.headers;
    const send = (status: number, body: string, type = PLAIN): void => {
      response.writeHead(status, {
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(body),
      });
      response.end(body);
    };
    if (!isLoopback(host) || (origin !== undefined && origin !== `http://${host}`)) {
      send(403, 'this is for tools of this machine, not for web pages\n');
    } else if (path === '/queue') {
      send(200, JSON.stringify(profile.queue(counts())), profile.queueType);
    } else if (path === '/readyz' && profile.hasAdminProbes) {
      const status = isReady() ? 200 : 503;
      send(status, STATUS_CODES[status] ?? '');
    } else if (path === '/livez' && profile.hasAdminProbes) send(200, '');
    else send(404, '404 page not found\n');
  });
}

const PLAIN = 'text/plain; charset=utf-8';

// A page of a browser could have a name of its own point here.
function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(host);
}
