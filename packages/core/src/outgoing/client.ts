// The address of a sidecar as requests to it, and as Dapr's SDK client for all that has no name in the
// framework: with a deadline, and without its silences. The SDK is CommonJS, and loaded by its first use.
import { createRequire } from 'node:module';
import type * as Dapr from '@dapr/dapr';
import type { DaprClient } from '@dapr/dapr';
import type { Logger } from '../logger.ts';
import type { SidecarAddress } from './sidecar-address.ts';
import { toBody, type FetchInit, type SidecarReply } from './sidecar-exchange.ts';
import { parseObject, renderSidecarFailure, toSidecarFailure } from './sidecar-failure.ts';
import { createSidecarFetch, type SidecarFetch } from './sidecar-fetch.ts';
import { exitThrough } from './exit.ts';
import { toSidecarTarget } from './sidecar-target.ts';

/** The sidecar, as outputs and states use it. */
export interface SidecarClient {
  /** The SDK's client. The first use loads the SDK, which takes about 300 ms and 50 MB. */
  readonly dapr: DaprClient;
  /**
   * One request. Outputs and states are made of these: each method of the SDK loses something of what
   * goes over the wire (etags, metadata of bindings, data such as 0 and "", its type), and to load it
   * would double the start of a function.
   *
   * @param path Below the base URL, such as `/v1.0/state/orders`.
   * @throws OfnError `OFN_SIDECAR_UNAVAILABLE`, `OFN_SIDECAR_TIMEOUT`.
   */
  request(path: string, init: FetchInit): Promise<SidecarReply>;
  /** Opens a connection ahead of the first request. Does not fail. */
  connect(): void;
  close(): void;
}

/** What a sidecar client is made from. */
export interface SidecarClientSettings {
  readonly sidecar: SidecarAddress;
  /** Milliseconds each call may take. */
  readonly timeout: number;
  readonly log: Logger;
}

/** Makes the client of one sidecar. Nothing is loaded and no connection is made yet. */
export function createSidecarClient(settings: SidecarClientSettings): SidecarClient {
  const fetch = createSidecarFetch(settings.sidecar, settings.timeout);
  let dapr: DaprClient | undefined;
  return {
    get dapr() {
      return (dapr ??= loadClient(settings, toTracedFetch(fetch)));
    },
    request: fetch,
    connect: () => fetch.connect(),
    close: () => fetch.close(),
  };
}

function loadClient({ sidecar, log }: SidecarClientSettings, fetch: Fetch): DaprClient {
  const sdk = createRequire(import.meta.url)('@dapr/dapr') as typeof Dapr;
  const url = new URL(sidecar.http);
  const isHttps = url.protocol === 'https:';
  const dapr = new sdk.DaprClient({
    daprHost: `${url.protocol}//${url.hostname}`,
    daprPort: url.port === '' ? (isHttps ? '443' : '80') : url.port,
    communicationProtocol: sdk.CommunicationProtocolEnum.HTTP,
    ...(sidecar.apiToken === undefined ? {} : { daprApiToken: sidecar.apiToken }),
    logger: { level: sdk.LogLevel.Warn, service: toSdkLogger(log) },
  });
  const client = dapr.daprClient;

  // Every request of the SDK asks for this function. Its own would first poll /metadata, for up to
  // 30 s, has no deadline, and uses agents that any client of the process destroys when it stops.
  client.getClient = () => Promise.resolve(toSdkFetch(fetch));
  client.start = () => Promise.resolve();
  // Its own destroys the agents that all clients of the SDK share.
  client.stop = () => Promise.resolve();
  client.setIsInitialized(true);

  // These three would resolve to `{ error }`.
  dapr.pubsub.publish = rejecting(dapr.pubsub.publish.bind(dapr.pubsub));
  dapr.state.save = rejecting(dapr.state.save.bind(dapr.state));
  dapr.state.delete = rejecting(dapr.state.delete.bind(dapr.state));

  // The SDK has this one over gRPC only.
  dapr.configuration.get = (store, keys = [], metadata = {}) =>
    getConfiguration(fetch, store, keys, metadata);
  return dapr;
}

type Fetch = SidecarClient['request'];

// Outputs and states make the exit spans of their requests themselves; these are all the others.
function toTracedFetch(fetch: SidecarFetch): Fetch {
  return async (path, init) => {
    let reply: SidecarReply | undefined;
    try {
      return await exitThrough(toSidecarTarget(init.method, path), async () => {
        reply = await fetch(path, init);
        const failure = toSidecarFailure(reply);
        // For the span: it is the SDK that makes an error of the reply.
        if (failure !== undefined) throw new Error(renderSidecarFailure(failure));
        return reply;
      });
    } catch (error) {
      if (reply !== undefined) return reply;
      throw error;
    }
  };
}

async function getConfiguration(
  fetch: Fetch,
  store: string,
  keys: readonly string[],
  metadata: Readonly<Record<string, unknown>>,
): Promise<{ items: Configuration }> {
  const query = new URLSearchParams();
  for (const key of keys) query.append('key', key);
  for (const [name, value] of Object.entries(metadata))
    query.append(`metadata.${name}`, String(value));
  const path = `/v1.0/configuration/${encodeURIComponent(store)}?${query.toString()}`;
  const reply = await fetch(path, { method: 'GET', headers: {} });
  const failure = toSidecarFailure(reply);
  if (failure !== undefined) throw new Error(renderSidecarFailure(failure));
  const found = parseObject(reply.bytes.toString('utf8')) ?? {};
  const items = Object.entries(found).map(([key, item]) => [
    key,
    { key, metadata: {}, ...(item as object) },
  ]);
  return { items: Object.fromEntries(items) as Configuration };
}

type Configuration = Awaited<ReturnType<DaprClient['configuration']['get']>>['items'];

function rejecting<Args extends unknown[], Result extends { error?: Error }>(
  call: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const result = await call(...args);
    if (result.error !== undefined) throw result.error;
    return result;
  };
}

function toSdkFetch(fetch: Fetch): (url: string, init: SdkInit) => Promise<SidecarReply> {
  return async (url, { method, headers, body }) => {
    const { pathname, search } = new URL(url);
    const path = `${pathname}${search}`;
    const reply = await fetch(path, { method, headers, body: await toBody(body) });
    if (reply.status < 400 || !path.includes('/publish/bulk/')) return reply;
    // The entries that failed: daprd says `entryId`, and the SDK looks for `entryID`, so that it would
    // find none (https://github.com/dapr/js-sdk/issues/703).
    const text = (await reply.text()).replaceAll('"entryId":', '"entryID":');
    return { ...reply, text: () => Promise.resolve(text) };
  };
}

type SdkInit = Omit<FetchInit, 'body'> & { readonly body?: unknown };

// What it logs of a failure it has thrown as well, and that is logged where it leaves the call.
function toSdkLogger(log: Logger): Dapr.LoggerService {
  const write = (message: unknown): void => log.debug(String(message));
  return { error: write, warn: write, info: write, verbose: write, debug: write };
}
