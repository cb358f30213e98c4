// What `ofn dev` shows: the start, events as they come, and what is waited for.
import type { FunctionInfo, Platform, PlatformEvent } from '@ofn/platform';
import { createStyle } from '../colors.ts';
import type { Terminal } from '../terminal.ts';
import { renderKeys } from './keys.ts';
import { createProgress } from './progress.ts';
import { createEventRenderer } from './render-event.ts';
import { renderStart } from './render-start.ts';
import { createScreen } from './screen.ts';
import { createTroubles } from './troubles.ts';

/** Shows what happens. */
export interface Display {
  readonly take: (event: PlatformEvent) => void;
  /** Shows the start block, and later again. */
  readonly showStart: () => void;
  /** @param duration How long the start took, in milliseconds. */
  readonly started: (platform: Pick<Platform, 'functions' | 'instances'>, duration: number) => void;
  /** All functions are built, or cannot be. */
  readonly built: () => void;
  /** Returns what ends that. */
  readonly stopping: () => () => void;
  readonly clear: () => void;
  readonly help: () => void;
  /** Says something of `ofn` itself. */
  readonly say: (text: string) => void;
}

// Milliseconds between two looks at processes that start.
const LOOK = 250;

/** Creates it; functions are being built from now on. */
export function createDisplay(terminal: Terminal, isWatched: boolean): Display {
  const style = createStyle(terminal.hasColors === true);
  const screen = createScreen(terminal, style);
  const troubles = createTroubles();
  const renderer = createEventRenderer({ style, troubles });
  const progress = createProgress(screen, renderer.line);
  const starting = new Map<string, () => void>();
  const endBuild = progress.begin(() => 'building the functions');
  let functions: Platform['functions'] | undefined;
  let instances: Platform['instances'] | undefined;
  let watching: NodeJS.Timeout | undefined;
  let took = 0;

  function watchStarts(): void {
    const found = (instances?.() ?? []).filter(({ status }) => status.state === 'starting');
    const names = new Set(found.map(({ metadata }) => metadata.name));
    for (const [name, end] of starting) {
      if (names.has(name)) continue;
      end();
      starting.delete(name);
    }
    for (const name of names) {
      if (starting.has(name)) continue;
      const end = progress.begin(() => `${name} is starting`);
      starting.set(name, end);
    }
  }

  function showStart(): void {
    const hasKeys = terminal.keyboard !== undefined;
    const start = { functions: functions?.() ?? [], duration: took, isWatched, hasKeys, troubles };
    screen.print(renderStart(start, style));
  }

  return {
    take(event) {
      const lines = renderer.render(event);
      // The start block tells that all are built.
      if (functions !== undefined || event.type !== 'built') screen.print(lines);
    },
    showStart,
    built: endBuild,
    started(platform, duration) {
      ({ functions, instances } = platform);
      watching = setInterval(watchStarts, LOOK).unref();
      took = duration;
      renderer.expect(functions().map(({ name }) => name));
      showStart();
    },
    stopping() {
      clearInterval(watching);
      for (const end of starting.values()) end();
      screen.print([renderer.line('stopping')]);
      return progress.begin(() => renderWaiting(functions?.() ?? []));
    },
    clear: screen.clear,
    help: () => screen.print(renderKeys(style)),
    say: (text) => screen.print([renderer.line(text)]),
  };
}

/** Renders what the end waits for. */
export function renderWaiting(
  functions: readonly Pick<FunctionInfo, 'instances' | 'name' | 'requests'>[],
): string {
  const busy = functions
    .filter(({ requests }) => requests > 0)
    .map(({ name, requests }) => `${requests} of ${name}`);
  const left = functions.flatMap(({ instances }) => instances.map(({ metadata }) => metadata.name));
  const what =
    busy.length > 0 ? `requests in flight: ${busy.join(', ')}` : `processes: ${left.join(', ')}`;
  return `waiting for ${what}; Ctrl-C again ends at once`;
}
