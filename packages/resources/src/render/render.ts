// A function becomes the objects that run it in a cluster: always the same, in the same order.
import { renderObjects, type KubernetesObject } from '@ofn/keda/objects';
import { daprOf } from '../context/dapr.ts';
import { toServing, type Serving } from '../context/serving.ts';
import type { FunctionResource } from '../function/schema.ts';
import { renderAsync } from './async.ts';
import { toComponents, toDaprProxy } from './dapr.ts';
import { renderKedaHttp } from './keda-http.ts';
import { renderKnative } from './knative.ts';
import { toRenderSettings, type RenderOptions, type RenderSettings } from './options.ts';

/**
 * Renders a function: Dapr components, what runs it, what scales it, the Dapr proxy, and the way to it.
 * Each object has the labels `openfunction.io/managed` and `openfunction.io/serving`.
 *
 * @param options `target`: default by the triggers and the engine of the function.
 * @throws ResourceError `OFN_RESOURCE_TARGET_UNFIT`, `OFN_RESOURCE_INVALID`,
 *   `OFN_RESOURCE_COMPONENT_UNKNOWN` or `OFN_RESOURCE_CONFIG_INVALID`.
 * @example
 * const objects = render(parseFunction(text), { target: 'keda-http', addOn: '0.5' });
 * renderYaml(objects);
 */
export function render(
  given: FunctionResource,
  options: RenderOptions = {},
): readonly KubernetesObject[] {
  const serving = toServing(given, options);
  const hasProxy = daprOf(serving).mode === 'standalone';
  return [
    ...toComponents(serving),
    ...renderTarget(serving, toRenderSettings(serving, options)),
    ...(hasProxy ? [toDaprProxy(serving)] : []),
  ];
}

function renderTarget(serving: Serving, settings: RenderSettings): readonly KubernetesObject[] {
  switch (serving.target) {
    case 'keda-http':
      return renderKedaHttp(serving, settings);
    case 'knative':
      return renderKnative(serving, settings);
    case 'async':
      return renderAsync(serving);
  }
}

/**
 * Renders objects as YAML, one document each, their fields in alphabetical order.
 *
 * @example
 * renderYaml(render(parseFunction(text)));
 */
export function renderYaml(objects: readonly KubernetesObject[]): string {
  return renderObjects(objects);
}
