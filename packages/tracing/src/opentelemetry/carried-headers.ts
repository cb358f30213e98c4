// SkyWalking's headers of a caller go in with the context of a call, and out of it unchanged: what is
// traced with OpenTelemetry between two SkyWalking services does not cut their trace in two.
import { createContextKey, type TextMapPropagator } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';

const HEADERS = ['sw8', 'sw8-correlation', 'sw8-x'] as const;
const CARRIED = createContextKey('SkyWalking headers of the caller');

/** Passes on `sw8` and what goes with it. */
export const carriedHeaders: TextMapPropagator = {
  fields: () => [...HEADERS],

  extract(context, carrier, getter) {
    const found: [string, string][] = [];
    for (const name of HEADERS) {
      const value = getter.get(carrier, name);
      const text = Array.isArray(value) ? value[0] : value;
      if (text !== undefined && text !== '') found.push([name, text]);
    }
    return found.length === 0 ? context : context.setValue(CARRIED, found);
  },

  inject(context, carrier, setter) {
    const carried = context.getValue(CARRIED);
    if (!isHeaders(carried) || isTracingSuppressed(context)) return;
    for (const [name, value] of carried) setter.set(carrier, name, value);
  },
};

function isHeaders(value: unknown): value is readonly [string, string][] {
  return Array.isArray(value);
}
