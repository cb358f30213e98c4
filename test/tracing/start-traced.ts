// Functions as processes that report to a collector of this one.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { startCollector, type Collector, type CollectorOptions } from '@ofn/tracing/testing';
import {
  serving,
  test as base,
  type ServingFunction,
  type StartOptions,
} from '@ofn-test/system/start-function';

interface Fixtures {
  collector: (options?: CollectorOptions) => Promise<Collector>;
  /** Starts a function with its name, traced by SkyWalking. */
  startTraced: (
    name: string,
    collector: { readonly address: string },
    options: StartOptions,
  ) => Promise<ServingFunction>;
}

/** The folder of a package that this one depends on, as a function finds it that has installed it. */
function packageFolder(name: string): string {
  const require = createRequire(import.meta.url);
  const paths = require.resolve.paths(name) ?? [];
  for (const path of paths) {
    const manifest = `${path}/${name}/package.json`;
    try {
      readFileSync(manifest);
      return dirname(manifest);
    } catch {
      // Not in this one.
    }
  }
  throw new Error(`there is no package ${name}`);
}

/** Packages by their names, for `StartOptions.packages`. */
export function packages(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, packageFolder(name)]));
}

/** `test`, with collectors and traced functions that end with it. */
export const test = base.extend<Fixtures>({
  collector: async ({ onTestFinished }, use) => {
    await use(async (options) => {
      const collector = await startCollector(options);
      onTestFinished(() => collector.stop());
      return collector;
    });
  },
  startTraced: async ({ run }, use) => {
    await use(async (name, { address }, options) => {
      const command = run({
        ...options,
        args: ['--port', '0', ...(options.args ?? [])],
        packages: { ...packages('@ofn/tracing'), ...options.packages },
        env: { SW_AGENT_NAME: name, SW_AGENT_COLLECTOR_BACKEND_SERVICES: address, ...options.env },
      });
      return serving(command);
    });
  },
});
