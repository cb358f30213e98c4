// The admin server: probes and metrics on a port of their own, out of reach of the callers.
import { createServer, type Server } from 'node:http';
import { HEALTH_PATHS, answerProbe, type Health } from './health.ts';
import type { Metrics } from './metrics.ts';
import { splitUrl } from './request.ts';

/**
 * Creates the admin server: `/healthz`, `/readyz`, `/metrics`, `/queue`. It does not listen yet.
 *
 * @param queue What `/queue` answers, as KEDA's http-add-on asks for it; without it there is no such route.
 */
export function createAdminServer(metrics: Metrics, health: Health, queue?: () => unknown): Server {
  return createServer((request, response) => {
    const { path } = splitUrl(request.url ?? '/');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
    } else if ((HEALTH_PATHS as readonly string[]).includes(path)) {
      answerProbe(path, health, response);
    } else if (path === '/metrics') {
      metrics.render().then(
        (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    } else if (path === '/queue' && queue !== undefined) {
      const type = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      response.writeHead(200, type).end(JSON.stringify(queue()));
    } else {
      response.writeHead(404).end();
    }
  });
}
