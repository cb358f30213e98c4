// The admin server: the counts that the scaler asks for, and the probes.
import { createServer, type Server } from 'node:http';
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
    if (!isLocal(request.headers.host) || request.headers.origin !== undefined) {
      response.writeHead(403, TEXT).end('this is for tools of this machine, not for web pages\n');
    } else if (path === '/queue') {
      response.writeHead(200, JSON_TYPE).end(JSON.stringify(profile.queue(counts())));
    } else if (path === '/readyz' && profile.hasAdminProbes) {
      response.writeHead(isReady() ? 200 : 503, TEXT).end();
    } else if (path === '/livez' && profile.hasAdminProbes) {
      response.writeHead(200, TEXT).end();
    } else {
      response.writeHead(404, TEXT).end('not found: there are /queue, /readyz and /livez\n');
    }
  });
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const JSON_TYPE = { 'content-type': 'application/json' };

// A page of a browser could have its own name point here; a tool uses an address, or localhost.
function isLocal(host = ''): boolean {
  const name = host.replace(/:\d*$/, '');
  return name === 'localhost' || /^\d+\.\d+\.\d+\.\d+$/.test(name) || name.startsWith('[');
}
