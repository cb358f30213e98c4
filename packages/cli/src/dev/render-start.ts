// What is known at the start becomes a block: each function with where it is and what it takes.
import type { FunctionInfo } from '@ofn/platform';
import type { Style } from '../colors.ts';
import { renderDuration } from './render-duration.ts';
import type { Troubles } from './troubles.ts';

/** What the block tells of. */
export interface Start {
  readonly functions: readonly FunctionInfo[];
  /** How long it took, in milliseconds. */
  readonly duration: number;
  /** Whether functions are built anew when their code changes. */
  readonly isWatched: boolean;
  /** Whether keys are read. */
  readonly hasKeys: boolean;
  readonly troubles: Pick<Troubles, 'of'>;
}

/** Renders it as lines. */
export function renderStart(
  { duration, functions, hasKeys, isWatched, troubles }: Start,
  style: Style,
): readonly string[] {
  const count = `${functions.length} ${functions.length === 1 ? 'function' : 'functions'}`;
  const width = Math.max(...functions.map(({ name }) => name.length));
  const warnings = new Set(functions.flatMap((each) => each.warnings));
  return [
    '',
    `  ${style('bold', count)} ready in ${renderDuration(duration)}`,
    '',
    ...functions.flatMap((each) => renderFunction(each, width, troubles, style)),
    '',
    ...[...warnings].map((text) => `  ${style('yellow', 'warning')}: ${text}`),
    ...(warnings.size === 0 ? [] : ['']),
    `  ${isWatched ? 'Save a file to reload its function. ' : ''}${hasKeys ? 'Press h for the keys.' : 'Ctrl-C ends it.'}`,
    '',
  ];
}

function renderFunction(
  given: FunctionInfo,
  width: number,
  troubles: Start['troubles'],
  style: Style,
): readonly string[] {
  const { inspect, name, variables } = given;
  const trouble = troubles.of(name);
  const facts = [
    ...placesOf(given).map((place) => (place.startsWith('http') ? style('cyan', place) : place)),
    ...(trouble === undefined ? [] : [style('red', trouble)]),
    ...(variables.length === 0 ? [] : [style('dim', `.env has ${variables.join(', ')}`)]),
    ...(inspect === undefined ? [] : [style('dim', `debugger at 127.0.0.1:${inspect}`)]),
  ];
  return facts.map((fact, index) => {
    const label = (index === 0 ? name : '').padEnd(width);
    return `  ${style('bold', label)}  ${fact}`;
  });
}

function placesOf({ inputs, urls }: FunctionInfo): readonly string[] {
  const places = [
    ...(urls.length === 0 ? [] : [urls.join('  ')]),
    ...inputs.map((input) => {
      if ('topic' in input) return `topic ${input.topic} of ${input.pubsub}`;
      const { binding, schedule } = input;
      return schedule === undefined ? `binding ${binding}` : `cron ${schedule} (${binding})`;
    }),
  ];
  return places.length === 0 ? ['takes what its code registers'] : places;
}
