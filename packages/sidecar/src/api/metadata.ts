// The metadata API over both protocols: what the sidecar is made of, and what it is to remember.
import {
  ActorRuntime_ActorRuntimeStatus as ActorStatus,
  PubsubSubscriptionType as SubscriptionType,
} from '@dapr/dapr/proto/dapr/proto/runtime/v1/dapr_pb.js';
import type { Component } from '../contract.ts';
import { QUEUE_BINDING } from '../resources/component-type.ts';
import { DAPR_VERSION, type ApiContext, type AppConnection } from './context.ts';
import { unreadableBody } from './fault.ts';
import type { GrpcMethods } from './grpc-method.ts';
import { NO_CONTENT, type Route } from './http-route.ts';

// What each type of component can do here, by the names that Dapr has for it.
const CAPABILITIES: ReadonlyMap<string, readonly string[]> = new Map([
  ['bindings.cron', ['INPUT_BINDING']],
  [QUEUE_BINDING, ['INPUT_BINDING', 'OUTPUT_BINDING']],
  ['bindings.http', ['OUTPUT_BINDING']],
  ['bindings.localstorage', ['OUTPUT_BINDING']],
  ['state.in-memory', ['ETAG', 'TRANSACTIONAL', 'QUERY_API', 'TTL']],
]);

export function metadataRoutes(context: ApiContext): readonly Route[] {
  return [
    {
      methods: ['GET'],
      pattern: /^\/v1\.0\/metadata$/,
      handle: () => ({ status: 200, body: JSON.stringify(toJson(context)) }),
    },
    {
      methods: ['PUT'],
      pattern: /^\/v1\.0\/metadata\/(?<key>[^/]+)$/,
      async handle(call) {
        const value = await call.body().catch((thrown: unknown) => {
          throw unreadableBody(thrown);
        });
        context.attributes.set(call.params['key'] ?? '', value.toString());
        return NO_CONTENT;
      },
    },
  ];
}

function toJson(context: ApiContext): object {
  const { engine, app } = context;
  return {
    id: engine.appId,
    runtimeVersion: DAPR_VERSION,
    components: toComponents(engine.components),
    extended: toExtended(context),
    subscriptions: engine.subscriptions.map((subscription) => ({
      pubsubname: subscription.pubsub,
      topic: subscription.topic,
      metadata: subscription.metadata,
      rules: subscription.rules,
      deadLetterTopic: subscription.deadLetterTopic ?? '',
      type: subscription.type,
    })),
    appConnectionProperties: toConnection(app),
    actorRuntime: { runtimeStatus: 'DISABLED', hostReady: false, placement: NO_PLACEMENT },
  };
}

const NO_PLACEMENT = 'placement: disconnected';

export function metadataMethods(
  context: ApiContext,
): Pick<GrpcMethods, 'getMetadata' | 'setMetadata'> {
  const { engine, app, attributes } = context;
  return {
    getMetadata: () => ({
      id: engine.appId,
      runtimeVersion: DAPR_VERSION,
      registeredComponents: toComponents(engine.components),
      extendedMetadata: toExtended(context),
      subscriptions: engine.subscriptions.map((subscription) => ({
        pubsubName: subscription.pubsub,
        topic: subscription.topic,
        metadata: subscription.metadata,
        rules: { rules: [...subscription.rules] },
        deadLetterTopic: subscription.deadLetterTopic ?? '',
        type: SubscriptionType[subscription.type],
      })),
      appConnectionProperties: toConnection(app),
      actorRuntime: { runtimeStatus: ActorStatus.DISABLED, placement: NO_PLACEMENT },
    }),
    setMetadata({ request: { key, value } }) {
      if (key !== '') attributes.set(key, value);
      return {};
    },
  };
}

function toComponents(components: readonly Component[]) {
  return components.map(({ name, type, emulates, version }) => ({
    name,
    type: emulates ?? type,
    version,
    capabilities: [...(CAPABILITIES.get(type) ?? [])],
  }));
}

function toExtended({ attributes }: ApiContext): Record<string, string> {
  return { ...Object.fromEntries(attributes), daprRuntimeVersion: DAPR_VERSION };
}

function toConnection({
  port,
  protocol,
  channelAddress,
  maxConcurrency,
  healthCheck,
}: AppConnection) {
  return {
    ...(port === undefined ? {} : { port }),
    protocol,
    channelAddress,
    ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
    ...(healthCheck === undefined
      ? {}
      : {
          health: {
            ...(protocol === 'http' ? { healthCheckPath: healthCheck.path } : {}),
            healthProbeInterval: renderDuration(healthCheck.intervalMs),
            healthProbeTimeout: renderDuration(healthCheck.timeoutMs),
            healthThreshold: healthCheck.threshold,
          },
        }),
  };
}

// As Go prints it, for what a probe waits.
function renderDuration(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${ms / 1000}s`;
}
