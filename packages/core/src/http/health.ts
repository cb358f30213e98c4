// Liveness and readiness, as probes ask for them.
import type { ServerResponse } from 'node:http';
import type { LifecycleState } from '../lifecycle.ts';

/** The paths of both probes. */
export const HEALTH_PATHS = ['/healthz', '/readyz'] as const;

/** What the probes tell of. */
export interface Health {
  readonly state: () => LifecycleState;
  /** Whether `/healthz` fails unless calls are taken, as a Dapr sidecar wants it. */
  readonly stopsWhenDraining: boolean;
  /** Asks the Dapr sidecar; `undefined` when none is needed. */
  readonly isSidecarReachable: (() => Promise<boolean>) | undefined;
}

/**
 * Answers a probe: `/healthz` is 200 as long as the process can answer, `/readyz` is 200 only while
 * it takes new calls, and can send them on.
 */
export function answerProbe(path: string, health: Health, response: ServerResponse): void {
  const state = health.state();
  const isRunning = state === 'running';
  if (path === '/healthz') {
    answer(response, isRunning || !health.stopsWhenDraining, { state });
  } else if (!isRunning || health.isSidecarReachable === undefined) {
    answer(response, isRunning, { state });
  } else {
    void answerWithSidecar(health.isSidecarReachable(), state, response);
  }
}

async function answerWithSidecar(
  asked: Promise<boolean>,
  state: LifecycleState,
  response: ServerResponse,
): Promise<void> {
  const isReachable = await asked;
  answer(response, isReachable, { state, sidecar: isReachable ? 'ok' : 'unreachable' });
}

function answer(response: ServerResponse, ok: boolean, details: object): void {
  const body = JSON.stringify({ status: ok ? 'ok' : 'unavailable', ...details });
  response.statusCode = ok ? 200 : 503;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
