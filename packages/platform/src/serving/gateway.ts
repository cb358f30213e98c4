// The one port of all functions: the interceptor, and what scales each function behind it.
import { createAutoscaler, createInterceptor, type Autoscaler, type ScaledRoute } from '@ofn/keda';
import type { Trouble } from '../function/trouble.ts';
import type { PlatformEvent } from '../platform-event.ts';
import { withTrouble } from './route.ts';

/** The place of a function behind the gateway. */
export interface Entrance {
  /** Which requests are for the function, and how it is scaled; `undefined` for one without HTTP. */
  readonly setRoute: (scaled: ScaledRoute | undefined) => void;
  /** The addresses that requests go to; none while they are held. */
  readonly setEndpoints: (addresses: readonly string[]) => void;
  readonly setTrouble: (trouble: Trouble | undefined) => void;
  /** How many requests wait for it, or are in flight. */
  readonly requests: () => number;
  readonly close: () => void;
}

/** What an entrance scales. */
interface Scaled {
  /** How many replicas there are to be now. */
  readonly replicas: () => number;
  /** Called with the number of replicas that the requests take. */
  readonly scale: (replicas: number) => void;
}

/** The gateway of a platform. */
export interface Gateway {
  /**
   * Listens.
   *
   * @returns The port.
   * @throws KedaError `OFN_KEDA_PORT_UNAVAILABLE`.
   */
  readonly start: () => Promise<number>;
  /**
   * Makes the entrance of a function, whose requests are refused until it has a route.
   *
   * @param key `namespace/name`, as in its route.
   */
  readonly add: (key: string, scaled: Scaled) => Entrance;
  /** Resolves when no request is under way to an address. */
  readonly idle: (address: string) => Promise<void>;
  /** Lets requests in flight end. */
  readonly stop: () => Promise<void>;
}

interface Place {
  scaled: ScaledRoute | undefined;
  trouble: Trouble | undefined;
  autoscaler: Autoscaler | undefined;
}

/**
 * Creates a gateway; nothing listens yet.
 *
 * @param drainTimeout Milliseconds that requests in flight get to end when it stops.
 */
export function createGateway(
  port: number,
  drainTimeout: number,
  onEvent: (event: PlatformEvent) => void,
): Gateway {
  const places = new Map<string, Place>();
  const warn = (_: object, message: string): void => onEvent({ type: 'warning', message });
  const interceptor = createInterceptor({
    routes: [],
    port,
    adminPort: 0,
    settings: { logRequests: true, drainTimeout },
    startTraces: true,
    log: {
      info: (fields) => onEvent({ type: 'request', ...(fields as RequestFields) }),
      warn,
      error: warn,
    },
  });

  function setRoutes(): void {
    interceptor.setRoutes(
      [...places.values()].flatMap(({ scaled, trouble }) =>
        scaled === undefined ? [] : [withTrouble(scaled.route, trouble)],
      ),
    );
  }

  return {
    async start() {
      const listening = await interceptor.start();
      return listening.port;
    },
    add(key, { replicas, scale }) {
      const place: Place = { scaled: undefined, trouble: undefined, autoscaler: undefined };
      places.set(key, place);
      return {
        setRoute(scaled) {
          const isSame = JSON.stringify(scaled?.scaling) === JSON.stringify(place.scaled?.scaling);
          place.scaled = scaled;
          setRoutes();
          if (isSame) return;
          place.autoscaler?.stop();
          place.autoscaler = undefined;
          if (scaled === undefined) return;
          place.autoscaler = createAutoscaler({
            counts: () => interceptor.counts()[key],
            onPending: (listener) =>
              interceptor.onPending((pending) => pending === key && listener()),
            options: scaled.scaling,
            replicas: replicas(),
            scale,
          });
          place.autoscaler.start();
        },
        setEndpoints: (addresses) => interceptor.setEndpoints(key, addresses),
        setTrouble(trouble) {
          place.trouble = trouble;
          setRoutes();
        },
        requests: () => interceptor.counts()[key]?.concurrency ?? 0,
        close() {
          place.autoscaler?.stop();
          places.delete(key);
          interceptor.setEndpoints(key, []);
          setRoutes();
        },
      };
    },
    idle: (address) => interceptor.idle(address),
    async stop() {
      await interceptor.stop({ skipDelay: true });
      for (const { autoscaler } of places.values()) autoscaler?.stop();
    },
  };
}

type RequestFields = Omit<Extract<PlatformEvent, { readonly type: 'request' }>, 'type'>;
