// OpenFunction's plugin classes, found in the `plugins` folder, run as one plugin of ours.
import { OfnError } from '../errors.ts';
import type { Context } from '../function/signature.ts';
import type { Plugin } from './plugin.ts';

/**
 * The base class OpenFunction's plugins extend. New plugins are made with `definePlugin`.
 *
 * @example
 * export class Audit extends OpenFunctionPlugin {
 *   constructor() { super('audit', 'v1'); }
 *   override async execPreHook(ctx) { ctx.log.info('about to run'); }
 * }
 */
export class OpenFunctionPlugin {
  readonly name: string;
  readonly version: string;

  constructor(name: string, version = 'unknown') {
    if (typeof name !== 'string' || name.trim() === '') {
      throw new OfnError('OFN_PLUGIN_INVALID', 'an OpenFunction plugin needs a name');
    }
    this.name = name;
    this.version = version;
  }

  /** Runs before the handler. Does nothing unless a plugin says otherwise. */
  execPreHook(_ctx: Context, _plugins: HookPlugins): unknown {
    return undefined;
  }

  /** Runs after the handler. Does nothing unless a plugin says otherwise. */
  execPostHook(_ctx: Context, _plugins: HookPlugins): unknown {
    return undefined;
  }

  /** The value of one of the plugin's own properties. */
  get(property: string): unknown {
    return (this as Record<string, unknown>)[property];
  }
}

/** Plugins by their names. */
export type HookPlugins = Readonly<Record<string, HookPlugin>>;

/** What OpenFunction asks of a plugin; the base class is not required. */
export interface HookPlugin {
  readonly name: string;
  execPreHook?(ctx: Context, plugins: HookPlugins): unknown;
  execPostHook?(ctx: Context, plugins: HookPlugins): unknown;
}

/** Whether a value has one of OpenFunction's hooks. */
export function isHookPlugin(value: unknown): value is HookPlugin {
  if (typeof value !== 'object' || value === null) return false;
  return 'execPreHook' in value || 'execPostHook' in value;
}

/**
 * One plugin that runs the hooks of many: pre-hooks before the handler, post-hooks after it, both
 * in the order the function context gives.
 *
 * A pre-hook that throws fails the call, and neither the handler nor a later pre-hook runs. The
 * post-hooks all run in any case, as in OpenFunction, and see the failure as `ctx.error`. The first
 * failure is the one that counts.
 *
 * @param order.pre Names in order; an empty list means none, `undefined` means all as loaded.
 * @throws OfnError `OFN_PLUGIN_INVALID` for a name that no plugin has.
 */
export function fromHookPlugins(
  plugins: readonly HookPlugin[],
  order: { pre: readonly string[] | undefined; post: readonly string[] | undefined },
): Plugin & { readonly hookPlugins: Readonly<Record<string, HookPlugin>> } {
  const byName: Record<string, HookPlugin> = Object.create(null);
  for (const plugin of plugins) {
    const { name } = plugin;
    if (typeof name !== 'string' || name.trim() === '') {
      throw new OfnError('OFN_PLUGIN_INVALID', 'a plugin of the plugins folder has no name');
    }
    if (name in byName) {
      throw new OfnError('OFN_PLUGIN_INVALID', `two plugins have the name "${name}"`);
    }
    byName[name] = plugin;
  }
  const select = (hook: string, names: readonly string[] | undefined): HookPlugin[] =>
    (names ?? plugins.map((plugin) => plugin.name))
      .filter((name) => !isTracing(name))
      .map((name) => {
        const plugin = byName[name];
        if (plugin !== undefined) return plugin;
        throw new OfnError(
          'OFN_PLUGIN_INVALID',
          `the function context names "${name}" in its ${hook}, but the plugins folder has ` +
            (plugins.length === 0 ? 'no plugin' : plugins.map((p) => `"${p.name}"`).join(', ')),
        );
      });
  const pre = select('pre-hooks', order.pre);
  const post = select('post-hooks', order.post);
  return {
    name: 'openfunction-hooks',
    hookPlugins: byName,
    async wrap(invocation, next) {
      const failures: unknown[] = [];
      let result: unknown;
      try {
        for (const plugin of pre) await plugin.execPreHook?.(invocation, byName);
        result = await next();
      } catch (error) {
        failures.push(error);
        invocation.error = error;
      }
      for (const plugin of post) {
        try {
          await plugin.execPostHook?.(invocation, byName);
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
      return result;
    },
  };
}

// The controller lists its built-in tracing among the user's hooks; it is no plugin of the folder.
function isTracing(name: string): boolean {
  return /^(skywalking|opentelemetry)$/i.test(name);
}
