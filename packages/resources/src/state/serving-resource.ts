// Servings: made of a function and of what was built.
import { API_VERSION, type FunctionResource, type ServingResource } from '../function/schema.ts';
import type { EventObject } from './events.ts';
import { hashOf, shortHash } from '../function/hash.ts';
import { toTimestamp } from './objects.ts';

/** What runs: the function with the image that was built. */
export function toServingSpec(
  { spec }: FunctionResource,
  imageDigest: string | undefined,
): ServingResource['spec'] | undefined {
  if (spec.serving === undefined) return undefined;
  const { imageCredentials, version } = spec;
  return {
    version,
    image: withDigest(spec.image, imageDigest),
    ...(imageCredentials === undefined ? {} : { imageCredentials }),
    ...spec.serving,
  };
}

/** An image by its digest, such as `example/hello:v1@sha256:…`. */
function withDigest(image: string, digest: string | undefined): string {
  return digest === undefined || digest === '' ? image : `${image.split('@', 1)[0]}@${digest}`;
}

/** A new Serving, the `count`th of its function. */
export function toServingResource(
  owner: FunctionResource,
  spec: ServingResource['spec'],
  count: number,
  at: number,
): ServingResource {
  const { annotations, name, namespace = 'default' } = owner.metadata;
  return {
    apiVersion: API_VERSION,
    kind: 'Serving',
    metadata: {
      name: `serving-${shortHash([namespace, name, hashOf(spec), count])}`,
      namespace,
      labels: { 'openfunction.io/function': name },
      ...(annotations === undefined ? {} : { annotations }),
      creationTimestamp: toTimestamp(at),
    },
    spec,
    status: { phase: 'Serving', state: 'Created' },
  };
}

/** The Serving that an event is about. */
export function servingObject({ metadata }: ServingResource): EventObject {
  const { name, namespace = 'default' } = metadata;
  return { kind: 'Serving', name, namespace };
}
