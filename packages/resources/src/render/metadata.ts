// What every object has: its name, the function's namespace, and the labels by which it is found again.
import type { Metadata } from '@ofn/keda/objects';
import type { Serving } from '../context/serving.ts';

/** By this label, all that belongs to a serving is found. */
export const SERVING_LABEL = 'openfunction.io/serving';

/** The labels of every object: the user's, and ours, of which none can hide an object from clean-up. */
export function labelsOf({ name, spec, version }: Serving): Readonly<Record<string, string>> {
  return {
    'app.kubernetes.io/version': version,
    ...spec.labels,
    'openfunction.io/managed': 'true',
    [SERVING_LABEL]: name,
  };
}

/** The metadata of an object of this name. */
export function metadataOf(serving: Serving, name: string): Metadata {
  return { name, namespace: serving.namespace, labels: labelsOf(serving) };
}
