// The address of a sidecar as Dapr's SDK client, repaired: with a deadline, and without its silences.
// It is CommonJS, and loaded by the first use.
import { createRequire } from 'node:module';
import type * as Dapr from '@dapr/dapr';
import type { DaprClient } from '@dapr/dapr';
import type { Logger } from '../logger.ts';
import type { SidecarAddress } from './sidecar-address.ts';
import {
  createSidecarFetch,
  type FetchInit,
  type SdkFetch,
  type SidecarFetch,
  type SidecarReply,
} from './sidecar-fetch.ts';

/** The sidecar, as outputs and states use it. */
export interface SidecarClient {
  /** The SDK's client. Loads the SDK when nothing has before. */
  readonly dapr: DaprClient;
  /**
   * One request, by the SDK client's own function.
   *
   * @param path Below the base URL, such as `/v1.0/state/orders`.
   * @throws OfnError `OFN_SIDECAR_UNAVAILABLE`, `OFN_SIDECAR_TIMEOUT`.
   */
  request(path: string, init: FetchInit): Promise<SidecarReply>;
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
  let loaded: { readonly dapr: DaprClient; readonly fetch: SidecarFetch } | undefined;
  const load = (): NonNullable<typeof loaded> => (loaded ??= loadClient(settings));
  return {
    get dapr() {
      return load().dapr;
    },
    request: (path, init) => load().fetch(`${settings.sidecar.http}${path}`, init),
    close: () => loaded?.fetch.close(),
  };
}

function loadClient({ sidecar, timeout, log }: SidecarClientSettings): {
  dapr: DaprClient;
  fetch: SidecarFetch;
} {
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
  const sdkFetch = client.getClient(false) as Promise<SdkFetch>;
  const fetch = createSidecarFetch(sdkFetch, sidecar, timeout);

  // Every request of the SDK asks for this function. Its own would first poll /metadata, for up to
  // 30 s, and has no deadline.
  client.getClient = () => Promise.resolve(withEntryIds(fetch));
  client.start = () => Promise.resolve();
  // The client belongs to all calls; what one of them does must not close it for the others.
  client.stop = () => Promise.resolve();
  client.setIsInitialized(true);

  // These three would resolve to `{ error }`.
  dapr.pubsub.publish = rejecting(dapr.pubsub.publish.bind(dapr.pubsub));
  dapr.state.save = rejecting(dapr.state.save.bind(dapr.state));
  dapr.state.delete = rejecting(dapr.state.delete.bind(dapr.state));
  return { dapr, fetch };
}

function rejecting<Args extends unknown[], Result extends { error?: Error }>(
  call: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    const result = await call(...args);
    if (result.error !== undefined) throw result.error;
    return result;
  };
}

// What failed of a bulk publish: daprd says `entryId`, and the SDK looks for `entryID`, so that it
// finds none (https://github.com/dapr/js-sdk/issues/703).
function withEntryIds(
  fetch: SidecarFetch,
): (url: string, init: FetchInit) => Promise<SidecarReply> {
  return async (url, init) => {
    const reply = await fetch(url, init);
    if (reply.status < 400 || !url.includes('/publish/bulk/')) return reply;
    const text = (await reply.text()).replaceAll('"entryId":', '"entryID":');
    return { ...reply, text: () => Promise.resolve(text) };
  };
}

// What it logs of a failure it has thrown as well, and that is logged where it leaves the call.
function toSdkLogger(log: Logger): Dapr.LoggerService {
  const write = (message: unknown): void => log.debug(String(message));
  return { error: write, warn: write, info: write, verbose: write, debug: write };
}
