// The global configuration, ConfigMap `openfunction-config`, as hooks and tracing.
import { parseHooks, parseTracing, type Plugins } from '../function/plugins.ts';
import type { TracingSpec } from '../function/serving-schema.ts';

/** `data` of the ConfigMap `openfunction-config`. */
export type GlobalConfig = Readonly<Record<string, string>>;

/** Tracing of the global configuration. */
export function globalTracing(config: GlobalConfig): TracingSpec | undefined {
  return fromFirst(config, ['tracing', 'plugins.tracing'], parseTracing);
}

/** Hooks of the global configuration. */
export function globalHooks(config: GlobalConfig): Plugins {
  return fromFirst(config, ['hooks', 'plugins'], parseHooks) ?? { pre: undefined, post: undefined };
}

function fromFirst<Value>(
  config: GlobalConfig,
  keys: readonly string[],
  parseText: (text: string, source: string) => Value,
): Value | undefined {
  const key = keys.find((each) => config[each] !== undefined);
  const text = key === undefined ? '' : (config[key] ?? '');
  return text.trim() === '' ? undefined : parseText(text, `openfunction-config, ${key}`);
}
