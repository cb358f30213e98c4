// Events of a platform become lines: when, who, what.
import type { PlatformEvent } from '@ofn/platform';
import type { Style } from '../colors.ts';
import { toPrintable } from '../printable.ts';
import { createLineReader, type InstanceLine } from './instance-line.ts';
import { renderDuration } from './render-duration.ts';
import type { Troubles } from './troubles.ts';

type EventOf<Type extends PlatformEvent['type']> = Extract<PlatformEvent, { readonly type: Type }>;

/** What events are rendered with. */
export interface EventRendererOptions {
  readonly style: Style;
  readonly troubles: Troubles;
  /** Default: the time of day. */
  readonly clock?: () => Date;
}

/** Renders events. */
export interface EventRenderer {
  /** Renders one as lines: none for what nobody needs to see. */
  readonly render: (event: PlatformEvent) => readonly string[];
  /** Renders a text of `ofn` itself. */
  readonly line: (text: string, name?: string) => string;
  /** Makes room for the names of functions and their instances. */
  readonly expect: (names: readonly string[]) => void;
}

// Of the column of who; longer names push their line.
const LONGEST = 32;
// What the name of an instance has beside that of its function, such as `-48b718d9-1`.
const INSTANCE_SUFFIX = 11;
// Of method and path.
const TARGET = 28;
// Milliseconds from which a request is slow.
const SLOW = 1000;

// Of instances, those that printed last.
const READERS = 1000;

// Without those that tell of success and failure.
const COLORS = [
  'cyan',
  'magenta',
  'blue',
  'cyanBright',
  'magentaBright',
  'blueBright',
] as const satisfies readonly Parameters<Style>[0][];

