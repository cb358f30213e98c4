// The CloudEvents SDK, loaded by the first event function: a plain HTTP function does without it.
import { createRequire } from 'node:module';
import type * as CloudEvents from 'cloudevents';

let sdk: typeof CloudEvents | undefined;

/** The class of the SDK that holds and validates an event. */
export function cloudEventClass(): typeof CloudEvents.CloudEvent {
  sdk ??= createRequire(import.meta.url)('cloudevents') as typeof CloudEvents;
  return sdk.CloudEvent;
}
