// Which input an event is for: by the path that was announced, or, for OpenFunction's proxy and older
// sidecars, by the name of its topic or component.
import type { Input } from './input.ts';

/** Finds inputs. */
export interface InputFinder {
  /** The input that was announced at a path. */
  atPath(path: string): Input | undefined;
  /**
   * The input of a topic or binding. Of several functions that share a topic, the one that takes the
   * rest: which expression an event matches is known to the sidecar alone.
   *
   * @param of.component Its component; without one, any.
   * @param of.kind Whether it is a topic or a binding; without it, either.
   */
  named(
    name: string,
    of?: { component?: string | undefined; kind?: Input['kind'] },
  ): Input | undefined;
}

/** Creates a finder over inputs. */
export function createInputFinder(inputs: readonly Input[]): InputFinder {
  const paths = new Map(inputs.map((input) => [input.path, input]));
  return {
    atPath: (path) => paths.get(path),
    named(name, { component, kind } = {}) {
      const found = inputs.filter(
        (input) =>
          (input.topic ?? input.component) === name &&
          (component === undefined || input.component === component) &&
          (kind === undefined || input.kind === kind),
      );
      return found.find(({ match }) => match === undefined) ?? found[0];
    },
  };
}
