// The events that a function takes, as far as its Function says so.
import type { ComponentResource, FunctionResource } from '@ofn/resources';
import { componentsOf } from './components.ts';

/** A topic; or a binding, with its schedule where that is what calls the function. */
export type FunctionInput =
  | { readonly pubsub: string; readonly topic: string }
  | { readonly binding: string; readonly schedule?: string };

/**
 * Lists them, in the order of the Function. What its code registers beside is not known here.
 *
 * @param beside Components that stand beside the function.
 * @throws PlatformError for components of one name.
 */
export function inputsOf(
  given: FunctionResource,
  beside: readonly ComponentResource[],
): readonly FunctionInput[] {
  const { triggers } = given.spec.serving ?? {};
  const references = [
    ...(triggers?.dapr ?? []),
    ...(triggers?.inputs ?? []).flatMap(({ dapr }) => dapr ?? []),
  ];
  const components = new Map(
    componentsOf(given, beside, process.env).map((each) => [each.name, each]),
  );
  return references.map(({ name, topic = '' }): FunctionInput => {
    if (topic !== '') return { pubsub: name, topic };
    const { metadata, type } = components.get(name) ?? {};
    const schedule = type === 'bindings.cron' ? metadata?.['schedule'] : undefined;
    return { binding: name, ...(schedule === undefined ? {} : { schedule: String(schedule) }) };
  });
}
