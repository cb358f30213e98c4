// Who the spans are of: what the configuration knows, OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
// → the resource that goes with each export.
import { defaultResource, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import type { Environment } from '@ofn/core';
import type { TracingConfiguration } from '../configuration.ts';
import type { Service } from '../provider.ts';

/** What a resource is made from. */
export interface ResourceSource {
  readonly configuration: Pick<TracingConfiguration, 'pod' | 'namespace'>;
  readonly env: Environment;
  /** Known once the functions are; spans that end before wait for it. */
  readonly service: Promise<Service>;
  readonly warn: (message: string) => void;
}

/**
 * The resource of all spans. What the variables say wins: `OTEL_SERVICE_NAME`, then
 * `OTEL_RESOURCE_ATTRIBUTES`, then the rest.
 */
export function createResource({ configuration, env, service, warn }: ResourceSource): Resource {
  const { pod, namespace } = configuration;
  const given = parseAttributes(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '', warn);
  const name = env['OTEL_SERVICE_NAME']?.trim() || given['service.name'];
  return defaultResource().merge(
    resourceFromAttributes({
      'service.instance.id': service.then(({ instance }) => instance),
      ...(pod !== undefined && { 'k8s.pod.name': pod }),
      ...(namespace !== undefined && { 'k8s.namespace.name': namespace }),
      ...given,
      'service.name': name ?? service.then(({ name }) => name),
    }),
  );
}

/** `key=value` pairs between commas, percent-encoded. By the specification one that is not spoils all. */
function parseAttributes(text: string, warn: (message: string) => void): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const pair of text.split(',')) {
    if (pair.trim() === '') continue;
    const end = pair.indexOf('=');
    const key = decode(pair.slice(0, end));
    const value = decode(pair.slice(end + 1));
    if (end === -1 || key === '' || key === undefined || value === undefined) {
      warn(
        `OTEL_RESOURCE_ATTRIBUTES: "${pair.trim()}" is not key=value, percent-encoded; the variable is left out`,
      );
      return {};
    }
    attributes[key] = value;
  }
  return attributes;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}
