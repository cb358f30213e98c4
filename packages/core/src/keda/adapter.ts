// What differs for a function behind KEDA's http-add-on, as one value: read from the add-on's own
// variables, for those who give them to the function too.
import { OfnError } from '../errors.ts';
import { parseGoDuration } from './go-duration.ts';

/** Versions of the add-on that are told apart; OpenFunction 1.2.0 pins 0.5. */
export const ADD_ONS = ['0.5', 'current'] as const;
export type AddOn = (typeof ADD_ONS)[number];

/** Times of the interceptor in front, in milliseconds; 0 for no limit. */
export interface InterceptorTimes {
  /** Within which the headers of a response must have begun, from the request sent in whole. */
  readonly responseHeader: number;
  /** For a whole exchange; `undefined` when nothing says it. */
  readonly request: number | undefined;
  /** How long it keeps idle connections; `undefined` when nothing says it. */
  readonly idle: number | undefined;
}

/** A function behind the http-add-on. */
export interface KedaAdapter {
  readonly addOn: AddOn;
  readonly interceptor: InterceptorTimes;
  /** Whether headers are sent early when the interceptor is about to give up on them. */
  readonly earlyHeaders: boolean;
}

// The interceptor's defaults. The older one gives up on a function after half a second.
const RESPONSE_HEADER: Readonly<Record<AddOn, number>> = { '0.5': 500, current: 300_000 };

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the times of the interceptor from the variables it is configured by.
 *
 * @throws OfnError `OFN_OPTION_INVALID`, naming the variable.
 */
export function parseInterceptorTimes(env: Environment, addOn: AddOn): InterceptorTimes {
  const older = parseTime(env, 'KEDA_RESPONSE_HEADER_TIMEOUT');
  const newer = parseTime(env, 'KEDA_HTTP_RESPONSE_HEADER_TIMEOUT');
  // The current add-on still prefers the older name, unless it says 0.
  const isOlderHeeded = addOn === '0.5' || older !== 0;
  return Object.freeze({
    responseHeader: (isOlderHeeded ? older : undefined) ?? newer ?? RESPONSE_HEADER[addOn],
    request: parseTime(env, 'KEDA_HTTP_REQUEST_TIMEOUT'),
    idle: parseTime(env, 'KEDA_HTTP_IDLE_CONN_TIMEOUT'),
  });
}

// What a Node timer can wait for.
const LONGEST = 2 ** 31 - 1;

function parseTime(env: Environment, name: string): number | undefined {
  const text = env[name]?.trim() ?? '';
  if (text === '') return undefined;
  const value = parseGoDuration(text);
  if (value !== undefined && value <= LONGEST) return value;
  const expected = `${name} must be a Go duration below 24 days, such as 500ms or 1m30s, not "${text}"`;
  throw new OfnError('OFN_OPTION_INVALID', expected);
}

// Milliseconds by which a function is more patient than the interceptor: a request that is on its way
// at the interceptor's own limit must still be taken.
const MARGIN = 5000;

/** A time of the interceptor as one of the function: somewhat longer, and no limit where it has none. */
export function outlasting(time: number | undefined): number | undefined {
  if (time === undefined || time === 0) return time;
  return Math.min(Math.ceil(time) + MARGIN, LONGEST);
}
