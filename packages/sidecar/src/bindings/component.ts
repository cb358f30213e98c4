// The bindings of a sidecar: inputs that call the app, outputs that the app calls.
import { status as grpc } from '@grpc/grpc-js';
import type { AppChannel, BindingReply } from '../app/channel.ts';
import type { BindingRequest, BindingResponse, Component } from '../contract.ts';
import { SidecarError, toMessage } from '../errors.ts';
import type { EngineParts } from '../pubsub/component.ts';
import { runUnder } from '../policy.ts';
import type { Membership } from '../pubsub/group.ts';
import type { Message } from '../pubsub/queue.ts';
import { QUEUE_BINDING } from '../resources/component-type.ts';
import { deliverToBinding, routeOf } from './delivery.ts';
import { createOutputBinding, type OutputBinding } from './output.ts';
import { joinQueue } from './queue.ts';
import { parseSchedule } from './schedule.ts';

/** All bindings. */
export interface Bindings {
  invoke(name: string, request: BindingRequest): Promise<BindingResponse>;
  /**
   * Asks the app which inputs it takes, and starts those.
   *
   * @returns Their names.
   */
  start(channel: AppChannel): Promise<readonly string[]>;
  /**
   * Hands an event of an input binding to the app.
   *
   * @returns What the app answered.
   * @throws SidecarError when there is no such input, or the app did not take the event.
   */
  trigger(
    name: string,
    data: Buffer,
    metadata: Readonly<Record<string, string>>,
  ): Promise<BindingReply>;
  /** Starts nothing more, and takes nothing more of what is kept for the next sidecar of the app. */
  release(): void;
  /** Takes nothing more. */
  close(): void;
}

