// Who the spans are of: what the configuration knows and OTEL_RESOURCE_ATTRIBUTES → the resource that
// goes with each export.
import { defaultResource, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import type { Environment } from '@ofn/core';
import type { TracingConfiguration } from '../configuration.ts';
import type { Service } from '../provider.ts';
import type { Warn } from '../setting.ts';
import { parseResourceAttributes } from './resource-attributes.ts';

/** What a resource is made from. */
export interface ResourceSource {
  readonly configuration: Pick<TracingConfiguration, 'pod' | 'namespace'>;
  readonly env: Environment;
  /** Known once the functions are; spans that end before wait for it. */
  readonly service: Promise<Service>;
  readonly warn: Warn;
}

/**
 * The resource of all spans. What the variable says wins, but for the service's name, for which the
 * configuration has asked it already.
 */
export function createResource({ configuration, env, service, warn }: ResourceSource): Resource {
  const { pod, namespace } = configuration;
  return defaultResource().merge(
    resourceFromAttributes({
      'service.instance.id': service.then(({ instance }) => instance),
      ...(pod !== undefined && { 'k8s.pod.name': pod }),
      ...(namespace !== undefined && { 'k8s.namespace.name': namespace }),
      ...Object.fromEntries(parseResourceAttributes(env, warn)),
      'service.name': service.then(({ name }) => name),
    }),
  );
}
