// The package @ofn/tracing, which core does without: looked up where the functions are, loaded before
// them, and its tracing as a plugin of the runtime. Whatever goes wrong is a warning.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exports, type Package } from 'resolve.exports';
import { toError } from './errors.ts';
import { resolveSource } from './function/load.ts';
import { currentInvocation } from './invocation/invoke.ts';
import { assertPlugin } from './invocation/plugin.ts';
import type { CreateTracing, Tracing } from './invocation/trace.ts';
import type { Logger } from './logger.ts';
import type { Environment, Options } from './options.ts';

const PACKAGE = '@ofn/tracing';

/**
 * Loads tracing when it is wanted. A function without it is better than none: a package that is not
 * there, or fails, is logged, and calls are not traced.
 *
 * @param self Where the package is looked up when it is not beside the functions. Default: this module.
 * @throws OfnError `OFN_SOURCE_NOT_FOUND`, as loading the source would.
 */
export async function loadTracing(
  options: Pick<Options, 'tracing' | 'source' | 'target' | 'context'>,
  env: Environment,
  log: Logger,
  self = import.meta.url,
): Promise<Tracing | undefined> {
  const { tracing: wish, source, target, context } = options;
  if (wish === undefined) return undefined;
  const { provider, setting } = wish;
  const file = resolveSource(source);
  try {
    const entry = resolveEntry(file) ?? resolveEntry(self);
    if (entry === undefined) {
      const remedy = `calls are not traced; run "npm install ${PACKAGE}"`;
      warnLater(
        log,
        { setting },
        `tracing is wanted by ${setting}, but ${PACKAGE} is missing: ${remedy}`,
      );
      return undefined;
    }
    const { createTracing } = (await import(pathToFileURL(entry).href)) as {
      createTracing: CreateTracing;
    };
    const tracing = await createTracing({
      provider,
      env,
      context,
      source,
      target,
      log,
      current: currentInvocation,
    });
    if (tracing !== undefined) assertTracing(tracing);
    return tracing;
  } catch (error) {
    const fields = { err: toError(error), setting };
    warnLater(
      log,
      fields,
      `tracing is wanted by ${setting}, but ${PACKAGE} failed: calls are not traced`,
    );
    return undefined;
  }
}

// The file that `import` of the package would load. `require.resolve` knows the conditions of `require`
// alone; the folder is found by it, as it knows every way of installing packages.
function resolveEntry(from: string): string | undefined {
  const require = createRequire(from);
  let path: string;
  try {
    path = require.resolve(`${PACKAGE}/package.json`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
  const manifest = require(path) as Package;
  const [entry = 'index.js'] = exports(manifest, '.') ?? [];
  return join(dirname(path), entry);
}

// What does not fit this version of core must not stop the start when the runtime checks its plugins.
function assertTracing(tracing: Tracing): void {
  assertPlugin(tracing);
  const { begin } = tracing as Partial<Tracing>;
  if (typeof begin !== 'function')
    throw new TypeError(`what ${PACKAGE} makes does not trace calls`);
}

// The first log line loads the logger, and a cold start has a caller waiting. Milliseconds.
const AFTER_START = 100;

function warnLater(log: Logger, fields: object, message: string): void {
  setTimeout(() => log.warn(fields, message), AFTER_START).unref();
}
