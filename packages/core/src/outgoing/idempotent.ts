// A plugin that has each event handled once, though it is delivered several times: a record of each
// event in a Dapr state store says whether it is being handled, or was.
import { createHash, randomUUID } from 'node:crypto';
import { OfnError } from '../errors.ts';
import { RetryError } from '../function/acknowledgement.ts';
import type { FunctionContext } from '../function/context.ts';
import type { Invocation } from '../invocation/invocation.ts';
import { definePlugin, type Plugin, type PluginSetup } from '../invocation/plugin.ts';
import { processWide } from '../process-wide.ts';
import type { StateOperation } from './state-operation.ts';
import type { StateStore, Versioned } from './state.ts';

/** What `idempotent` is made from. */
export interface IdempotentOptions {
  /** Name of a state store in the function context, or of its Dapr component. It needs etags. */
  readonly store: string;
  /** How long an event is remembered: seconds, or a text such as `24h`. Default: `24h`. */
  readonly ttl?: string | number;
  /**
   * How long an event that is being handled stays reserved when nothing more is heard of it, as after
   * a crash: seconds, or a text such as `60s`. Longer than any call takes. Default: 60 s.
   */
  readonly lease?: string | number;
  /**
   * What makes two calls the same. Default: source and id of the CloudEvent. Needed for bindings and
   * raw payloads, which have no id of their own. A call without a key is handled whenever it comes.
   */
  readonly key?: (ctx: Invocation) => string | undefined;
}

/** What is kept of an event. */
interface EventRecord {
  readonly status: 'running' | 'done';
  /** Who handles it: random for each call. */
  readonly owner: string;
  /** Milliseconds since 1970 from which on another may take over. */
  readonly until: number;
}

/** An event that this call has reserved. */
interface Claim {
  readonly key: string;
  readonly etag: string | undefined;
  readonly owner: string;
  readonly ttlInSeconds: number;
  /** Whether the handler commits the record itself. */
  isHandedOut: boolean;
}

// Of all copies of this package: the plugin may be of another one than the handler's import.
const claims = processWide('idempotent', () => new WeakMap<Invocation, Claim>());

/**
 * Has each event handled once: an event whose handler has succeeded is acknowledged without calling it
 * again; one that another call is handling is retried later; one whose handler failed, or whose process
 * died, is handled again.
 *
 * The record is written after the handler. A crash in between has the event handled a second time,
 * unless the handler commits effect and record together: see `idempotencyRecord`.
 *
 * @throws OfnError `OFN_PLUGIN_INVALID` for a duration that is none, and at the start for a store that
 *   the function context does not have, and for inputs whose events have no id of their own.
 * @example
 * use(idempotent({ store: 'pg', ttl: '24h' }));
 */
export function idempotent({ store, ttl = '24h', lease = 60, key }: IdempotentOptions): Plugin {
  const ttlInSeconds = parseSeconds('ttl', ttl);
  const leaseInSeconds = parseSeconds('lease', lease);
  if (leaseInSeconds > ttlInSeconds) throw invalid('the lease is longer than the ttl');

  return definePlugin({
    name: 'idempotent',
    setup(runtime) {
      assertStore(runtime.context, store);
      if (key === undefined) assertIds(runtime);
    },
    async wrap(invocation, next) {
      const recordKey = toRecordKey(invocation, key);
      const states = invocation.states[store] ?? findByComponent(invocation.states, store);
      if (recordKey === undefined || states === undefined) return next();
      const settings = { key: recordKey, lease: leaseInSeconds * 1000, ttlInSeconds };
      const claim = await takeClaim(states, settings);
      if (claim === undefined) {
        invocation.log.debug('the event was handled before');
        return undefined;
      }
      claims.set(invocation, claim);
      let result: unknown;
      try {
        result = await next();
      } catch (error) {
        await release(states, claim, invocation);
        throw error;
      }
      if (hasFailed(invocation)) await release(states, claim, invocation);
      else if (!claim.isHandedOut) await markDone(states, claim, invocation);
      return result;
    },
  });
}

/**
 * The operation that marks the event of this call as handled, for the handler's own transaction: what
 * the transaction does is then done exactly once, even over a crash. The transaction must be on the
 * store that the plugin uses.
 *
 * @throws OfnError `OFN_STATE_FAILED` for a call that `idempotent` has not reserved.
 * @example
 * await ctx.states.pg.transaction([
 *   { operation: 'upsert', request: { key: 'total', value: total + order.amount, etag } },
 *   idempotencyRecord(ctx),
 * ]);
 */
export function idempotencyRecord(ctx: Invocation): StateOperation {
  const claim = claims.get(ctx);
  if (claim === undefined) {
    const message =
      'this call has no record: it needs the plugin idempotent, and an event with an id';
    throw new OfnError('OFN_STATE_FAILED', message);
  }
  claim.isHandedOut = true;
  return {
    operation: 'upsert',
    request: { key: claim.key, value: toDone(claim), ...toSave(claim) },
  };
}

// A handler may return when its call has failed elsewhere: in a timer, at its time limit, or because it
// heeded its signal. Its event is delivered again then, and must not be taken for one that was handled.
function hasFailed({ asked, error, aborted }: Invocation): boolean {
  return asked !== undefined || error !== undefined || aborted;
}

