// What plays a binding of a system that is not here: a queue, from outputs to inputs of its name.
import type { BindingRequest, BindingResponse, Component } from '../contract.ts';
import { parseConcurrency, type EngineParts } from '../pubsub/component.ts';
import type { Membership } from '../pubsub/group.ts';
import type { Message } from '../pubsub/queue.ts';
import type { OutputBinding } from './output.ts';

/**
 * Creates the output of a queue. It takes every operation: `create` is an event for the inputs, and
 * others do nothing, with no data as their answer.
 */
export function createQueueOutput(
  { name }: Component,
  { hub, journal }: EngineParts,
): OutputBinding {
  const queue = hub.queue(name);
  return {
    operations: undefined,
    invoke({ operation, data, metadata }: BindingRequest): Promise<BindingResponse> {
      if (operation === 'create') queue.publish(name, { data, metadata }, journal);
      return Promise.resolve({ data: undefined, metadata: {} });
    },
  };
}

/**
 * Has an app take the events of a queue.
 *
 * @param deliver Resolves with whether the event is settled.
 */
export function joinQueue(
  component: Component,
  parts: EngineParts,
  deliver: (message: Message) => Promise<boolean>,
): Membership {
  const { name } = component;
  const { appId, hub, clock, pause, activity } = parts;
  return hub.queue(name).subscribe({
    appId,
    topic: name,
    kept: hub.kept,
    bulk: undefined,
    concurrency: parseConcurrency(component),
    async consume(messages) {
      const unsettled: Message[] = [];
      for (const message of messages) if (!(await deliver(message))) unsettled.push(message);
      return unsettled;
    },
    clock,
    pause,
    activity,
    groupActivity: hub.kept ? hub.activityOf(appId) : activity,
  });
}
