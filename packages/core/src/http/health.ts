// Liveness and readiness, as probes ask for them.
import type { ServerResponse } from 'node:http';
import type { LifecycleState } from '../lifecycle.ts';

/** The paths of both probes. */
export const HEALTH_PATHS = ['/healthz', '/readyz'] as const;

/**
 * Answers a probe: `/healthz` is 200 as long as the process can answer, `/readyz` is 200 only while
 * it takes new calls.
 */
export function answerProbe(path: string, state: LifecycleState, response: ServerResponse): void {
  const ok = path === '/healthz' || state === 'running';
  const body = JSON.stringify({ status: ok ? 'ok' : 'unavailable', state });
  response.statusCode = ok ? 200 : 503;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