/** Creates the bindings of the components; others are left alone. */
export function createBindings(components: readonly Component[], parts: EngineParts): Bindings {
  const { appId, hub, clock, policies, pause, activity, stop, warn } = parts;
  const outputs = new Map<string, OutputBinding>();
  const inputs = new Map<string, Component>();
  const timers = new Map<string, () => void>();
  const memberships = new Set<Membership>();
  let app: AppChannel | undefined;
  let released = false;
  pause.onChange(() => {
    for (const membership of memberships) membership.run();
  });

  for (const component of components) {
    if (!component.type.startsWith('bindings.')) continue;
    if (isOf(component, 'output')) {
      const output = createOutputBinding(component, parts);
      if (output !== undefined) outputs.set(component.name, output);
    }
    // Every binding may be triggered by hand, so that a test can play an input that is not here.
    if (isOf(component, 'input')) inputs.set(component.name, component);
    if (component.type === 'bindings.cron') parseCron(component);
  }

  async function invoke(name: string, request: BindingRequest): Promise<BindingResponse> {
    const output = outputs.get(name);
    if (output === undefined) throw failed(name, `couldn't find output binding ${name}`);
    const { operation } = request;
    if (operation === '') throw failed(name, 'operation field is missing from request');
    if (output.operations?.includes(operation) === false) {
      const known = output.operations.join(' ');
      throw failed(
        name,
        `binding ${name} does not support operation ${operation}. supported operations:${known}`,
      );
    }
    try {
      const policy = policies.outbound(name, 'Binding');
      return await runUnder(policy, clock, stop, () => output.invoke(request));
    } catch (cause) {
      throw failed(name, toMessage(cause), cause);
    }
  }

  async function trigger(
    name: string,
    data: Buffer,
    metadata: Readonly<Record<string, string>>,
  ): Promise<BindingReply> {
    const component = inputs.get(name);
    if (component === undefined) throw failed(name, `couldn't find input binding ${name}`);
    if (app === undefined) throw failed(name, 'app channel not initialized');
    const end = activity.begin();
    try {
      const settlement = await deliverToBinding(component, app, { data, metadata }, parts);
      if (settlement.taken) {
        await sendOn(settlement.reply);
        return settlement.reply;
      }
      const { reason, cause } = settlement;
      throw failed(name, `fails to send binding event to app channel: ${reason}`, cause);
    } finally {
      end();
    }
  }

  // Whether the event of a queue is settled.
  async function take(channel: AppChannel, component: Component, message: Message) {
    const settlement = await deliverToBinding(component, channel, message, parts, true);
    if (settlement.taken) await sendOn(settlement.reply);
    return settlement.taken || !settlement.returned;
  }

  // A reply over gRPC may have its data sent on to output bindings.
  async function sendOn({ to, data, parallel }: BindingReply): Promise<void> {
    const send = async (name: string): Promise<void> => {
      await invoke(name, { operation: 'create', data: toJson(data), metadata: {} });
    };
    try {
      if (parallel) await Promise.all(to.map(send));
      else for (const name of to) await send(name);
    } catch (error) {
      warn(`error executing app response: ${toMessage(error)}`);
    }
  }

  function schedule(component: Component): void {
    const { name } = component;
    const cron = parseCron(component);
    const arm = (after: number): void => {
      const next = cron.next(after);
      if (next === undefined) return;
      const cancel = clock.setTimeout(() => {
        // Armed first: a tick that takes long does not put off the next one.
        arm(next);
        if (pause.paused) return;
        const metadata = { timeZone: 'Local', readTimeUTC: toGoTime(clock.now()) };
        // A tick that is lost is in the journal, and told from there.
        trigger(name, Buffer.alloc(0), metadata).catch(() => undefined);
      }, next - clock.now());
      timers.set(name, cancel);
    };
    arm(clock.now());
  }

  return {
    invoke,
    trigger,
    async start(channel) {
      app = channel;
      const started: string[] = [];
      const queues: Component[] = [];
      const join = (): void => {
        for (const component of queues) {
          const { name } = component;
          memberships.add(
            joinQueue(component, parts, (message) => take(channel, component, message)),
          );
          started.push(name);
        }
      };
      let complete = false;
      try {
        for (const component of inputs.values()) {
          const { name, type } = component;
          if (type !== 'bindings.cron' && type !== QUEUE_BINDING) continue;
          const explicit = directionsOf(component)?.includes('input') === true;
          const taken = explicit || (await channel.takesBinding(name, routeOf(component)));
          if (released) break;
          if (type === QUEUE_BINDING) {
            if (taken) queues.push(component);
          } else if (taken) {
            schedule(component);
            started.push(name);
          } else warn(`the app does not take the binding ${name}: it is not started`);
        }
        complete = true;
      } finally {
        // What is kept is not for who is about to stop, and what an app took before is given up only
        // when it has said that it does not want it now.
        if (complete && !released) hub.renew('queues', appId, join);
        else if (!released) join();
      }
      return started;
    },
    release() {
      released = true;
      for (const cancel of timers.values()) cancel();
      timers.clear();
      for (const membership of memberships) membership.release();
    },
    close() {
      for (const membership of memberships) membership.leave();
    },
  };
}

function parseCron({ name, metadata }: Component) {
  const text = metadata['schedule'] ?? '';
  try {
    if (text === '') throw new Error('schedule not set');
    return parseSchedule(text);
  } catch (cause) {
    const message = `component ${name}: schedule: "${text}": ${toMessage(cause)}`;
    throw new SidecarError('ERR_RESOURCE_INVALID', message, { cause });
  }
}

function directionsOf({ metadata }: Component): string[] | undefined {
  const entry = Object.entries(metadata).find(([name]) => name.toLowerCase() === 'direction');
  return entry?.[1].split(',').map((direction) => direction.trim().toLowerCase());
}

function isOf(component: Component, direction: 'input' | 'output'): boolean {
  return directionsOf(component)?.includes(direction) ?? true;
}

function failed(name: string, reason: string, cause?: unknown): SidecarError {
  return new SidecarError(
    'ERR_INVOKE_OUTPUT_BINDING',
    `error invoking output binding ${name}: ${reason}`,
    { grpcStatus: grpc.INTERNAL, ...(cause === undefined ? {} : { cause }) },
  );
}

// What is not JSON counts as nothing, as with daprd.
function toJson(data: Buffer): Buffer {
  try {
    return Buffer.from(JSON.stringify(JSON.parse(data.toString('utf8'))));
  } catch {
    return Buffer.from('null');
  }
}

// As Go prints a time: 2024-05-01 10:00:00.5 +0000 UTC.
function toGoTime(time: number): string {
  const [date = '', clock = ''] = new Date(time).toISOString().split('T');
  return `${date} ${clock
    .replace('Z', '')
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '')} +0000 UTC`;
}
