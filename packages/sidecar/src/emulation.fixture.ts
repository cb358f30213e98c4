// Apps whose components are of systems that are not here, for tests: a sender, and inputs of a queue.
import type { Network } from './network.ts';
import {
  startHttpApp,
  startSidecar,
  type App,
  type AppAnswer,
  type AppCall,
} from './sidecar.fixture.ts';
import type { Sidecar, SidecarOptions } from './sidecar.ts';

/** The component that most of them have. */
export const KAFKA = {
  name: 'orders',
  type: 'bindings.kafka',
  metadata: { brokers: 'kafka:9092', authType: 'none' },
};

/** An app that takes every binding, and answers its events. */
export function startInput(
  onEvent: (call: AppCall) => AppAnswer | undefined = () => ({ status: 200 }),
): Promise<App> {
  return startHttpApp([], (call) => (call.verb === 'OPTIONS' ? { status: 200 } : onEvent(call)));
}

/** A sidecar of a network that emulates, and is stopped without grace. */
export async function startEmulated(
  network: Network,
  appId: string,
  app: App | undefined,
  more: SidecarOptions = {},
): Promise<Sidecar> {
  const sidecar = await startSidecar({
    network,
    appId,
    components: [KAFKA],
    emulate: true,
    gracefulShutdownSeconds: 0,
    ...(app === undefined ? {} : { appPort: app.port }),
    ...more,
  });
  if (app !== undefined) await sidecar.appReady();
  return sidecar;
}

/** Calls the output of the sidecar's component as an app does. */
export function send(
  { httpPort }: Sidecar,
  data: unknown,
  more: object = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`http://127.0.0.1:${httpPort}/v1.0/bindings/orders`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ operation: 'create', data, ...more }),
  });
}

/** The events of a binding that an app got. */
export function posted(app: App, path = '/orders'): unknown[] {
  return app
    .at(path)
    .filter(({ verb }) => verb === 'POST')
    .map(({ body }) => JSON.parse(body) as unknown);
}
