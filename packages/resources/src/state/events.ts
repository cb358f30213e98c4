// What is told of a resource when its state changes, as events.k8s.io has it.
import type { BuildState, ServingState } from '../function/status-schema.ts';

/** What an event is about. */
export interface EventObject {
  readonly kind: 'Function' | 'Builder' | 'Serving';
  readonly name: string;
  readonly namespace: string;
}

/** One event. */
export interface ResourceEvent {
  readonly regarding: EventObject;
  /** The Builder or the Serving that an event of a Function is about. */
  readonly related?: EventObject;
  readonly type: 'Normal' | 'Warning';
  readonly action: 'Build' | 'Serving' | 'Create' | 'Update' | 'Delete';
  /** One word for programs; never empty. */
  readonly reason: string;
  /** A sentence for people; never empty. */
  readonly note: string;
  /** Milliseconds since 1970: the time of the observation. */
  readonly at: number;
}

/** What is said of a state: reason and note, of the Function and of the object itself. */
interface Told {
  readonly type: ResourceEvent['type'];
  /** Of the Function's event. */
  readonly reason: string;
  /** Of the event of the Builder or the Serving. */
  readonly ownReason: string;
  readonly note: string;
}

/** Each state of a build that is told of. `docs/function-reference.md` lists the same. */
export const BUILD_EVENTS: Readonly<Record<Exclude<BuildState, ''>, Told>> = {
  Created: told('Normal', 'BuildCreated', 'Created', 'Build created'),
  Building: told('Normal', 'BuildStarted', 'Started', 'Build started'),
  Succeeded: told('Normal', 'BuildCompleted', 'Completed', 'Build completed'),
  Failed: told('Warning', 'BuildFailed', 'Failed', 'Build failed'),
  Timeout: told('Warning', 'BuildTimeout', 'Timeout', 'Build timed out'),
  Canceled: told('Warning', 'BuildCanceled', 'Canceled', 'Build canceled'),
  Skipped: told('Normal', 'BuildSkipped', 'Skipped', 'Build skipped: the function has none'),
};

/** Each state of a serving that is told of. `docs/function-reference.md` lists the same. */
export const SERVING_EVENTS: Readonly<Record<Exclude<ServingState, ''>, Told>> = {
  Created: told('Normal', 'ServingCreated', 'Created', 'Serving created'),
  Starting: told('Normal', 'Starting', 'Starting', 'Serving is starting'),
  Running: told('Normal', 'Running', 'Running', 'Serving is running'),
  Failed: told('Warning', 'ServingFailed', 'Failed', 'Serving failed'),
  Timeout: told('Warning', 'ServingTimeout', 'Timeout', 'Serving did not run in time'),
  Skipped: told('Normal', 'ServingSkipped', 'Skipped', 'Serving skipped: the function has none'),
};

function told(type: Told['type'], reason: string, ownReason: string, note: string): Told {
  return { type, reason, ownReason, note };
}

/** What a transition is of. */
export interface Transition {
  readonly owner: EventObject;
  /** The Builder or the Serving; absent for what is skipped. */
  readonly object: EventObject | undefined;
  /** What went wrong, or how long it took. */
  readonly detail?: string | undefined;
  readonly at: number;
}

/** The events of a build that came into this state: that of its Function, and its own. */
export function buildEvents(
  state: Exclude<BuildState, ''>,
  transition: Transition,
): readonly ResourceEvent[] {
  return toEvents('Build', BUILD_EVENTS[state], transition);
}

/** The events of a serving that came into this state: that of its Function, and its own. */
export function servingEvents(
  state: Exclude<ServingState, ''>,
  transition: Transition,
): readonly ResourceEvent[] {
  return toEvents('Serving', SERVING_EVENTS[state], transition);
}

function toEvents(
  action: 'Build' | 'Serving',
  { note, ownReason, reason, type }: Told,
  { at, detail = '', object, owner }: Transition,
): readonly ResourceEvent[] {
  const said = detail === '' ? note : `${note}: ${detail}`;
  const rest = { type, action, note: said, at };
  if (object === undefined) return [{ regarding: owner, reason, ...rest }];
  return [
    { regarding: owner, related: object, reason, ...rest },
    { regarding: object, reason: ownReason, ...rest },
  ];
}

const LIFE = {
  Create: ['Created', 'created'],
  Update: ['Updated', 'updated'],
  Delete: ['Deleted', 'deleted'],
} as const;

/** The event of an object that is created, updated or deleted. */
export function lifeEvent(
  action: keyof typeof LIFE,
  regarding: EventObject,
  at: number,
): ResourceEvent {
  const [reason, verb] = LIFE[action];
  return { regarding, type: 'Normal', action, reason, note: `${regarding.kind} ${verb}`, at };
}
