// The bindings of a sidecar: inputs that call the app, outputs that the app calls.
import { status as grpc } from '@grpc/grpc-js';
import type { AppChannel, BindingReply } from '../app/channel.ts';
import type { BindingRequest, BindingResponse, Component } from '../contract.ts';
import { SidecarError, toMessage } from '../errors.ts';
import type { EngineParts } from '../pubsub/component.ts';
import { AttemptError, runUnder } from '../policy.ts';
import { NO_TRACE } from '../trace.ts';
import { createOutputBinding, type OutputBinding } from './output.ts';
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
  close(): void;
}

/** Creates the bindings of the components; others are left alone. */
export function createBindings(components: readonly Component[], parts: EngineParts): Bindings {
  const { clock, journal, policies, pause, activity, stop, warn } = parts;
  const outputs = new Map<string, OutputBinding>();
  const inputs = new Map<string, Component>();
  const timers = new Map<string, () => void>();
  let app: AppChannel | undefined;

  for (const component of components) {
    if (!component.type.startsWith('bindings.')) continue;
    if (isOf(component, 'output')) {
      const output = createOutputBinding(component);
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
    if (!output.operations.includes(operation)) {
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
      const reply = await deliver(app, component, data, metadata);
      await sendOn(reply);
      return reply;
    } finally {
      end();
    }
  }

  async function deliver(
    channel: AppChannel,
    component: Component,
    data: Buffer,
    metadata: Readonly<Record<string, string>>,
  ): Promise<BindingReply> {
    const { name } = component;
    const trace = { traceparent: metadata['traceparent'] ?? NO_TRACE };
    const event = { name, route: routeOf(component), data, metadata, trace };
    const note = { binding: name, path: event.route };
    let attempts = 0;
    let last: BindingReply | undefined;
    try {
      await runUnder(
        policies.inbound(name, 'Binding'),
        clock,
        stop,
        async ({ signal }) => {
          await pause.over(signal);
          signal.throwIfAborted();
          attempts++;
          journal.write({ outcome: 'delivered', ...note, attempt: attempts, data });
          last = await channel.deliverBinding(event, signal);
          if (!last.final) throw new AttemptError(last.reason, last.code);
        },
        (error) => {
          const { message: reason } = error;
          journal.write({ outcome: 'retried', ...note, attempt: attempts, reason });
        },
      );
    } catch (error) {
      // Only the policy insists on 200: when it gives up, any 2xx has taken the event.
      if (last?.accepted !== true) {
        const reason = stop.aborted ? 'the sidecar stopped' : toMessage(error);
        journal.write({ outcome: 'lost', ...note, attempt: attempts, reason, data });
        throw failed(name, `fails to send binding event to app channel: ${reason}`, error);
      }
    }
    journal.write({ outcome: 'acked', ...note, attempt: attempts });
    if (last === undefined) throw failed(name, 'response object is nil');
    return last;
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
      for (const component of inputs.values()) {
        if (component.type !== 'bindings.cron') continue;
        const explicit = directionsOf(component)?.includes('input') === true;
        const taken = explicit || (await channel.takesBinding(component.name, routeOf(component)));
        if (!taken) {
          warn(`the app does not take the binding ${component.name}: it is not started`);
        } else if (!stop.aborted) {
          schedule(component);
          started.push(component.name);
        }
      }
      return started;
    },
    close() {
      for (const cancel of timers.values()) cancel();
      timers.clear();
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

function routeOf({ name, metadata }: Component): string {
  return metadata['route'] ?? name;
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
