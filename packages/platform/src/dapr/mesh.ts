// What functions have of Dapr here: a sidecar beside each instance, and the network that all of them share.
import type { InstanceSidecar } from '@ofn/keda';
import type { ComponentResource } from '@ofn/resources';
import type { ComponentInput, JournalEntry, Network, Sidecar } from '@ofn/sidecar';
import { PlatformError } from '../errors.ts';

/** An app: a function that uses Dapr. */
export interface App {
  readonly appId: string;
  readonly namespace: string;
  readonly protocol: 'http' | 'grpc';
  readonly components: readonly ComponentInput[];
  /** Those of its components that are defined here, as they are written. */
  readonly definitions: readonly ComponentResource[];
  /** Names of those that it only names. */
  readonly undefinedComponents: readonly string[];
  /** What it takes, as far as its Function says so. */
  readonly inputs: readonly Input[];
  /** Whether it may take more. */
  readonly takesEvents: boolean;
}

/** A topic, or a binding. */
export type Input =
  { readonly pubsub: string; readonly topic: string } | { readonly binding: string };

/** The sidecars of a platform. */
export interface Mesh {
  /**
   * Checks an app before anything of it runs.
   *
   * @throws PlatformError `OFN_PLATFORM_FUNCTION_INVALID` for one that can have no sidecar here.
   */
  readonly check: (app: App) => void;
  /** Whether it counts the events of an app, so that this can be scaled by them. */
  readonly countsEvents: boolean;
  /** Loads what it is made of, which takes long; needed before anything else, by those that use Dapr. */
  readonly open: () => Promise<void>;
  /** Keeps events for an app from now on, as brokers do for those that they know. */
  readonly expect: (app: App) => void;
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
   * Publishes an event from outside of all functions; resolves once it is taken.
   *
   * @param contentType Of the data; `application/cloudevents+json` for an event with its attributes.
   * @param metadata As Dapr's publish API takes it.
   * @throws SidecarError for a component that no function has.
   */
  readonly publish: (
    pubsub: string,
    topic: string,
    data: Buffer,
    contentType: string,
    metadata: Readonly<Record<string, string>>,
  ) => Promise<void>;
  /**
   * Hands an event to an input binding of an app: at once where it has an instance; otherwise it waits for one,
   * if something is to keep it.
   *
   * @returns What the app answered; `undefined` for an event that waits.
   * @throws SidecarError when there is no such binding, or the app did not take the event; PlatformError
   *   `OFN_PLATFORM_NO_INSTANCE` when there is nobody to take it, and nothing to keep it.
   */
  readonly trigger: (
    app: App,
    binding: string,
    data: Buffer,
    metadata: Readonly<Record<string, string>>,
  ) => Promise<Buffer | undefined>;
  /** Gives up what is kept for an app. */
  readonly forget: (appId: string) => void;
}

/** A sidecar beside an instance. */
interface Member {
  readonly sidecar: Sidecar;
  /** Resolves when its instance has ended, which may never have been ready. */
  readonly ended: Promise<void>;
}

interface Opened {
  readonly createSidecar: typeof import('@ofn/sidecar').createSidecar;
  readonly network: Network;
}

/**
 * Creates a mesh without sidecars.
 *
 * @param tell Called with what a person should know.
 * @param onEntry Called with what happened to an event.
 */
export function createMesh(
  tell: (appId: string, message: string) => void,
  onEntry: (entry: Omit<JournalEntry, 'time'>) => void = () => {},
): Mesh {
  const listeners = new Set<() => void>();
  let opened: Promise<Opened> | undefined;
  let network: Network | undefined;
  const sidecars = new Map<string, Set<Member>>();
  const known = new Set<string>();

  async function load(): Promise<Opened> {
    const { createNetwork, createSidecar } = await import('@ofn/sidecar');
    network = createNetwork({
      // Nobody reads it, and its entries have the data of the events.
      journalLimit: 0,
      onEntry(entry) {
        onEntry(entry);
        if (entry.outcome !== 'published') return;
        // It is on its way only after it was told of.
        queueMicrotask(() => {
          for (const listener of listeners) listener();
        });
      },
    });
    return { createSidecar, network };
  }

  function open(): Promise<Opened> {
    opened ??= load();
    return opened;
  }

  return {
    check() {},
    countsEvents: true,
    async open() {
      await open();
    },
    expect({ appId, inputs }) {
      for (const input of inputs) network?.expect(appId, input);
    },
    async join({ appId, components, protocol, takesEvents }, port) {
      const { createSidecar, network: shared } = await open();
      const sidecar = await createSidecar({
        network: shared,
        appId,
        components,
        emulate: true,
        // One that takes nothing is not asked what it takes.
        ...(takesEvents ? { appPort: port, appProtocol: protocol } : {}),
        // It ends after its app, and there is nothing to wait for then.
        gracefulShutdownSeconds: 0,
        log(message, level) {
          if (level === 'warn') tell(appId, message);
        },
        onShutdown() {},
      });
      const own = sidecars.get(appId) ?? new Set();
      let end = (): void => {};
      const ended = new Promise<void>((resolve) => (end = resolve));
      const member: Member = { sidecar, ended };
      sidecars.set(appId, own.add(member));
      const ready = sidecar.appReady().then(() => known.add(appId));
      ready.catch(() => {});
      return {
        ...(takesEvents ? { ready } : {}),
        env: {
          DAPR_HOST: '127.0.0.1',
          DAPR_SIDECAR_IP: '127.0.0.1',
          DAPR_HTTP_PORT: String(sidecar.httpPort),
          DAPR_GRPC_PORT: String(sidecar.grpcPort),
        },
        release() {
          // What is sent by hand from now on is not for one that ends.
          own.delete(member);
          sidecar.release();
        },
        async stop() {
          own.delete(member);
          end();
          await sidecar.stop();
        },
      };
    },
    load: (appId) => network?.load(appId) ?? 0,
    isKnown: (appId) => known.has(appId),
    onPublished(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async publish(pubsub, topic, data, contentType, metadata) {
      const { network: shared } = await open();
      await shared.publish(pubsub, topic, data, { contentType, metadata });
    },
    async trigger({ appId, inputs, takesEvents }, binding, data, metadata) {
      const found = [...(sidecars.get(appId) ?? [])].at(-1);
      // That of an app which takes nothing never finds it ready.
      if (found !== undefined && takesEvents) {
        const { ended, sidecar } = found;
        await Promise.race([sidecar.appReady(), ended]);
        return sidecar.trigger(binding, data, metadata);
      }
      if (!inputs.some((input) => 'binding' in input && input.binding === binding)) {
        const message = `${appId} has no instance that takes the binding ${binding}`;
        throw new PlatformError('OFN_PLATFORM_NO_INSTANCE', message);
      }
      network?.send(binding, data, metadata);
      return undefined;
    },
    forget(appId) {
      known.delete(appId);
      network?.forget(appId);
    },
  };
}
