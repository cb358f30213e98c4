// Output bindings: what the app has done by a component.
import type { BindingRequest, BindingResponse, Component } from '../contract.ts';
import { createHttpBinding } from './http.ts';
import { createLocalStorage } from './local-storage.ts';

/** An output binding that runs. */
export interface OutputBinding {
  readonly operations: readonly string[];
  invoke(request: BindingRequest): Promise<BindingResponse>;
}

/** The output binding of a component; `undefined` when its type has none. */
export function createOutputBinding(component: Component): OutputBinding | undefined {
  switch (component.type) {
    case 'bindings.http':
      return createHttpBinding(component);
    case 'bindings.localstorage':
      return createLocalStorage(component);
    default:
      return undefined;
  }
}