function toDone({ owner }: Claim): EventRecord {
  return { status: 'done', owner, until: 0 };
}

// Redis takes a second write only with first-write and the etag, once the first was one.
function toSave({ etag, ttlInSeconds }: Pick<Claim, 'etag' | 'ttlInSeconds'>) {
  return { etag, ttlInSeconds, concurrency: 'first-write' as const };
}

/** The claim; `undefined` when the event was handled before. */
async function takeClaim(
  states: StateStore,
  { key, lease, ttlInSeconds }: { key: string; lease: number; ttlInSeconds: number },
): Promise<Claim | undefined> {
  const owner = randomUUID();
  const running = (): EventRecord => ({ status: 'running', owner, until: Date.now() + lease });
  const attempt = async (etag?: string): Promise<unknown> => {
    try {
      await states.save(key, running(), toSave({ etag, ttlInSeconds }));
      return undefined;
    } catch (error) {
      // Some stores do not say that it is a conflict: what is there decides.
      if (error instanceof OfnError && /^OFN_STATE_(CONFLICT|FAILED)$/.test(error.code))
        return error;
      throw error;
    }
  };

  const toClaim = (etag: string | undefined): Claim => ({
    key,
    etag,
    owner,
    ttlInSeconds,
    isHandedOut: false,
  });
  const read = (): Promise<Versioned<EventRecord> | undefined> =>
    states.getWithEtag<EventRecord>(key, { consistency: 'strong' });

  let refusal = await attempt();
  let found = await read();
  if (found === undefined) {
    // A record that has run out may be in the way until it is read.
    refusal = await attempt();
    found = await read();
  }
  if (found === undefined) throw refusal ?? new RetryError('the record of the event is gone');
  if (found.value.owner === owner) return toClaim(found.etag);
  if (found.value.status === 'done') return undefined;
  if (found.value.until > Date.now()) throw new RetryError('another call is handling the event');

  refusal = await attempt(found.etag);
  const taken = await read();
  if (taken?.value.owner === owner) return toClaim(taken.etag);
  throw new RetryError('another call has taken the event over', { cause: refusal });
}

async function markDone(states: StateStore, claim: Claim, { log }: Invocation): Promise<void> {
  try {
    await states.save(claim.key, toDone(claim), toSave(claim));
  } catch (err) {
    // The handler has succeeded. To fail the call now would have the event handled again for certain.
    log.warn({ err }, 'the event was handled, and its record could not be saved');
  }
}

async function release(states: StateStore, claim: Claim, { log }: Invocation): Promise<void> {
  try {
    await states.delete(claim.key, claim.etag === undefined ? {} : { etag: claim.etag });
  } catch (err) {
    // Whoever changed it since owns it; a transaction that was committed stays so.
    if (err instanceof OfnError && err.code === 'OFN_STATE_CONFLICT') return;
    log.warn({ err }, 'the event stays reserved until its lease is over');
  }
}

function toRecordKey(invocation: Invocation, key: IdempotentOptions['key']): string | undefined {
  const parts = toParts(invocation, key);
  if (parts === undefined) return undefined;
  // A hash: sources are URLs, and no store takes every character in a key. By function, since
  // several may take the same event.
  const text = JSON.stringify([invocation.function.name, ...parts]);
  return `idempotent-${createHash('sha256').update(text).digest('hex')}`;
}

function toParts(
  invocation: Invocation,
  key: IdempotentOptions['key'],
): readonly string[] | undefined {
  if (key !== undefined) {
    const own = key(invocation);
    return own === undefined ? undefined : [own];
  }
  const { event } = invocation;
  return event === undefined ? undefined : [event.source, event.id];
}

function findByComponent(
  states: Readonly<Record<string, StateStore>>,
  name: string,
): StateStore | undefined {
  return Object.values(states).find(({ component }) => component === name);
}

function assertStore(context: FunctionContext | undefined, store: string): void {
  const states = Object.entries(context?.states ?? {});
  if (states.some(([name, { componentName }]) => name === store || componentName === store)) return;
  const there = states.length === 0 ? 'none' : states.map(([name]) => name).join(', ');
  throw invalid(`there is no state store "${store}" in the function context; there is ${there}`);
}

function assertIds({ inputs }: PluginSetup): void {
  for (const { name, kind, rawPayload } of inputs) {
    if (kind === 'topic' && !rawPayload) continue;
    const reason =
      kind === 'binding'
        ? 'events of bindings have no id'
        : 'raw payloads get a new id at each delivery';
    throw invalid(`input "${name}": ${reason}; say what makes them the same with { key }`);
  }
}

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

function parseSeconds(name: string, value: string | number): number {
  const [, digits = '', unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(String(value)) ?? [];
  // Stores count in whole seconds.
  const seconds = digits === '' ? 0 : Math.ceil(Number(digits) * (SECONDS[unit] ?? 0));
  if (seconds > 0) return seconds;
  throw invalid(
    `${name} must be seconds above 0, or a text such as 24h, not ${JSON.stringify(value)}`,
  );
}

function invalid(reason: string): OfnError {
  return new OfnError('OFN_PLUGIN_INVALID', `plugin "idempotent": ${reason}`);
}