/** Creates what renders events, in the order in which they happen. */
export function createEventRenderer(options: EventRendererOptions): EventRenderer {
  const { clock = () => new Date(), style, troubles } = options;
  const readers = new Map<string, (line: string) => InstanceLine | undefined>();
  const colors = new Map<string, (typeof COLORS)[number]>();
  const replicas = new Map<string, number>();
  const mendedLabel = `${style(['bold', 'green'], 'mended')}: `;
  let width = 'ofn'.length;

  function colorOf(name: string): (typeof COLORS)[number] {
    const color = colors.get(name) ?? COLORS[colors.size % COLORS.length] ?? 'cyan';
    colors.set(name, color);
    return color;
  }

  function toLine(text: string, name = '', who = name): string {
    const time = clock().toTimeString().slice(0, 8);
    width = Math.max(width, Math.min(who.length, LONGEST));
    const padded = (who === '' ? 'ofn' : who).padEnd(width);
    const source = name === '' ? style('dim', padded) : style(colorOf(name), padded);
    return `${style('dim', time)} ${source}  ${text}`;
  }

  function readLine({ instance, line }: EventOf<'line'>): InstanceLine | undefined {
    const reader = readers.get(instance) ?? createLineReader();
    readers.delete(instance);
    readers.set(instance, reader);
    // That an instance has ended as it was told to is not told here.
    const [oldest] = readers.keys();
    if (readers.size > READERS && oldest !== undefined) readers.delete(oldest);
    return reader(toPrintable(line));
  }

  function renderLine(event: EventOf<'line'>): readonly string[] {
    const read = readLine(event);
    if (read === undefined) return [];
    // What is in JSON had its control characters hidden until it was read.
    const { level = 'info', stack = [] } = read;
    const text = toPrintable(read.text);
    const fields = read.fields === undefined ? undefined : toPrintable(read.fields);
    const label = LABELS[level];
    const start = label === undefined ? '' : `${style(label.color, label.text)}: `;
    const end = fields === undefined ? '' : ` ${style('dim', fields)}`;
    const lines = `${start}${text}${end}`.split('\n');
    return [...lines, ...stack.map(toPrintable)].map((each) =>
      toLine(`${style('dim', '|')} ${each}`, event.function, event.instance),
    );
  }

  function renderRequest(event: EventOf<'request'>): string {
    const { coldStart, duration, method, path, route, status, trace } = event;
    const name = route.slice(route.indexOf('/') + 1);
    const target = `${method} ${toPrintable(path)}`.padEnd(TARGET);
    const parts = [
      `${target} ${style(colorOfStatus(status), String(status).padEnd(5))} ${durationOf(duration)}`,
      ...(coldStart ? [style('cyan', 'cold start')] : []),
      ...(duration >= SLOW ? [style('yellow', 'slow')] : []),
      ...(trace === undefined ? [] : [style('dim', trace)]),
    ];
    return toLine(parts.join('  '), name);
  }

  function durationOf(duration: number): string {
    const text = renderDuration(duration).padStart(8);
    return duration >= SLOW ? style(['bold', 'yellow'], text) : text;
  }

  function renderOutcome(event: EventOf<'event'>): string {
    const { attempt, duration, outcome, reason, source } = event;
    const [color, word] = outcome === 'acked' ? (['green', 'acked'] as const) : RETRIED;
    const parts = [
      `${toPrintable(source).padEnd(TARGET)} ${style(color, word)} ${durationOf(duration)}`,
      ...(attempt > 1 || outcome === 'retried' ? [`attempt ${attempt}`] : []),
    ];
    // What the function said is in its own line.
    const why = reason === undefined || reason === 'RETRY' ? '' : `: ${toPrintable(reason)}`;
    return toLine(`${parts.join('  ')}${why}`, event.function);
  }

  function renderScaled({ function: name, replicas: next }: EventOf<'scaled'>): readonly string[] {
    const before = replicas.get(name) ?? 0;
    replicas.set(name, next);
    // That a first one is ready says the same.
    if (before === 0 && next === 1) return [];
    return [toLine(style('dim', next === 0 ? 'scaled to zero' : `scaled to ${next}`), name)];
  }

  function renderReady(
    { after, function: name, instance }: EventOf<'ready'>,
    isBack: boolean,
    isMended: boolean,
  ): string {
    const text = `ready in ${renderDuration(after)}`;
    if (isMended) return toLine(`${mendedLabel}${text}`, name, instance);
    return toLine(isBack ? `runs again: ${text}` : style('dim', text), name, instance);
  }

  function renderBuilt({ duration, function: name }: EventOf<'built'>, isMended: boolean): string {
    const mended = isMended ? mendedLabel : '';
    return toLine(`${mended}built in ${duration.replace(/(?=ms$)/, ' ')}`, name);
  }

  function renderBuildFailed(event: EventOf<'build-failed'>): readonly string[] {
    const [first = '', ...rest] = toPrintable(event.message).split('\n');
    return [
      '',
      toLine(style(['bold', 'red'], 'cannot be built'), event.function),
      '',
      ...[style('red', first), ...rest].map((text) => `  ${text}`.trimEnd()),
      '',
    ];
  }

  function renderCrash({ function: name, how, instance }: EventOf<'crashed'>, times: number) {
    const often = times > 1 ? ` (${times} times in a row)` : '';
    return toLine(
      `${style(['bold', 'red'], 'crashed')}${often}: ${toPrintable(how)}`,
      name,
      instance,
    );
  }

  function render(event: PlatformEvent): readonly string[] {
    const { crashes, isBack, isMended } = troubles.take(event);
    switch (event.type) {
      case 'built':
        return [renderBuilt(event, isMended)];
      case 'build-failed':
        return renderBuildFailed(event);
      case 'scaled':
        return renderScaled(event);
      case 'ready':
        return [renderReady(event, isBack, isMended)];
      case 'crashed':
        readers.delete(event.instance);
        return [renderCrash(event, crashes)];
      case 'start-timeout':
        return [
          toLine(`${style(['bold', 'red'], 'does not start')}: ${event.message}`, event.function),
        ];
      case 'kept':
        return [
          toLine(
            style('yellow', 'the new code does not serve; the old code goes on'),
            event.function,
          ),
        ];
      case 'line':
        return renderLine(event);
      case 'request':
        return [renderRequest(event)];
      case 'event':
        return [renderOutcome(event)];
      case 'warning':
        return toPrintable(event.message)
          .split('\n')
          .map((text) => toLine(`${style('yellow', 'warning')}: ${text}`));
    }
  }

  return {
    render,
    line: toLine,
    expect(names) {
      // In their order, so that they have the same colours each time.
      for (const name of names) {
        colorOf(name);
        width = Math.max(width, Math.min(name.length + INSTANCE_SUFFIX, LONGEST));
      }
    },
  };
}

const LABELS: Readonly<Record<string, { readonly color: 'dim' | 'yellow' | 'red'; text: string }>> =
  {
    trace: { color: 'dim', text: 'trace' },
    debug: { color: 'dim', text: 'debug' },
    warn: { color: 'yellow', text: 'warn' },
    error: { color: 'red', text: 'error' },
    fatal: { color: 'red', text: 'fatal' },
  };

const RETRIED = ['yellow', 'retry'] as const;

function colorOfStatus(status: number): 'green' | 'cyan' | 'yellow' | 'red' {
  if (status >= 500) return 'red';
  if (status >= 400) return 'yellow';
  return status >= 300 ? 'cyan' : 'green';
}
