// What functions have of Dapr where it is real: a daprd beside each instance, with the components of its function.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '@ofn/keda';
import { PlatformError } from '../errors.ts';
import { startDaprd } from './daprd-process.ts';
import { checkResources, writeResources, type DaprdResources } from './daprd-resources.ts';
import type { App, Mesh } from './mesh.ts';

/** A daprd with its instance. */
interface Sidecar {
  readonly app: App;
  /** Of the instance. */
  readonly appPort: number;
  readonly httpPort: number;
  readonly running: Promise<void>;
  /** Resolves when its instance has ended, which may never have been ready. */
  readonly ended: Promise<void>;
}

/** What was written for an app. */
interface Written {
  readonly text: string;
  readonly resources: Promise<DaprdResources>;
}

const HOST = '127.0.0.1';

// Milliseconds that a broker, or a function, has to take an event sent by hand.
const EVENT_LIMIT = 60_000;

/**
 * Creates a mesh without sidecars.
 *
 * @param program The daprd.
 * @param directory In whose `.ofn` the components are written. Absolute; each daprd has it as its working directory.
 * @param tell Called with what a person should know.
 */
export function createDaprdMesh(
  program: string,
  directory: string,
  tell: (appId: string, message: string) => void,
): Mesh {
  const root = join(directory, '.ofn', 'dapr');
  const apps = new Map<string, App>();
  const sidecars = new Set<Sidecar>();
  const written = new Map<string, Written>();
  let opened: Promise<void> | undefined;

  async function clear(): Promise<void> {
    await rm(root, { recursive: true, force: true });
    await mkdir(root, { recursive: true, mode: 0o700 });
  }

  function open(): Promise<void> {
    opened ??= clear();
    return opened;
  }

  // Those of one app read the same files.
  function write({ appId, definitions }: App): Promise<DaprdResources> {
    const text = JSON.stringify(definitions);
    const before = written.get(appId);
    if (before?.text === text) return before.resources;
    // Leads nowhere but into a folder of its own.
    const folder = join(root, encodeURIComponent(appId).replace(/^\./, '%2E'));
    const resources = (before?.resources ?? Promise.resolve())
      .then(() => writeResources({ definitions }, folder, join(root, 'names.db')))
      .catch((error: unknown) => {
        written.delete(appId);
        throw error;
      });
    written.set(appId, { text, resources });
    return resources;
  }

  function sidecarFor(pubsub: string, topic: string): Sidecar {
    // The latest first: what is sent by hand is not for one that soon ends.
    const having = [...sidecars].toReversed().filter(({ app }) => hasComponent(app, pubsub));
    // A broker in the memory of a daprd is that of its own app.
    const taking = having.find(({ app }) =>
      app.inputs.some((input) => 'topic' in input && isTopic(input, pubsub, topic)),
    );
    const found = taking ?? having[0];
    if (found !== undefined) return found;
    if (![...apps.values()].some((app) => hasComponent(app, pubsub))) {
      throw failed(`no function has a component "${pubsub}"`);
    }
    const message = `no function with the component "${pubsub}" runs, and with daprd it is the sidecar of one that publishes`;
    throw new PlatformError('OFN_PLATFORM_NO_INSTANCE', message);
  }

  return {
    check: checkResources,
    countsEvents: false,
    open,
    expect(app) {
      apps.set(app.appId, app);
    },
    async join(app, appPort) {
      const { appId, namespace, protocol, takesEvents } = app;
      await open();
      const { components, configuration } = await write(app);
      const [httpPort, grpcPort] = await Promise.all([freePort(HOST), freePort(HOST)]);
      const flags = {
        'app-id': appId,
        ...(takesEvents
          ? { 'app-port': appPort, 'app-protocol': protocol, 'app-channel-address': HOST }
          : {}),
        'dapr-http-port': httpPort,
        'dapr-grpc-port': grpcPort,
        'dapr-listen-addresses': HOST,
        'dapr-internal-grpc-listen-address': HOST,
        // It ends after its app, and there is nothing to wait for then.
        'dapr-graceful-shutdown-seconds': 1,
        'resources-path': components,
        config: configuration,
        'enable-metrics': false,
        'log-as-json': true,
      };
      const daprd = await startDaprd({
        program,
        args: Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
        cwd: directory,
        env: { ...process.env, DAPR_HOST_IP: HOST, NAMESPACE: namespace },
        httpPort,
        onWarning: (message) => tell(appId, message),
      });
      let end = (): void => {};
      const ended = new Promise<void>((resolve) => (end = resolve));
      const sidecar = { app, appPort, httpPort, running: daprd.running, ended };
      sidecars.add(sidecar);
      return {
        ...(takesEvents ? { ready: daprd.running } : {}),
        env: {
          DAPR_HOST: HOST,
          DAPR_SIDECAR_IP: HOST,
          DAPR_HTTP_PORT: String(httpPort),
          DAPR_GRPC_PORT: String(grpcPort),
        },
        // It has no such thing: what comes until its app has ended is refused by that, and comes again.
        release() {
          sidecars.delete(sidecar);
        },
        async stop() {
          sidecars.delete(sidecar);
          end();
          await daprd.stop();
        },
      };
    },
    load: () => 0,
    isKnown: () => true,
    onPublished: () => () => {},
    async publish(pubsub, topic, data, contentType, metadata) {
      const { httpPort } = sidecarFor(pubsub, topic);
      const path = `publish/${encodeURIComponent(pubsub)}/${encodeURIComponent(topic)}`;
      const url = new URL(`http://${HOST}:${httpPort}/v1.0/${path}`);
      for (const [name, value] of Object.entries(metadata)) {
        url.searchParams.set(`metadata.${name}`, value);
      }
      const { DAPR_API_TOKEN: token } = process.env;
      const headers = { 'content-type': contentType, ...(token && { 'dapr-api-token': token }) };
      await post(url, data, headers, 'daprd');
    },
    async trigger({ appId, protocol }, binding, data, metadata) {
      const sidecar = [...sidecars].findLast(({ app }) => app.appId === appId);
      if (protocol !== 'http') {
        const message = `with daprd, events of a binding come from its system itself: send one there. Only a function that speaks HTTP (APP_PROTOCOL=http) can be called in the place of "${binding}"`;
        throw failed(message);
      }
      if (sidecar === undefined) {
        const message = `${appId} has no instance that takes the binding ${binding}`;
        throw new PlatformError('OFN_PLATFORM_NO_INSTANCE', message);
      }
      await Promise.race([sidecar.running, sidecar.ended]);
      const url = new URL(`http://${HOST}:${sidecar.appPort}/${routeOf(sidecar.app, binding)}`);
      const { APP_API_TOKEN: token } = process.env;
      const headers = {
        ...metadata,
        'content-type': 'application/json',
        ...(token && { 'dapr-api-token': token }),
      };
      return post(url, data, headers, appId);
    },
    forget(appId) {
      apps.delete(appId);
    },
  };
}

function hasComponent({ definitions }: App, name: string): boolean {
  return definitions.some(({ metadata }) => metadata.name === name);
}

function isTopic(
  input: { readonly pubsub: string; readonly topic: string },
  pubsub: string,
  topic: string,
): boolean {
  return input.pubsub === pubsub && input.topic === topic;
}

// As daprd finds it: by its own setting, or its name.
function routeOf({ definitions }: App, binding: string): string {
  const definition = definitions.find(({ metadata }) => metadata.name === binding);
  const route = definition?.spec.metadata.find(({ name }) => name === 'route')?.value;
  return typeof route === 'string' ? route.replace(/^\//, '') : encodeURIComponent(binding);
}

async function post(
  url: URL,
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  who: string,
): Promise<Buffer> {
  const signal = AbortSignal.timeout(EVENT_LIMIT);
  const response = await fetch(url, { method: 'POST', body, headers, signal });
  const reply = Buffer.from(await response.arrayBuffer());
  if (response.ok) return reply;
  throw failed(`${who} answered ${response.status}: ${reply.toString('utf8').slice(0, 1000)}`);
}

function failed(message: string): PlatformError {
  return new PlatformError('OFN_PLATFORM_EVENT_FAILED', message);
}
