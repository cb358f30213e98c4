// The health API: whether the sidecar is ready, and whether it takes calls already.
import type { ApiContext } from './context.ts';
import { appIdMismatch, notReady } from './fault.ts';
import { NO_CONTENT, type Route } from './http-route.ts';

export function healthRoutes({ engine, app }: ApiContext): readonly Route[] {
  return [
    {
      methods: ['GET'],
      pattern: /^\/v1\.0\/healthz$/,
      handle({ query }) {
        // Without an app there is none to wait for.
        if (!engine.ready && app.port !== undefined) throw notReady();
        const asked = query.get('appid');
        if (asked !== null && asked !== engine.appId) throw appIdMismatch();
        return NO_CONTENT;
      },
    },
    {
      // Answered from the first moment on: components are there before the API is.
      methods: ['GET'],
      pattern: /^\/v1\.0\/healthz\/outbound$/,
      handle: () => NO_CONTENT,
    },
  ];
}
