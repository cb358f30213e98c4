// How state names objects and times.
import type { FunctionResource } from '../function/schema.ts';
import type { EventObject } from './events.ts';

/** The Function that an event is about. */
export function functionObject({ metadata }: FunctionResource): EventObject {
  const { name, namespace = 'default' } = metadata;
  return { kind: 'Function', name, namespace };
}

/** A time as Kubernetes writes it: in whole seconds. */
export function toTimestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
