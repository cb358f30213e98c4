// Apps in a network, for tests: an app with its sidecar, which subscribes to topics of one pub/sub.
import { onTestFinished } from 'vitest';
import { createNetwork, type Network, type NetworkOptions } from './network.ts';
import {
  PUBSUB,
  startHttpApp,
  startSidecar,
  type App,
  type AppAnswer,
  type AppCall,
} from './sidecar.fixture.ts';
import type { Sidecar, SidecarOptions } from './sidecar.ts';

/** What an app answers to an event, by its data. */
export type OnEvent = (data: unknown, call: AppCall) => AppAnswer | Promise<AppAnswer>;

/** A network whose events of `pubsub` go one at a time to each sidecar. */
export function createTestNetwork(options: NetworkOptions = {}) {
  const network = createNetwork(options);
  return {
    network,
    publish: async (topic: string, ...data: readonly unknown[]): Promise<void> => {
      for (const one of data) await network.publish('pubsub', topic, one);
    },
    app: (topics: readonly string[], onEvent: OnEvent = () => ({ status: 200 })) =>
      startApp(topics, onEvent),
    sidecar: (appId: string, app: App, more: SidecarOptions = {}) =>
      startMember(network, appId, app, more),
  };
}

async function startApp(topics: readonly string[], onEvent: OnEvent): Promise<App> {
  const listed = topics.map((topic) => ({ pubsubname: 'pubsub', topic, route: `/${topic}` }));
  return startHttpApp(listed, (call) => {
    const isEvent = call.headers['content-type'] === 'application/cloudevents+json';
    return isEvent ? onEvent(dataOf(call), call) : { body: `${call.verb} ${call.path}` };
  });
}

async function startMember(
  network: Network,
  appId: string,
  app: App,
  more: SidecarOptions,
): Promise<Sidecar> {
  const sidecar = await startSidecar({
    network,
    appId,
    appPort: app.port,
    components: [{ ...PUBSUB, metadata: { concurrency: '1' } }],
    gracefulShutdownSeconds: 0,
    ...more,
  });
  await sidecar.appReady();
  return sidecar;
}

/** The data of the events that an app got at a path. */
export function eventsAt(app: App, path: string): unknown[] {
  return app.at(path).map(dataOf);
}

function dataOf({ body }: AppCall): unknown {
  return (JSON.parse(body) as { data: unknown }).data;
}

/** Answers that a test holds back. */
export function holdAnswers() {
  let open = (): void => undefined;
  const opened = new Promise<AppAnswer>((resolve) => {
    open = () => resolve({ status: 200 });
  });
  onTestFinished(() => open());
  return { held: () => opened, release: () => open() };
}
