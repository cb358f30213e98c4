// Starts @ofn/sidecar in this process; its bindings call the app when they are told to.
import { createSidecar } from '@ofn/sidecar';
import {
  PUBSUB,
  resiliencyOf,
  STORE,
  type SidecarSetup,
  type StartedSidecar,
} from './sidecar-process.ts';

/** Starts our own sidecar; resolves when it has found the app. */
export async function startOwnSidecar(setup: SidecarSetup): Promise<StartedSidecar> {
  const { appPort, protocol, bindings, httpPort = 0, appApiToken } = setup;
  const sidecar = await createSidecar({
    appPort,
    appProtocol: protocol,
    httpPort,
    ...(appApiToken === undefined ? {} : { appApiToken }),
    components: [
      { name: PUBSUB, type: 'pubsub.in-memory' },
      { name: STORE, type: 'state.in-memory' },
      ...bindings.map((name) => ({
        name,
        type: 'bindings.cron',
        metadata: { schedule: '@every 24h', direction: 'input' },
      })),
    ],
    resiliency: resiliencyOf(setup),
    gracefulShutdownSeconds: 0.1,
  });
  await sidecar.appReady();
  let ticks = 0;
  return {
    httpPort: sidecar.httpPort,
    journal: sidecar.journal,
    trigger(binding) {
      // It rejects when the app does not take the event, which is what the journal is asked for.
      sidecar.trigger(binding, undefined, { readTimeUTC: `tick ${ticks++}` }).catch(() => {});
    },
    idle: () => sidecar.idle(),
    stop: () => sidecar.stop(),
  };
}
