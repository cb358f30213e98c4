// A sidecar in front of an app, whichever it is: what the matrix asks of it.
import type { Journal } from '@ofn/sidecar';

export type Protocol = 'http' | 'grpc';

/** Pub/sub component of every set-up. */
export const PUBSUB = 'pubsub';
/** State store of every set-up. */
export const STORE = 'store';
/** How often a failed event comes again. */
export const MAX_RETRIES = 2;

/** What a sidecar is started with. */
export interface SidecarSetup {
  readonly protocol: Protocol;
  readonly appPort: number;
  /** Names of input bindings, of type `bindings.cron`. */
  readonly bindings: readonly string[];
  /** Port of the HTTP API. Default: a free one. */
  readonly httpPort?: number;
  /** Shown to the app. Default: none. */
  readonly appApiToken?: string;
}

/** A sidecar that has found its app. */
export interface StartedSidecar {
  /** Port of the HTTP API. */
  readonly httpPort: number;
  /** Has a binding call the app, now or within seconds. */
  trigger(binding: string): void;
  /** Of our own sidecar. */
  readonly journal: Journal | undefined;
  /** Resolves when it has nothing left to deliver, as far as it can tell. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export type StartSidecar = (setup: SidecarSetup) => Promise<StartedSidecar>;

/** The resiliency of every set-up: a policy for the topics and for each binding. */
export function resiliencyOf({ bindings }: SidecarSetup) {
  const components = Object.fromEntries(
    [PUBSUB, ...bindings].map((name) => [name, { inbound: { retry: 'again' } }]),
  );
  const again = { policy: 'constant', duration: '20ms', maxRetries: MAX_RETRIES } as const;
  return { policies: { retries: { again } }, targets: { components } };
}
