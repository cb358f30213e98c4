// One route of the HTTP API: a call goes in, a reply comes out; and the JSON that both may carry.
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import * as v from 'valibot';
import { malformedBody } from './fault.ts';

/** A request, taken apart. */
export interface HttpCall {
  readonly verb: string;
  /** The path as it was sent. */
  readonly pathname: string;
  /** The query as it was sent, without its question mark. */
  readonly search: string;
  readonly query: URLSearchParams;
  /** What the query says with names that begin with `metadata.`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** The named groups of the route's pattern, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Reads the body; to be called once. Rejects for one that is too large. */
  body(): Promise<Buffer>;
}

/** A reply. A body without a content type is JSON. */
export interface HttpReply {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer | string;
}

/** Which requests are for it, and what answers them. */
export interface Route {
  readonly methods: readonly string[];
  /** Matched against the whole path, without slashes that are doubled or at its end. */
  readonly pattern: RegExp;
  readonly handle: (call: HttpCall) => Promise<HttpReply> | HttpReply;
}

export const WRITE = ['POST', 'PUT'] as const;

export const EVERY_METHOD = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'TRACE',
] as const;

export const NO_CONTENT: HttpReply = { status: 204 };

/** Metadata in a body: absent and null are the same. */
export const MetadataSchema = v.nullish(v.record(v.string(), v.string()));

/**
 * Parses the JSON of a body.
 *
 * @param toError Which of Dapr's errors a malformed body is.
 * @throws SidecarError what `toError` makes, by default `ERR_MALFORMED_REQUEST`.
 */
export async function parseBody<S extends v.GenericSchema>(
  call: HttpCall,
  schema: S,
  toError: (thrown: unknown) => Error = malformedBody,
): Promise<v.InferOutput<S>> {
  let result;
  try {
    const body = await call.body();
    result = v.safeParse(schema, JSON.parse(body.toString()));
  } catch (thrown) {
    throw toError(thrown);
  }
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  throw toError(new Error(path === null ? issue.message : `${path}: ${issue.message}`));
}
