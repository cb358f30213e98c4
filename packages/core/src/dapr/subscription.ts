// Inputs as the subscriptions that a sidecar asks for: one for each topic, with a rule for each
// function that takes a part of it.
// https://docs.dapr.io/reference/api/pubsub_api/#provide-a-route-for-dapr-to-discover-topic-subscriptions
import type { Input } from './input.ts';

/** A subscription as `GET /dapr/subscribe` has it. */
export interface Subscription {
  readonly pubsubname: string;
  readonly topic: string;
  readonly routes: {
    readonly rules?: readonly { readonly match: string; readonly path: string }[];
    readonly default?: string;
  };
  readonly metadata?: Readonly<Record<string, string>>;
  readonly deadLetterTopic?: string;
  readonly bulkSubscribe?: {
    readonly enabled: true;
    readonly maxMessagesCount: number;
    readonly maxAwaitDurationMs: number;
  };
}

/** The subscriptions of inputs, in the order of registration. */
export function toSubscriptions(inputs: readonly Input[]): readonly Subscription[] {
  const topics = inputs.filter(({ kind }) => kind === 'topic');
  const first = topics.filter(
    (input, index) => topics.findIndex((other) => isSameTopic(other, input)) === index,
  );
  return first.map((input) =>
    toSubscription(
      input,
      topics.filter((other) => isSameTopic(other, input)),
    ),
  );
}

function isSameTopic(one: Input, other: Input): boolean {
  return one.component === other.component && one.topic === other.topic;
}

function toSubscription(input: Input, group: readonly Input[]): Subscription {
  const { component, topic = '', bulk, deadLetterTopic, rawPayload } = input;
  const metadata = { ...input.metadata, ...(rawPayload ? { rawPayload: 'true' } : {}) };
  const rules = group.flatMap(({ match, path }) => (match === undefined ? [] : [{ match, path }]));
  const fallback = group.find(({ match }) => match === undefined)?.path;
  return {
    pubsubname: component,
    topic,
    routes: {
      ...(rules.length > 0 ? { rules } : {}),
      ...(fallback === undefined ? {} : { default: fallback }),
    },
    ...(Object.keys(metadata).length > 0 ? { metadata } : {}),
    ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
    ...(bulk === undefined
      ? {}
      : {
          bulkSubscribe: {
            enabled: true,
            maxMessagesCount: bulk.maxMessages,
            maxAwaitDurationMs: bulk.maxWait,
          },
        }),
  };
}
