// Subscriptions: as an app lists them over HTTP, and as a Subscription resource declares them.
import * as v from 'valibot';
import type { SubscriptionInfo } from '../contract.ts';
import { compileRule, type Rule } from '../pubsub/route.ts';

/** What an app gets of a topic, and where. */
export interface Subscription {
  readonly pubsub: string;
  readonly topic: string;
  readonly deadLetterTopic: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly rules: readonly Rule[];
  readonly bulk: BulkSubscribe | undefined;
  readonly type: 'PROGRAMMATIC' | 'DECLARATIVE' | 'STREAMING';
}

/** How many events one call carries at most, and how long the first of them waits for others. */
export interface BulkSubscribe {
  readonly maxMessagesCount: number;
  /** In milliseconds. */
  readonly maxAwaitDurationMs: number;
}

const DEFAULT_COUNT = 100;
const DEFAULT_AWAIT = 1000;

const Text = v.nullish(v.string(), '');
const Metadata = v.nullish(v.record(v.string(), v.string()), {});
const Bulk = v.nullish(
  v.object({
    enabled: v.nullish(v.boolean(), false),
    maxMessagesCount: v.nullish(v.number(), 0),
    maxAwaitDurationMs: v.nullish(v.number(), 0),
  }),
);
const Routes = v.nullish(
  v.object({
    rules: v.nullish(v.array(v.object({ match: Text, path: Text })), []),
    default: Text,
  }),
);
const Listed = v.object({
  pubsubname: v.string(),
  topic: v.string(),
  metadata: Metadata,
  deadLetterTopic: Text,
  route: Text,
  routes: Routes,
  bulkSubscribe: Bulk,
});
const List = v.nullish(v.array(Listed), []);

/**
 * The subscriptions in the reply to `GET /dapr/subscribe`. One without a route is left out.
 *
 * @throws Error when the reply is not such a list, or a rule is not valid CEL.
 */
export function parseSubscriptionList(body: Buffer): Subscription[] {
  if (body.length === 0) return [];
  const list = v.parse(List, JSON.parse(body.toString('utf8')));
  return list
    .map((listed) => toSubscription(listed, 'PROGRAMMATIC'))
    .filter(({ rules }) => rules.length > 0);
}

/**
 * The subscription of the `spec` of a Subscription resource, v1alpha1 or v2alpha1.
 *
 * @throws Error when the spec is not one.
 */
export function parseSubscriptionSpec(spec: unknown): Subscription {
  return toSubscription(v.parse(Listed, spec), 'DECLARATIVE');
}

function toSubscription(
  listed: v.InferOutput<typeof Listed>,
  type: Subscription['type'],
): Subscription {
  const { routes } = listed;
  const rules = (routes?.rules ?? []).map(({ match, path }) => compileRule(match, path));
  const fallback = (routes?.default ?? '') === '' ? listed.route : (routes?.default ?? '');
  if (fallback !== '') rules.push(compileRule('', fallback));
  return {
    pubsub: listed.pubsubname,
    topic: listed.topic,
    deadLetterTopic: listed.deadLetterTopic === '' ? undefined : listed.deadLetterTopic,
    metadata: listed.metadata,
    rules,
    bulk: toBulkSubscribe(listed.bulkSubscribe ?? undefined),
    type,
  };
}

/** A bulk setting with its defaults; `undefined` when it is not enabled. */
export function toBulkSubscribe(
  given: { enabled: boolean; maxMessagesCount: number; maxAwaitDurationMs: number } | undefined,
): BulkSubscribe | undefined {
  if (given === undefined || !given.enabled) return undefined;
  return {
    maxMessagesCount: given.maxMessagesCount > 0 ? given.maxMessagesCount : DEFAULT_COUNT,
    maxAwaitDurationMs: given.maxAwaitDurationMs > 0 ? given.maxAwaitDurationMs : DEFAULT_AWAIT,
  };
}

/** What the app says of a topic wins over what a resource says, and the last word over earlier ones. */
export function mergeSubscriptions(
  declared: readonly Subscription[],
  listed: readonly Subscription[],
): readonly Subscription[] {
  const merged = new Map<string, Subscription>();
  const keyOf = ({ pubsub, topic }: Subscription) => `${pubsub}||${topic}`;
  for (const subscription of declared) {
    if (!merged.has(keyOf(subscription))) merged.set(keyOf(subscription), subscription);
  }
  for (const subscription of listed) merged.set(keyOf(subscription), subscription);
  return [...merged.values()];
}

/** A subscription as the metadata API tells it. */
export function toSubscriptionInfo(subscription: Subscription): SubscriptionInfo {
  const { pubsub, topic, deadLetterTopic, type, rules, metadata } = subscription;
  return {
    pubsub,
    topic,
    ...(deadLetterTopic === undefined ? {} : { deadLetterTopic }),
    type,
    rules: rules.map(({ match, path }) => ({ match, path })),
    metadata,
  };
}
