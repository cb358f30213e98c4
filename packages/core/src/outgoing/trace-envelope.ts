// The envelope by which OpenFunction's Go functions hand a trace on through brokers that have no headers:
// a payload and the trace of the running call become a CloudEvent, which is sent as the payload.
import { randomUUID } from 'node:crypto';
import { GO_EVENT_TYPE } from '../dapr/go-envelope.ts';
import { currentInvocation } from '../invocation/invoke.ts';
import type { Payload } from './payload.ts';

/** Puts a payload into its envelope. */
export type Enveloper = (payload: Payload) => Payload;

/**
 * Makes what puts payloads into envelopes.
 *
 * @param namespace Of the pod, for the source of the events; `undefined` outside of Kubernetes.
 */
export function createEnveloper(namespace: string | undefined): Enveloper {
  return ({ body }) => {
    const call = currentInvocation();
    const name = call?.name ?? 'function';
    const sender = namespace === undefined ? [name] : [namespace, name];
    const event = {
      specversion: '1.0',
      id: randomUUID(),
      source: sender.join('/'),
      type: [GO_EVENT_TYPE, ...sender].join('.'),
      time: new Date().toISOString(),
      datacontenttype: 'application/json',
      data: {
        metadata: call?.propagation ?? {},
        userData: Buffer.from(body).toString('base64'),
      },
    };
    return { contentType: 'application/json', body: JSON.stringify(event) };
  };
}

// The bindings that Go's functions send envelopes to: those whose other end is a queue.
const QUEUES = new Set(
  [
    'kafka',
    'rabbitmq',
    'aws.sqs',
    'aws.kinesis',
    'gcp.pubsub',
    'azure.eventgrid',
    'azure.eventhubs',
    'azure.servicebusqueues',
    'azure.storagequeues',
  ].map((name) => `bindings.${name}`),
);

/** Whether a binding of this type is sent envelopes. */
export function isQueue(componentType: string | undefined): boolean {
  return componentType !== undefined && QUEUES.has(componentType);
}
