// OTEL_RESOURCE_ATTRIBUTES → the attributes that it gives to the resource.
import type { Environment } from '@ofn/core';
import type { Warn } from '../setting.ts';
import { PAIR, parsePairs } from './pairs.ts';

/** The attributes, by key. By the specification one entry that is no pair spoils all. */
export function parseResourceAttributes(env: Environment, warn: Warn): ReadonlyMap<string, string> {
  const attributes = new Map<string, string>();
  for (const { position, pair } of parsePairs(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '')) {
    if (pair === undefined) {
      warn(
        `OTEL_RESOURCE_ATTRIBUTES: entry ${position} is not ${PAIR}, and the variable is left out`,
      );
      return new Map();
    }
    attributes.set(...pair);
  }
  return attributes;
}
