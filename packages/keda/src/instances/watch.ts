// Services that others run: their addresses are probed, and those that are ready told.
import { parseAddress } from '../interceptor/dial.ts';
import { isReady } from './probe.ts';

// Milliseconds between two probes.
const EVERY = 200;

/**
 * Watches the addresses of services.
 *
 * @param changed Called with the ready addresses of a service, first and whenever they change.
 * @returns What ends it.
 */
export function watchBackends(
  backends: ReadonlyMap<string, readonly string[]>,
  path: string | undefined,
  changed: (service: string, addresses: readonly string[]) => void,
): { stop(): void } {
  const told = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function look(): Promise<void> {
    for (const [service, addresses] of backends) {
      const states = await Promise.all(
        addresses.map((address) => {
          const { host, port } = parseAddress(address);
          return isReady(host, port, path);
        }),
      );
      const ready = addresses.filter((_, index) => states[index]);
      if (isStopped || told.get(service) === ready.join()) continue;
      told.set(service, ready.join());
      changed(service, ready);
    }
    if (!isStopped) timer = setTimeout(() => void look(), EVERY);
  }

  if (backends.size > 0) void look();
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
