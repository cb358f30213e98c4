// The function context and the address of the sidecar as the way out of a function: its outputs, its
// states, and Dapr's client.
import * as http from 'node:http';
import type { DaprClient } from '@dapr/dapr';
import { OfnError, toError } from '../errors.ts';
import type { ContextComponent, FunctionContext } from '../function/context.ts';
import type { Logger } from '../logger.ts';
import { createSidecarClient } from './client.ts';
import { createStateOperations } from './openfunction-state.ts';
import { createOutput, type Output } from './outputs.ts';
import { toPayload } from './payload.ts';
import type { SidecarAddress } from './sidecar-address.ts';
import { HEALTH_PATH } from './sidecar-fetch.ts';
import { createStateStore, type StateOperations, type StateStore } from './state.ts';
import { createEnveloper } from './trace-envelope.ts';

/** The way out of a function; one for each runtime, frozen, shared by all calls. */
export interface Outgoing {
  /** By their names in the context. */
  readonly outputs: Readonly<Record<string, Output>>;
  /** By their names in the context. */
  readonly states: Readonly<Record<string, StateStore>>;
  /** State in OpenFunction's shape. */
  readonly state: StateOperations;
  /** The SDK's client. The first use loads the SDK. */
  readonly client: DaprClient;
  /**
   * Sends to one output, or to all when none is named. All are tried, whatever becomes of the others.
   *
   * @throws OfnError `OFN_OUTPUT_UNKNOWN`; `OFN_RESULT_INVALID` for data that cannot be sent, before
   *   any is; `OFN_OUTPUT_FAILED`, naming each output that failed, with an AggregateError as its cause.
   */
  send(data: unknown, output?: string): Promise<void>;
  /** Opens the first connection, so that the first send does not wait for it. Does not fail. */
  preload(): void;
  /** Whether the sidecar answers that it is ready to send, within 500 ms. */
  isReachable(): Promise<boolean>;
  /** Closes the connections. */
  close(): void;
}

/** Milliseconds that the sidecar has to say whether it is ready. */
const HEALTH_TIMEOUT = 500;

/**
 * Makes the way out.
 *
 * @param settings.timeout Milliseconds each call to the sidecar may take.
 * @param settings.traceEnvelope Whether topics and queues are sent envelopes, as Go's functions do.
 *   Default `false`.
 * @param settings.namespace Of the pod, for the source of these envelopes.
 */
export function createOutgoing(settings: {
  readonly context: Pick<FunctionContext, 'outputs' | 'states'> | undefined;
  readonly sidecar: SidecarAddress;
  readonly timeout: number;
  readonly traceEnvelope?: boolean;
  readonly namespace?: string | undefined;
  readonly log: Logger;
}): Outgoing {
  const { context, sidecar, traceEnvelope = false, namespace } = settings;
  const client = createSidecarClient(settings);
  const envelop = traceEnvelope ? createEnveloper(namespace) : undefined;
  const outputs = mapComponents(context?.outputs, (name, component) =>
    createOutput(name, component, client, envelop),
  );
  const states = mapComponents(context?.states, (name, component) =>
    createStateStore(name, component, client),
  );
  const outgoing: Outgoing = {
    outputs,
    states,
    state: createStateOperations(states),
    get client() {
      return client.dapr;
    },
    async send(data, output) {
      const chosen = pickOutputs(outputs, output);
      // What no output can send is refused before one of them has.
      if (chosen.length > 0) toPayload(data);
      const results = await Promise.allSettled(chosen.map((each) => each.send(data)));
      const failed = results.flatMap((result, index) =>
        result.status === 'fulfilled'
          ? []
          : [{ name: chosen[index]?.name ?? '', error: toError(result.reason) }],
      );
      if (failed.length > 0) throw toSendError(failed, chosen.length);
    },
    preload: () => client.connect(),
    isReachable: () => isReady(sidecar),
    close: () => client.close(),
  };
  return Object.freeze(outgoing);
}

function mapComponents<T>(
  components: Readonly<Record<string, ContextComponent>> | undefined,
  create: (name: string, component: ContextComponent) => T,
): Readonly<Record<string, T>> {
  const entries = Object.entries(components ?? {});
  return Object.freeze(
    Object.fromEntries(entries.map(([name, component]) => [name, create(name, component)])),
  );
}

function pickOutputs(
  outputs: Readonly<Record<string, Output>>,
  name: string | undefined,
): readonly Output[] {
  if (name === undefined) return Object.values(outputs);
  const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
  if (output !== undefined) return [output];
  const names = Object.keys(outputs);
  const there = names.length === 0 ? 'none' : names.join(', ');
  throw new OfnError('OFN_OUTPUT_UNKNOWN', `there is no output "${name}"; there is ${there}`);
}

function toSendError(
  failed: readonly { readonly name: string; readonly error: Error }[],
  count: number,
): OfnError {
  const reasons = failed.map(({ name, error }) => `${name}: ${error.message}`).join('; ');
  const message =
    count === 1
      ? `the output could not be sent: ${reasons}`
      : `${failed.length} of ${count} outputs could not be sent: ${reasons}`;
  // A log shows the message of the cause as well: the reasons stand in it once.
  const cause = new AggregateError(
    failed.map(({ error }) => error),
    `the errors of ${failed.map(({ name }) => name).join(', ')}`,
  );
  return new OfnError('OFN_OUTPUT_FAILED', message, { cause });
}

// Taken when this module is loaded: tracing puts its own in the place of Node's later, and a probe is no
// call of the function.
const { get } = http;

// By a connection of its own: a probe says nothing of one that is open already.
function isReady({ http: base, apiToken }: SidecarAddress): Promise<boolean> {
  const isHttps = base.startsWith('https:');
  const agent = isHttps ? new (process.getBuiltinModule('node:https').Agent)() : false;
  const headers: Record<string, string> =
    apiToken === undefined ? {} : { 'dapr-api-token': apiToken };
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(HEALTH_TIMEOUT);
    const request = get(`${base}${HEALTH_PATH}`, { agent, headers, signal });
    request.on('response', (response) => {
      response.resume();
      response.on('error', () => resolve(false));
      resolve(response.statusCode === 204 || response.statusCode === 200);
    });
    request.on('error', () => resolve(false));
  });
}
