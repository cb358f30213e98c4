// Many events as one bulk publish request, and its reply as the events that failed.
import { OfnError } from '../errors.ts';
import { BYTES, toPayload, type Payload } from './payload.ts';
import { parseObject, renderSidecarFailure, toSidecarFailure } from './sidecar-failure.ts';
import type { SidecarReply } from './sidecar-exchange.ts';

/** One event of `publishBulk` with settings of its own. */
export interface BulkEntry {
  readonly event: unknown;
  /** Its id in the request. Default: its index. */
  readonly entryId?: string;
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** An event that was not published. */
export interface BulkFailure {
  readonly index: number;
  readonly entryId: string;
  readonly event: unknown;
  readonly error: Error;
}

/** An entry as it is sent. */
export interface PreparedEntry {
  readonly index: number;
  readonly entryId: string;
  readonly event: unknown;
  readonly json: string;
}

/** What holds for all entries of a request. */
export interface BulkSettings {
  readonly metadata: Readonly<Record<string, string>>;
  readonly contentType: string | undefined;
  /** Makes of a payload what is published. */
  readonly render: (payload: Payload, metadata: Readonly<Record<string, string>>) => Payload;
}

/**
 * Data, or an entry with settings of its own, as it is sent.
 *
 * @throws OfnError `OFN_RESULT_INVALID` for data that cannot be sent.
 */
export function toPreparedEntry(
  given: unknown,
  index: number,
  { metadata, contentType, render }: BulkSettings,
): PreparedEntry {
  const entry: BulkEntry = isBulkEntry(given) ? given : { event: given };
  const payload = toPayload(entry.event, entry.contentType ?? contentType);
  const message = render(payload, { ...metadata, ...entry.metadata });
  const fields = {
    entryId: entry.entryId ?? String(index),
    contentType: message.contentType,
    // Without metadata of its own, an entry would not get that of the request either.
    metadata: entry.metadata ?? {},
  };
  const text =
    typeof message.body === 'string'
      ? message.body
      : Buffer.from(message.body).toString(
          message.contentType.startsWith(BYTES) ? 'base64' : 'utf8',
        );
  const isJson = /^application\/(json|cloudevents\+json)\b/i.test(message.contentType);
  const event = isJson ? text : JSON.stringify(text);
  const json = `${JSON.stringify(fields).slice(0, -1)},"event":${event}}`;
  return { index, entryId: fields.entryId, event: entry.event, json };
}

const ENTRY_FIELDS = ['event', 'entryId', 'contentType', 'metadata'];

function isBulkEntry(value: unknown): value is BulkEntry {
  if (typeof value !== 'object' || value === null || !('event' in value)) return false;
  return Object.keys(value).every((name) => ENTRY_FIELDS.includes(name));
}

/**
 * The entries that a reply says were not published.
 *
 * @param label What errors call the output.
 * @throws OfnError `OFN_OUTPUT_FAILED` when the request failed as a whole.
 */
export function toBulkFailures(
  label: string,
  reply: SidecarReply,
  entries: readonly PreparedEntry[],
): readonly BulkFailure[] {
  const failure = toSidecarFailure(reply);
  if (failure === undefined) return [];
  const reasons = toReasons(reply);
  const failed = entries.flatMap(({ index, entryId, event }) => {
    const reason = reasons.get(entryId);
    if (reason === undefined) return [];
    const message = `output ${label}: event ${entryId} was not published: ${reason}`;
    return [{ index, entryId, event, error: new OfnError('OFN_OUTPUT_FAILED', message) }];
  });
  if (failed.length > 0) return failed;
  const message = `output ${label} failed: ${renderSidecarFailure(failure)}`;
  throw new OfnError('OFN_OUTPUT_FAILED', message);
}

function toReasons({ bytes }: SidecarReply): ReadonlyMap<string, string> {
  const listed = parseObject(bytes.toString('utf8'))?.['failedEntries'];
  const failed = Array.isArray(listed) ? (listed as readonly unknown[]) : [];
  return new Map(
    failed.map((item) => {
      const { entryId, error } = (item ?? {}) as { entryId?: unknown; error?: unknown };
      return [String(entryId), typeof error === 'string' ? error : 'no reason given'];
    }),
  );
}
