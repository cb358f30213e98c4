// Segments, properties of an instance and heartbeats become bytes of SkyWalking's protocol, by the
// messages that the agent was generated with.
import type adapter from 'skywalking-backend-js/lib/agent/protocol/grpc/SegmentObjectAdapter.js';
import type * as Common from 'skywalking-backend-js/lib/proto/common/Common_pb.js';
import type * as Management from 'skywalking-backend-js/lib/proto/management/Management_pb.js';
import type { Service } from '../../provider.ts';
import type { Agent, Segment } from '../agent.ts';

/** Bytes of each message that is sent. */
export interface Messages {
  /** @throws When user code left something in a span that has no place in the protocol. */
  readonly segment: (segment: Segment) => Buffer;
  readonly properties: (service: Service, properties: Readonly<Record<string, string>>) => Buffer;
  readonly heartbeat: (service: Service) => Buffer;
}

// What makes SkyWalking list the service among the functions.
const LAYER = 'FAAS';

/** Loads the generated messages. */
export function loadMessages(agent: Agent): Messages {
  const { default: Adapter } = agent.load(
    'agent/protocol/grpc/SegmentObjectAdapter',
  ) as typeof adapter;
  const { KeyStringValuePair } = agent.load('proto/common/Common_pb') as typeof Common;
  const { InstancePingPkg, InstanceProperties } = agent.load(
    'proto/management/Management_pb',
  ) as typeof Management;

  return {
    segment(segment) {
      const message = new Adapter(segment);
      addParentEndpoints(message, segment);
      return Buffer.from(message.serializeBinary());
    },
    properties(service, properties) {
      const pairs = Object.entries(properties).map(([key, value]) =>
        new KeyStringValuePair().setKey(key).setValue(value),
      );
      const message = new InstanceProperties()
        .setService(service.name)
        .setServiceinstance(service.instance)
        .setPropertiesList(pairs)
        .setLayer(LAYER);
      return Buffer.from(message.serializeBinary());
    },
    heartbeat(service) {
      const message = new InstancePingPkg()
        .setService(service.name)
        .setServiceinstance(service.instance)
        .setLayer(LAYER);
      return Buffer.from(message.serializeBinary());
    },
  };
}

// The adapter leaves them out, and without them SkyWalking draws no line between two endpoints.
function addParentEndpoints(message: adapter.default, { spans }: Segment): void {
  for (const [index, span] of message.getSpansList().entries()) {
    const refs = spans[index]?.refs ?? [];
    if (refs.length === 0) continue;
    for (const [at, ref] of span.getRefsList().entries()) {
      ref.setParentendpoint(refs[at]?.endpoint ?? '');
    }
  }
}
