// The columns of each kind: those that `kubectl get` prints for OpenFunction's resources.
import type { BuilderResource, FunctionResource, ServingResource } from '@ofn/resources';
import type { EventResource, InstanceResource, PlatformObject } from '@ofn/platform';
import type { KindPath } from '../admin/kinds.ts';
import { ageOf } from './age.ts';
import type { Row } from './table.ts';

/** The head of a kind. */
export const HEADS: Readonly<Record<KindPath, Row>> = {
  functions: ['NAME', 'BUILDSTATE', 'SERVINGSTATE', 'BUILDER', 'SERVING', 'ADDRESS', 'AGE'],
  builders: ['NAME', 'PHASE', 'STATE', 'REASON', 'BUILDDURATION', 'AGE'],
  servings: ['NAME', 'PHASE', 'STATE', 'REASON', 'AGE'],
  instances: ['NAME', 'STATE', 'FUNCTION', 'SERVING', 'PID', 'ADDRESS', 'AGE'],
  events: ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'],
};

/**
 * The cells of an object.
 *
 * @param now Milliseconds since 1970.
 */
export function toRow(object: PlatformObject, now: number): Row {
  switch (object.kind) {
    case 'Function':
      return functionRow(object, now);
    case 'Builder':
      return builderRow(object, now);
    case 'Serving':
      return servingRow(object, now);
    case 'Instance':
      return instanceRow(object, now);
    case 'Event':
      return eventRow(object, now);
  }
}

function functionRow({ metadata, status }: FunctionResource, now: number): Row {
  return [
    metadata.name,
    status?.build?.state ?? '',
    status?.serving?.state ?? '',
    status?.build?.resourceRef ?? '',
    status?.serving?.resourceRef ?? '',
    status?.addresses?.[0]?.value ?? '',
    ageOf(metadata.creationTimestamp, now),
  ];
}

function builderRow({ metadata, status }: BuilderResource, now: number): Row {
  const { buildDuration = '', phase = '', reason = '', state = '' } = status ?? {};
  const age = ageOf(metadata.creationTimestamp, now);
  return [metadata.name, phase, state, reason, buildDuration, age];
}

function servingRow({ metadata, status }: ServingResource, now: number): Row {
  const { phase = '', reason = '', state = '' } = status ?? {};
  return [metadata.name, phase, state, reason, ageOf(metadata.creationTimestamp, now)];
}

function instanceRow({ metadata, status }: InstanceResource, now: number): Row {
  return [
    metadata.name,
    status.state,
    metadata.labels?.['openfunction.io/function'] ?? '',
    metadata.labels?.['openfunction.io/serving'] ?? '',
    String(status.pid ?? ''),
    status.address,
    ageOf(metadata.creationTimestamp, now),
  ];
}

function eventRow(event: EventResource, now: number): Row {
  const { note, reason, regarding, type } = event;
  return [
    ageOf(lastSeen(event), now),
    type,
    reason,
    `${regarding.kind.toLowerCase()}/${regarding.name}`,
    firstLine(note),
  ];
}

/** When an event happened last. */
export function lastSeen({ eventTime, series }: EventResource): string {
  return series?.lastObservedTime ?? eventTime;
}

/** The first line of a note, which may have the place of an error below it. */
export function firstLine(note: string): string {
  return note.split('\n', 1)[0] ?? '';
}
