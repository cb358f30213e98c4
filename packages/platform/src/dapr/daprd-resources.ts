// What a daprd reads: the components of one app with their specs as they are written, and its configuration.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ComponentResource } from '@ofn/resources';
import { PlatformError } from '../errors.ts';
import type { App } from './mesh.ts';

/** Where they are. */
export interface DaprdResources {
  /** Folder of the components. Absolute. */
  readonly components: string;
  /** File of the configuration. Absolute. */
  readonly configuration: string;
}

// The secret store of a component that names none, in a cluster.
const KUBERNETES = 'kubernetes';

/**
 * Checks that all that an app needs is defined.
 *
 * @throws PlatformError `OFN_PLATFORM_FUNCTION_INVALID`.
 */
export function checkResources({ appId, definitions, undefinedComponents }: App): void {
  const [missing] = undefinedComponents;
  if (missing !== undefined) {
    throw invalid(
      `${appId} names the component "${missing}", and nothing here defines it, which a real daprd needs: add it to the Function, or as a Component beside it or in its folder "components"; without --daprd it is played in memory`,
    );
  }
  const names = new Set(definitions.map(({ metadata }) => metadata.name));
  for (const definition of definitions) {
    const store = secretStoreOf(definition);
    if (store === undefined || names.has(store)) continue;
    throw invalid(
      `${appId}: the component "${definition.metadata.name}" reads a secret of the secret store "${store}", and nothing here defines that, which a real daprd needs: add it as a Component, such as one of the type secretstores.local.file, or give an envRef`,
    );
  }
}

/**
 * Writes them, in the place of what is there.
 *
 * @param folder Of this app alone; only its user may read it, since values may be secret.
 * @param names File of the database by which sidecars find each other's apps.
 */
export async function writeResources(
  { definitions }: Pick<App, 'definitions'>,
  folder: string,
  names: string,
): Promise<DaprdResources> {
  const components = join(folder, 'components');
  const configuration = join(folder, 'config.yaml');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(components);
  // JSON is YAML.
  await writeFile(configuration, JSON.stringify(toConfiguration(names), undefined, 2));
  await Promise.all(
    definitions.map((definition) =>
      writeFile(
        join(components, `${definition.metadata.name}.yaml`),
        JSON.stringify(toComponent(definition), undefined, 2),
      ),
    ),
  );
  return { components, configuration };
}

function secretStoreOf({ auth, spec }: ComponentResource): string | undefined {
  const isSecret = spec.metadata.some(({ secretKeyRef }) => secretKeyRef !== undefined);
  return isSecret ? (auth?.secretStore ?? KUBERNETES) : undefined;
}

function toComponent(definition: ComponentResource): ComponentResource {
  const secretStore = secretStoreOf(definition);
  return secretStore === undefined ? definition : { ...definition, auth: { secretStore } };
}

function toConfiguration(names: string) {
  return {
    apiVersion: 'dapr.io/v1alpha1',
    kind: 'Configuration',
    metadata: { name: 'local' },
    spec: {
      // Components that have changed are for the instances of the next revision.
      features: [{ name: 'HotReload', enabled: false }],
      metric: { enabled: false, http: { increasedCardinality: false } },
      // The default, multicast, would leave this machine.
      nameResolution: {
        component: 'sqlite',
        configuration: { connectionString: `file:${names}` },
      },
    },
  };
}

function invalid(message: string): PlatformError {
  return new PlatformError('OFN_PLATFORM_FUNCTION_INVALID', message);
}
