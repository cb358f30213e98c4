// What is saved in a state store, alone or in a transaction, as JSON of Dapr's API.
import { OfnError } from '../errors.ts';
import { toBytes, toDataJson } from './payload.ts';

/** How a value is saved. */
export interface SaveOptions {
  /** Save only over this version. Dapr's own SDK writes it as `{ value }`, which is taken too. */
  readonly etag?: string | { readonly value: string } | undefined;
  /**
   * `first-write` fails when another writer was first, `last-write` never does.
   * Default: `first-write` with an etag, else what the store does.
   */
  readonly concurrency?: 'first-write' | 'last-write';
  /** Default: what the store does. */
  readonly consistency?: 'eventual' | 'strong';
  /** When the key goes by itself. Default: never. */
  readonly ttlInSeconds?: number;
  /** Content type, for the stores that index JSON. */
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The same two as Dapr's own SDK has them, by name or by the number of its enum. */
  readonly options?: {
    readonly concurrency?: string | number;
    readonly consistency?: string | number;
  };
}

/** A key with its value. */
export interface SaveEntry extends SaveOptions {
  readonly key: string;
  readonly value: unknown;
}

/** One operation of a transaction. */
export type StateOperation =
  | { readonly operation: 'upsert'; readonly request: SaveEntry }
  | { readonly operation: 'delete'; readonly request: Omit<SaveEntry, 'value'> };

// The numbers of the SDK's enums; 0 is "unspecified".
const CONCURRENCY = [undefined, 'first-write', 'last-write'];
const CONSISTENCY = [undefined, 'eventual', 'strong'];

/**
 * An entry as Dapr's API takes it.
 *
 * @throws OfnError `OFN_RESULT_INVALID` for a value that JSON cannot express.
 */
export function toWireSave(entry: SaveEntry): string {
  if (toBytes(entry.value) !== undefined) {
    const message = `the value of "${entry.key}" is bytes, and a state store keeps JSON: save it as base64`;
    throw new OfnError('OFN_RESULT_INVALID', message);
  }
  return `${JSON.stringify(toWireFields(entry)).slice(0, -1)},"value":${toDataJson(entry.value)}}`;
}

/** An operation as Dapr's API takes it. */
export function toWireOperation({ operation, request }: StateOperation): string {
  const wire = operation === 'upsert' ? toWireSave(request) : JSON.stringify(toWireFields(request));
  return `{"operation":${JSON.stringify(operation)},"request":${wire}}`;
}

/** Whether a write demands that nobody else wrote first. */
export function isConditional(entry: Omit<SaveEntry, 'value' | 'key'>): boolean {
  return entry.etag !== undefined || toConcurrency(entry) === 'first-write';
}

function toConcurrency({ concurrency, options, etag }: SaveOptions): string | undefined {
  const named = concurrency ?? toName(options?.concurrency, CONCURRENCY);
  return named ?? (etag === undefined ? undefined : 'first-write');
}

function toWireFields(entry: Omit<SaveEntry, 'value'>): object {
  const { key, ttlInSeconds, contentType } = entry;
  if (typeof key !== 'string' || key === '') {
    throw new OfnError('OFN_STATE_FAILED', 'what is saved or deleted in a state store needs a key');
  }
  const etag = typeof entry.etag === 'object' ? entry.etag.value : entry.etag;
  const concurrency = toConcurrency(entry);
  const consistency = entry.consistency ?? toName(entry.options?.consistency, CONSISTENCY);
  const metadata = {
    ...entry.metadata,
    ...(ttlInSeconds === undefined ? {} : { ttlInSeconds: String(ttlInSeconds) }),
    ...(contentType === undefined ? {} : { contentType }),
  };
  return {
    key,
    etag,
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    ...((concurrency ?? consistency) === undefined
      ? {}
      : { options: { concurrency, consistency } }),
  };
}

function toName(
  value: string | number | undefined,
  names: readonly (string | undefined)[],
): string | undefined {
  return typeof value === 'number' ? names[value] : value;
}
