// What both APIs stand on: the engine, the stores, and what they tell of themselves.
import type { Engine } from '../contract.ts';
import type { StateStore } from '../state/store.ts';

/** How the app is reached, as the metadata API tells it. */
export interface AppConnection {
  /** `undefined` when there is no app to deliver to. */
  readonly port: number | undefined;
  readonly protocol: 'http' | 'grpc';
  /** Host name or address. */
  readonly channelAddress: string;
  /** `undefined` for no limit. */
  readonly maxConcurrency: number | undefined;
  /** `undefined` when the app's health is not checked. Times in milliseconds. */
  readonly healthCheck:
    | {
        readonly path: string;
        readonly intervalMs: number;
        readonly timeoutMs: number;
        readonly threshold: number;
      }
    | undefined;
}

/** What both APIs stand on. */
export interface ApiContext {
  readonly engine: Engine;
  /** State stores by the names of their components. */
  readonly stores: ReadonlyMap<string, StateStore>;
  readonly app: AppConnection;
  /** What callers told the sidecar to remember, by the metadata API. */
  readonly attributes: Map<string, string>;
  /** A caller asked the sidecar to stop; called once the answer is on its way. */
  readonly onShutdown: () => void;
}

/** The Dapr release whose behaviour this sidecar follows, and which it tells clients. */
export const DAPR_VERSION = '1.18.3';

/** The W3C trace headers of a caller, as far as it sent them. */
export function readTrace(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): { traceparent?: string; tracestate?: string } {
  const { traceparent, tracestate } = headers;
  return {
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
    // Several of them are one list, by the specification.
    ...(tracestate === undefined ? {} : { tracestate: String(tracestate) }),
  };
}
