// Which functions have something wrong with them, by what a platform has told.
import type { PlatformEvent } from '@ofn/platform';

/** What an event says of a function that had something wrong with it. */
interface Turn {
  /** Code that was changed is built, or runs. */
  readonly isMended: boolean;
  /** The same code runs that had crashed. */
  readonly isBack: boolean;
  /** How often it has crashed in a row. */
  readonly crashes: number;
}

/** What is wrong with functions. */
export interface Troubles {
  /** In a few words; `undefined` where all is well. */
  readonly of: (name: string) => string | undefined;
  /** Takes an event, in the order in which they happen. */
  readonly take: (event: PlatformEvent) => Turn;
}

type Trouble =
  | { readonly kind: 'build' }
  | {
      readonly kind: 'crash';
      /** What its instances are named after. */
      readonly serving: string;
      readonly crashes: number;
      /** Whether there is other code since. */
      readonly isRebuilt: boolean;
    };

const TEXTS = { build: 'cannot be built: see above', crash: 'has crashed: see above' };
const NONE: Turn = { isMended: false, isBack: false, crashes: 0 };

/** Creates them; all is well. */
export function createTroubles(): Troubles {
  const known = new Map<string, Trouble>();

  function crashed(name: string, instance: string): Turn {
    const before = known.get(name);
    const crashes = before?.kind === 'crash' ? before.crashes + 1 : 1;
    known.set(name, { kind: 'crash', serving: servingOf(instance), crashes, isRebuilt: false });
    return { ...NONE, crashes };
  }

  function built(name: string): Turn {
    const before = known.get(name);
    if (before?.kind === 'crash') known.set(name, { ...before, isRebuilt: true });
    else known.delete(name);
    return { ...NONE, isMended: before?.kind === 'build' };
  }

  function ready(name: string, instance: string): Turn {
    const before = known.get(name);
    if (before?.kind !== 'crash') return NONE;
    const isBack = before.serving === servingOf(instance);
    // Otherwise it is the code from before that runs again.
    const isMended = !isBack && before.isRebuilt;
    if (isBack || isMended) known.delete(name);
    return { ...NONE, isBack, isMended };
  }

  return {
    of(name) {
      const found = known.get(name);
      return found === undefined ? undefined : TEXTS[found.kind];
    },
    take(event) {
      switch (event.type) {
        case 'build-failed':
          known.set(event.function, { kind: 'build' });
          return NONE;
        case 'crashed':
          return crashed(event.function, event.instance);
        case 'built':
          return built(event.function);
        case 'ready':
          return ready(event.function, event.instance);
        default:
          return NONE;
      }
    },
  };
}

function servingOf(instance: string): string {
  return instance.replace(/-\d+$/, '');
}
