// Plugins: what runs around every call, as an onion. `wrap` sees the call go in and come out.
import type { Input } from '../dapr/input.ts';
import { OfnError } from '../errors.ts';
import type { FunctionDefinition } from '../function/signature.ts';
import type { FunctionContext } from '../function/context.ts';
import type { Logger } from '../logger.ts';
import type { Invocation } from './invocation.ts';

/** What a plugin may learn of the runtime it runs in. */
export interface PluginSetup {
  readonly functions: readonly FunctionDefinition[];
  /** The topics and bindings whose events the functions take. */
  readonly inputs: readonly Input[];
  readonly context: FunctionContext | undefined;
  readonly log: Logger;
}

/** Something that runs around calls; made with `definePlugin`. */
export interface Plugin {
  readonly name: string;
  /** Runs once, before the server listens. A failure stops the start. */
  setup?(runtime: PluginSetup): unknown;
  /**
   * Runs around each call. `next()` runs what is inside and resolves to what the handler returned;
   * what `wrap` returns takes its place. Not calling it skips the handler; throwing fails the call.
   */
  wrap?(invocation: Invocation, next: () => Promise<unknown>): unknown;
  /** Runs once, after the last call, before the process exits. */
  close?(): unknown;
}

/**
 * Types and checks a plugin.
 *
 * @throws OfnError `OFN_PLUGIN_INVALID` when the name is missing or a hook is not a function.
 * @example
 * const timing = definePlugin({
 *   name: 'timing',
 *   async wrap(invocation, next) {
 *     const start = performance.now();
 *     try { return await next(); }
 *     finally { invocation.log.info({ ms: performance.now() - start }, 'done'); }
 *   },
 * });
 */
export function definePlugin<P extends Plugin>(plugin: P): P {
  assertPlugin(plugin);
  return plugin;
}

/** Throws `OFN_PLUGIN_INVALID` unless the value is a plugin. */
export function assertPlugin(value: unknown): asserts value is Plugin {
  const plugin = value as Partial<Record<keyof Plugin, unknown>> | null | undefined;
  if (typeof plugin !== 'object' || plugin === null || !isName(plugin.name)) {
    throw new OfnError('OFN_PLUGIN_INVALID', 'a plugin must be an object with a name');
  }
  for (const hook of ['setup', 'wrap', 'close'] as const) {
    if (plugin[hook] !== undefined && typeof plugin[hook] !== 'function') {
      throw new OfnError(
        'OFN_PLUGIN_INVALID',
        `plugin "${plugin.name}": ${hook} is not a function`,
      );
    }
  }
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name.trim() !== '';
}

/** Runs one call, and yields what the handler returned. */
export type Call = (invocation: Invocation) => unknown;

/** Wraps a call in plugins, the first outermost. Without a `wrap` among them the call is as it was. */
export function wrapCall(call: Call, plugins: readonly Plugin[]): Call {
  return plugins.reduceRight<Call>((inner, plugin) => {
    if (plugin.wrap === undefined) return inner;
    return (invocation) => {
      let called: Promise<unknown> | undefined;
      return plugin.wrap?.(invocation, () => (called ??= run(inner, invocation)));
    };
  }, call);
}

async function run(call: Call, invocation: Invocation): Promise<unknown> {
  return call(invocation);
}
