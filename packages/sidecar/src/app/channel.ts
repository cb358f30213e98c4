// The app, whatever protocol it speaks: what the engine asks of it, and what it answers.
import type { AppRequest, AppResponse } from '../contract.ts';
import { SidecarError, toMessage } from '../errors.ts';
import type { Subscription } from '../resources/subscription.ts';

/** What became of one attempt to deliver. */
export type Verdict =
  | { readonly kind: 'ack' }
  | {
      readonly kind: 'retry';
      readonly reason: string;
      /** HTTP or gRPC status, which a retry policy may match. */
      readonly code?: number;
    }
  | {
      readonly kind: 'drop';
      readonly reason: string;
      /** Whether a dead-letter topic gets it. */
      readonly deadLetter: boolean;
    };

/** The verdict on what the app has taken. */
export const ACK: Verdict = { kind: 'ack' };

/** One event, ready for the app. */
export interface Delivery {
  readonly pubsub: string;
  readonly topic: string;
  readonly path: string;
  /** The CloudEvent. */
  readonly event: CloudEventFields;
  /** The same, as its bytes. */
  readonly data: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A CloudEvent as JSON. */
export type CloudEventFields = Readonly<Record<string, unknown>>;

/** One event of a bulk delivery. */
export interface DeliveryEntry {
  readonly entryId: string;
  /** The CloudEvent; `undefined` for a raw payload. */
  readonly event: CloudEventFields | undefined;
  readonly data: Buffer;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Events that the app gets in one call. */
export interface BulkDelivery {
  readonly id: string;
  readonly pubsub: string;
  readonly topic: string;
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Trace headers. */
  readonly trace: Readonly<Record<string, string>>;
  readonly entries: readonly DeliveryEntry[];
}

/** An event of an input binding. */
interface BindingEvent {
  readonly name: string;
  /** Where an HTTP app gets it. */
  readonly route: string;
  readonly data: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
  /** Trace headers. */
  readonly trace: Readonly<Record<string, string>>;
}

/** What the app answered to the event of an input binding. */
export interface BindingReply {
  /** Whether the input has been taken. */
  readonly accepted: boolean;
  /** Whether a retry policy leaves it at that: over HTTP only for exactly 200. */
  readonly final: boolean;
  readonly reason: string;
  readonly code?: number;
  readonly data: Buffer;
  /** Output bindings that the app wants called with the data; gRPC only. */
  readonly to: readonly string[];
  readonly parallel: boolean;
}

/** How the sidecar reaches the app. Only `invoke` and the listing calls reject. */
export interface AppChannel {
  /** Asks for the app's configuration, as daprd does before anything else. */
  readConfig(): Promise<void>;
  /** @throws SidecarError `ERR_SUBSCRIPTIONS_INVALID`, or what kept the app from answering. */
  listSubscriptions(): Promise<readonly Subscription[]>;
  /** @throws Error when the app cannot be asked. */
  takesBinding(name: string, route: string): Promise<boolean>;
  /** Whether the app says that it is healthy. */
  probe(path: string, signal: AbortSignal): Promise<boolean>;
  deliver(delivery: Delivery, signal: AbortSignal): Promise<Verdict>;
  /** One verdict for each entry. */
  deliverBulk(delivery: BulkDelivery, signal: AbortSignal): Promise<ReadonlyMap<string, Verdict>>;
  deliverBinding(event: BindingEvent, signal: AbortSignal): Promise<BindingReply>;
  invoke(request: AppRequest, signal: AbortSignal): Promise<AppResponse>;
  close(): void;
}

/** The app told subscriptions that are none. */
export function invalidSubscriptions(cause: unknown): SidecarError {
  const message = `the subscriptions of the app are not valid: ${toMessage(cause)}`;
  return new SidecarError('ERR_SUBSCRIPTIONS_INVALID', message, { cause });
}

/** How an app is reached. */
export interface AppAddress {
  readonly host: string;
  readonly port: number;
  /** Sent as `dapr-api-token`. */
  readonly apiToken: string | undefined;
  readonly appId: string;
  /** Calls at a time. `undefined`: no limit. */
  readonly maxConcurrency: number | undefined;
  /** Largest message that is received, in bytes. */
  readonly maxBodySize: number;
}
