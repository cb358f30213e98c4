// The types that the engine (delivery, bindings) and the APIs share: what one calls on the other.
import type { AppChannel } from './app/channel.ts';
import type { Clock } from './clock.ts';

/** A component, as its resource names it. Metadata is plain text: references are resolved by then. */
export interface Component {
  readonly name: string;
  /** What runs here, such as `pubsub.in-memory`. */
  readonly type: string;
  /** The type that its resource names, when it is not here and `type` plays it. */
  readonly emulates?: string;
  readonly version: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** App ids that may use it. Empty: all. */
  readonly scopes: readonly string[];
}

/** One event to publish. */
export interface PublishRequest {
  readonly pubsub: string;
  readonly topic: string;
  readonly data: Buffer;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** W3C headers of the publisher. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** One event of a bulk publish. */
export interface BulkEntry {
  readonly entryId: string;
  readonly data: Buffer;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Many events to publish at once, to one topic. */
export interface BulkPublishRequest {
  readonly pubsub: string;
  readonly topic: string;
  readonly entries: readonly BulkEntry[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** What was not published of a bulk publish. */
export interface BulkPublishResult {
  readonly failed: readonly { readonly entryId: string; readonly error: string }[];
}

/** A call of the app's own methods (service invocation). */
export interface AppRequest {
  /** The method name: a path without its leading slash. */
  readonly method: string;
  /** HTTP verb. */
  readonly verb: string;
  /** Without its question mark. */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What the app answered to such a call. */
export interface AppResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What the app or a resource subscribed to, as the metadata API tells it. */
export interface SubscriptionInfo {
  readonly pubsub: string;
  readonly topic: string;
  readonly deadLetterTopic?: string;
  readonly type: 'PROGRAMMATIC' | 'DECLARATIVE' | 'STREAMING';
  readonly rules: readonly { readonly match: string; readonly path: string }[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** A call of an output binding. */
export interface BindingRequest {
  readonly operation: string;
  readonly data: Buffer;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What an output binding answered. */
export interface BindingResponse {
  readonly data: Buffer | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A subscription that lasts as long as a stream of the API. */
interface StreamRequest {
  readonly pubsub: string;
  readonly topic: string;
  readonly deadLetterTopic: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Hands an event to who holds the stream, and resolves with its verdict. Does not reject. */
export type StreamDelivery = AppChannel['deliver'];

/** What the APIs call. Everything here rejects with a SidecarError. */
export interface Engine {
  readonly appId: string;
  readonly clock: Clock;
  readonly components: readonly Component[];
  readonly subscriptions: readonly SubscriptionInfo[];
  /** Whether the app channel is done starting. Outbound health does not wait for it. */
  readonly ready: boolean;
  publish(request: PublishRequest): Promise<void>;
  publishBulk(request: BulkPublishRequest): Promise<BulkPublishResult>;
  invokeBinding(name: string, request: BindingRequest): Promise<BindingResponse>;
  /** Service invocation of an app of the network. Default: the own one. */
  invokeApp(request: AppRequest, appId?: string): Promise<AppResponse>;
  /**
   * Subscribes for a stream of the API.
   *
   * @returns Ends the subscription.
   * @throws SidecarError when there is no such component, or the app may not subscribe.
   */
  subscribeStream(request: StreamRequest, deliver: StreamDelivery): () => void;
}
