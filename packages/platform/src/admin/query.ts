// The query of a request to the admin API, parsed: nothing in it is passed over.
import { PlatformError } from '../errors.ts';

/** Which objects or lines are asked for; absent is all of them. */
export interface Filter {
  readonly namespace?: string;
  /** Name of a function. */
  readonly function?: string;
  readonly instance?: string;
}

/** A query. */
export interface Query extends Filter {
  /** Whether the reply goes on with what happens. */
  readonly watch: boolean;
  /** How many of the latest lines; absent is all of them. */
  readonly tail?: number;
}

/** A parameter of a query. */
export type Parameter = 'namespace' | 'function' | 'instance' | 'watch' | 'follow' | 'tail';

/**
 * Parses a query.
 *
 * @param known The parameters that the path takes.
 * @throws PlatformError `OFN_PLATFORM_REQUEST_INVALID`.
 */
export function parseQuery(
  parameters: Readonly<Record<string, string>>,
  known: readonly Parameter[],
): Query {
  for (const name of Object.keys(parameters)) {
    if ((known as readonly string[]).includes(name)) continue;
    throw invalid(`${name} is no parameter of this path; it takes ${known.join(', ') || 'none'}`);
  }
  const { follow, function: name, instance, namespace, tail, watch } = parameters;
  return {
    watch: parseFlag('watch', watch) || parseFlag('follow', follow),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { function: name }),
    ...(instance === undefined ? {} : { instance }),
    ...(tail === undefined ? {} : { tail: parseTail(tail) }),
  };
}

/** The metadata of an event: the parameters `metadata.<name>`, as Dapr has them. */
export function parseMetadata(
  parameters: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const entries = Object.entries(parameters).map(([name, value]) => {
    const [, key] = /^metadata\.(.+)$/.exec(name) ?? [];
    if (key === undefined) {
      throw invalid(`${name} is no parameter of this path; it takes metadata.<name>`);
    }
    return [key, value] as const;
  });
  return Object.fromEntries(entries);
}

function parseFlag(name: string, text = 'false'): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw invalid(`${name} must be true or false, and is "${text}"`);
}

function parseTail(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalid(`tail must be a number of lines, and is "${text}"`);
}

function invalid(message: string): PlatformError {
  return new PlatformError('OFN_PLATFORM_REQUEST_INVALID', message);
}
