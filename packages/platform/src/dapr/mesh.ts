// What functions have of Dapr here: a sidecar beside each instance, and the network that all of them share.
import type { InstanceSidecar } from '@ofn/keda';
import { createNetwork, createSidecar, type ComponentInput, type Sidecar } from '@ofn/sidecar';

/** An app: a function that uses Dapr. */
export interface App {
  readonly appId: string;
  readonly protocol: 'http' | 'grpc';
  readonly components: readonly ComponentInput[];
}

/** The sidecars of a platform. */
export interface Mesh {
  /**
   * Starts a sidecar.
   *
   * @param port Where its instance will listen.
   */
  readonly join: (app: App, port: number) => Promise<InstanceSidecar>;
  /** How many events wait for an app, or are with one of its instances. */
  readonly load: (appId: string) => number;
  /** Whether it is known what the app takes: an instance of it has told. */
  readonly isKnown: (appId: string) => boolean;
  /** Calls back when an event has been published. Returns what ends that. */
  readonly onPublished: (listener: () => void) => () => void;
  /**
   * Publishes an event from outside of all functions.
   *
   * @throws SidecarError for a component that no function has.
   */
  readonly publish: (
    pubsub: string,
    topic: string,
    data: Buffer,
    contentType: string,
  ) => Promise<void>;
  /**
   * Hands an event to an input binding of an app that has an instance.
   *
   * @returns What the app answered; `undefined` when it has no instance.
   * @throws SidecarError when there is no such binding, or the app did not take the event.
   */
  readonly trigger: (
    appId: string,
    binding: string,
    data: Buffer,
    metadata: Readonly<Record<string, string>>,
  ) => Promise<Buffer | undefined>;
  /** Gives up what is kept for an app. */
  readonly forget: (appId: string) => void;
}

/**
 * Creates a mesh without sidecars.
 *
 * @param tell Called with what a person should know.
 */
export function createMesh(tell: (appId: string, message: string) => void): Mesh {
  const listeners = new Set<() => void>();
  const network = createNetwork({
    onEntry({ outcome }) {
      if (outcome === 'published') for (const listener of listeners) listener();
    },
  });
  const sidecars = new Map<string, Set<Sidecar>>();
  const known = new Set<string>();

  return {
    async join({ appId, components, protocol }, port) {
      const sidecar = await createSidecar({
        network,
        appId,
        components,
        emulate: true,
        appPort: port,
        appProtocol: protocol,
        // It ends after its app, and there is nothing to wait for then.
        gracefulShutdownSeconds: 0,
        log(message, level) {
          if (level === 'warn') tell(appId, message);
        },
        onShutdown() {},
      });
      const own = sidecars.get(appId) ?? new Set();
      sidecars.set(appId, own.add(sidecar));
      sidecar.appReady().then(
        () => known.add(appId),
        () => {},
      );
      return {
        env: {
          DAPR_HOST: '127.0.0.1',
          DAPR_SIDECAR_IP: '127.0.0.1',
          DAPR_HTTP_PORT: String(sidecar.httpPort),
          DAPR_GRPC_PORT: String(sidecar.grpcPort),
        },
        release: () => sidecar.release(),
        async stop() {
          own.delete(sidecar);
          await sidecar.stop();
        },
      };
    },
    load: (appId) => network.load(appId),
    isKnown: (appId) => known.has(appId),
    onPublished(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    publish: (pubsub, topic, data, contentType) =>
      network.publish(pubsub, topic, data, { contentType }),
    async trigger(appId, binding, data, metadata) {
      const [sidecar] = sidecars.get(appId) ?? [];
      if (sidecar === undefined) return undefined;
      await sidecar.appReady();
      return sidecar.trigger(binding, data, metadata);
    },
    forget(appId) {
      known.delete(appId);
      network.forget(appId);
    },
  };
}
