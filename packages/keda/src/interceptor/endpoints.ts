// The ready instances of each service, and the requests that wait for a first one.

/** Instances by service. A service is named `namespace/service`, or `namespace/service:port`. */
export interface Endpoints {
  /** Says which instances are ready now, as `host:port`; none when it is scaled to zero. */
  set(service: string, addresses: readonly string[]): void;
  isReady(service: EndpointKeys): boolean;
  /** Whether the instance at an address is ready. */
  has(service: EndpointKeys, address: string): boolean;
  /** The instance that the next connection goes to, in turns; `undefined` when none is ready. */
  next(service: EndpointKeys): string | undefined;
  /** Calls back when a first instance is ready. Returns what ends the wait. */
  wait(service: EndpointKeys, ready: () => void): () => void;
}

/** The two names of one port of a service; the longer one wins. */
export interface EndpointKeys {
  readonly service: string;
  readonly servicePort: string;
}

interface Instances {
  readonly addresses: readonly string[];
  turn: number;
}

/** Creates the registry, in which no instance is ready. */
export function createEndpoints(): Endpoints {
  const services = new Map<string, Instances>();
  const waiting = new Set<{ readonly keys: EndpointKeys; readonly ready: () => void }>();

  const find = ({ service, servicePort }: EndpointKeys): Instances | undefined =>
    services.get(servicePort) ?? services.get(service);

  return {
    set(service, addresses) {
      services.set(service, { addresses: [...addresses], turn: services.get(service)?.turn ?? 0 });
      if (addresses.length === 0) return;
      for (const waiter of waiting) {
        const { service: name, servicePort } = waiter.keys;
        if (service !== name && service !== servicePort) continue;
        waiting.delete(waiter);
        waiter.ready();
      }
    },
    isReady: (keys) => (find(keys)?.addresses.length ?? 0) > 0,
    has: (keys, address) => find(keys)?.addresses.includes(address) === true,
    next(keys) {
      const instances = find(keys);
      if (instances === undefined || instances.addresses.length === 0) return undefined;
      instances.turn = (instances.turn + 1) % instances.addresses.length;
      return instances.addresses[instances.turn];
    },
    wait(keys, ready) {
      const waiter = { keys, ready };
      waiting.add(waiter);
      return () => void waiting.delete(waiter);
    },
  };
}
