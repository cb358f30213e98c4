// Which plugins run around a function, by both contexts.
import { parsePlugins, parseTracing } from '../function/plugins.ts';
import { globalHooks } from './config.ts';
import type { TracingSpec } from '../function/serving-schema.ts';
import type { Serving } from './serving.ts';

/** Hooks of FUNC_CONTEXT_V1BETA2: the global ones around those of the function, or its own alone. */
export function mergedHooks({ globalConfig, spec: { hooks } }: Serving): {
  readonly pre: readonly string[];
  readonly post: readonly string[];
} {
  const { post: own = [], pre: ownPre = [] } = hooks ?? {};
  if (hooks?.policy === 'Override') return { pre: ownPre, post: own };
  const { post = [], pre = [] } = globalHooks(globalConfig);
  return { pre: [...pre, ...ownPre], post: [...own, ...post] };
}

/** Plugins of FUNC_CONTEXT: by the annotations of the function, else by the global configuration. */
export function contextPlugins({ annotations, globalConfig }: Serving): {
  readonly pre: readonly string[];
  readonly post: readonly string[];
  readonly tracing: TracingSpec | undefined;
} {
  const plugins = fromEither('plugins', parsePlugins);
  const { post = [], pre = [] } = plugins ?? {};
  const tracing = fromEither('plugins.tracing', parseTracing);
  // Tracing is the innermost: the last before the function, the first after it.
  const name = tracing?.enabled === true ? (tracing.provider?.name ?? '') : '';
  if (name === '') return { pre, post, tracing };
  return { pre: [...pre, name], post: [name, ...post], tracing };

  function fromEither<Value>(
    key: string,
    parseText: (text: string, source: string) => Value,
  ): Value | undefined {
    const own = annotations[key];
    const text = own ?? globalConfig[key] ?? '';
    const source =
      own === undefined ? `openfunction-config, ${key}` : `metadata.annotations["${key}"]`;
    return text.trim() === '' ? undefined : parseText(text, source);
  }
}
