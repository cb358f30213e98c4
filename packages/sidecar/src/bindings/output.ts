// Output bindings: what the app has done by a component.
import type { BindingRequest, BindingResponse, Component } from '../contract.ts';
import type { EngineParts } from '../pubsub/component.ts';
import { QUEUE_BINDING } from '../resources/component-type.ts';
import { createHttpBinding } from './http.ts';
import { createLocalStorage } from './local-storage.ts';
import { createQueueOutput } from './queue.ts';

/** An output binding that runs. */
export interface OutputBinding {
  /** `undefined`: all. */
  readonly operations: readonly string[] | undefined;
  invoke(request: BindingRequest): Promise<BindingResponse>;
}

/** The output binding of a component; `undefined` when its type has none. */
export function createOutputBinding(
  component: Component,
  parts: EngineParts,
): OutputBinding | undefined {
  switch (component.type) {
    case 'bindings.http':
      return createHttpBinding(component);
    case 'bindings.localstorage':
      return createLocalStorage(component);
    case QUEUE_BINDING:
      return createQueueOutput(component, parts);
    default:
      return undefined;
  }
}
