// createPlatform: paths become functions behind one interceptor, built, scaled from zero and reloaded.
import {
  createAutoscaler,
  createInterceptor,
  type Autoscaler,
  type Route,
  type ScaledRoute,
} from '@ofn/keda';
import { findSources, type Source } from './build/source.ts';
import { watchFolder } from './build/watch.ts';
import { PlatformError } from './errors.ts';
import { environmentOf } from './serving/revision.ts';
import { toLocalRoute } from './serving/route.ts';
import { createServedFunction, type ServedFunction } from './serving/served-function.ts';

/** What a platform is made from. */
export interface PlatformOptions {
  /** Function files, or folders with code. */
  readonly paths: readonly string[];
  /** Port of all functions; 0 picks a free one. Default 8080. */
  readonly port?: number;
  /** Whether functions are built anew when their code changes. Default true. */
  readonly watch?: boolean;
  /** Called with what happens. */
  readonly onEvent?: (event: PlatformEvent) => void;
}

/** Something that happened; times in milliseconds. */
export type PlatformEvent =
  | { readonly type: 'built'; readonly function: string; readonly duration: number }
  | { readonly type: 'build-failed'; readonly function: string; readonly message: string }
  | { readonly type: 'scaled'; readonly function: string; readonly replicas: number }
  | {
      readonly type: 'ready';
      readonly function: string;
      readonly instance: string;
      readonly after: number;
    }
  | {
      readonly type: 'crashed';
      readonly function: string;
      readonly instance: string;
      readonly how: string;
    }
  /** The new code did not start; the old one goes on serving. */
  | { readonly type: 'kept'; readonly function: string }
  | {
      readonly type: 'line';
      readonly function: string;
      readonly instance: string;
      readonly line: string;
    }
  | { readonly type: 'request'; readonly message: string };

/** A function of a platform. */
export interface FunctionInfo {
  readonly name: string;
  readonly namespace: string;
  /** Where it is served. */
  readonly urls: readonly string[];
  readonly instances: ReturnType<ServedFunction['instances']>;
}

/** A platform that runs. */
export interface Platform {
  readonly port: number;
  readonly functions: () => readonly FunctionInfo[];
  /** Lets requests in flight end, and then the processes. */
  readonly stop: () => Promise<void>;
}

/**
 * Creates a platform, and resolves when all functions have been built once and their port listens; they have
 * no process until their first request.
 *
 * @throws PlatformError `OFN_PLATFORM_SOURCE_INVALID`, `OFN_PLATFORM_FUNCTION_INVALID`; ResourceError for a
 *   Function file that is not valid; KedaError `OFN_KEDA_PORT_UNAVAILABLE`.
 * @example
 * const platform = await createPlatform({ paths: ['./hello'], port: 0 });
 * const response = await fetch(`http://localhost:${platform.port}/`);
 * await platform.stop();
 */
export async function createPlatform(options: PlatformOptions): Promise<Platform> {
  const { onEvent = () => {}, port = 8080, watch = true } = options;
  const sources = (await Promise.all(options.paths.map(findSources))).flat();
  assertNames(sources);
  const routes = sources.map((source) => toLocalRoute(source.function, sources.length === 1));
  // What no revision could be made of is said before anything runs.
  for (const source of sources) environmentOf(source);
  const broken = new Map<string, string>();
  const logged = (_: object, message: string): void => onEvent({ type: 'request', message });
  const interceptor = createInterceptor({
    routes: routes.map(({ route }) => route),
    port,
    adminPort: 0,
    settings: { logRequests: true },
    log: { info: logged, warn: logged, error: logged },
  });
  const setRoutes = (): void =>
    interceptor.setRoutes(
      routes.map(({ route }) => withPlaceholder(route, broken.get(keyOf(route)))),
    );

  const served = routes.map(({ route }, index) => {
    const source = sources[index] as Source;
    const key = keyOf(route);
    return createServedFunction(source, {
      onEndpoints: (addresses) => interceptor.setEndpoints(key, addresses),
      onBroken(message) {
        if (broken.get(key) === message) return;
        if (message === undefined) broken.delete(key);
        else broken.set(key, message);
        setRoutes();
      },
      onEvent,
    });
  });
  const { port: listening } = await interceptor.start();
  await Promise.all(served.map((each) => each.reload()));
  const scalers = served.map((each, index) => scale(each, routes[index] as ScaledRoute));
  const watchers = watch
    ? await Promise.all(
        served.map((each) => watchFolder(each.source.folder, () => void each.reload())),
      )
    : [];

  function scale(each: ServedFunction, { route, scaling }: ScaledRoute): Autoscaler {
    const key = keyOf(route);
    const autoscaler = createAutoscaler({
      counts: () => interceptor.counts()[key],
      onPending: (listener) => interceptor.onPending((pending) => pending === key && listener()),
      options: scaling,
      scale(replicas) {
        onEvent({ type: 'scaled', function: route.name, replicas });
        each.scale(replicas);
      },
    });
    autoscaler.start();
    return autoscaler;
  }

  return {
    port: listening,
    functions: () =>
      served.map((each, index) => {
        const { name, namespace } = (routes[index] as ScaledRoute).route;
        const hosts = [...(sources.length === 1 ? ['localhost'] : []), `${name}.localhost`];
        const urls = hosts.map((host) => `http://${host}:${listening}/`);
        return { name, namespace, urls, instances: each.instances() };
      }),
    async stop() {
      await Promise.all(watchers.map((watcher) => watcher.close()));
      await interceptor.stop({ skipDelay: true });
      for (const scaler of scalers) scaler.stop();
      await Promise.all(served.map((each) => each.stop()));
    },
  };
}

function keyOf({ name, namespace }: Pick<Route, 'name' | 'namespace'>): string {
  return `${namespace}/${name}`;
}

function assertNames(sources: readonly Source[]): void {
  const seen = new Map<string, string>();
  for (const { folder, function: given } of sources) {
    const { name, namespace = 'default' } = given.metadata;
    const key = `${namespace}/${name}`;
    const other = seen.get(key);
    if (other !== undefined) {
      const message = `there are two functions ${key}: in ${other} and in ${folder}; give one another name`;
      throw new PlatformError('OFN_PLATFORM_FUNCTION_INVALID', message);
    }
    seen.set(key, folder);
  }
}

// What cannot be built has nothing to wait for: its caller is told why.
function withPlaceholder(route: Route, message: string | undefined): Route {
  if (message === undefined) return route;
  const problem = {
    type: 'about:blank',
    title: 'The function cannot be built',
    status: 503,
    code: 'OFN_PLATFORM_BUILD_FAILED',
    detail: message,
  };
  const headers = { 'Content-Type': 'application/problem+json' };
  return { ...route, placeholder: { status: 503, headers, body: `${JSON.stringify(problem)}\n` } };
}
