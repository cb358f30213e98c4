// What events come from, for those who send one by hand: a broker and the bindings of functions.
import type { Mesh } from '../dapr/mesh.ts';

/** Publishes to topics, and triggers bindings. */
export interface EventSources extends Pick<Mesh, 'publish'> {
  /**
   * Resolves to the reply of the function, or to `undefined` when the event waits for an instance; rejects when
   * it does not take the event.
   *
   * @param binding Name of the component.
   * @param metadata As the function finds it in the headers of the event.
   */
  readonly trigger: (
    namespace: string,
    name: string,
    binding: string,
    data: Buffer,
    metadata: Readonly<Record<string, string>>,
  ) => Promise<Buffer | undefined>;
}
