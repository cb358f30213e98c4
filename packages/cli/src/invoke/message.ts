// What is sent, as headers and a body: by itself, or as a CloudEvent.
import { randomUUID } from 'node:crypto';
import type { Data } from './data.ts';

/** One message. */
export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The attributes of a CloudEvent. */
export interface EventFlags {
  readonly cloudevent?: true;
  /** All of it in the body, instead of its attributes in headers. */
  readonly structured?: true;
  readonly type: string;
  readonly source: string;
  /** By default another for each event. */
  readonly id?: string;
  readonly subject?: string;
}

/**
 * Makes what makes messages: each event is one of its own.
 *
 * @param headers Of the user; they win. Their names in lower case.
 */
export async function createMessages(
  { bytes, contentType: guessed }: Data,
  headers: Readonly<Record<string, string>>,
  flags: EventFlags,
): Promise<() => Message> {
  const { 'content-type': given, ...rest } = headers;
  const contentType = given ?? guessed;
  const typed: Record<string, string> =
    contentType === undefined ? {} : { 'content-type': contentType };
  if (flags.cloudevent !== true) return () => ({ headers: { ...rest, ...typed }, body: bytes });

  const { CloudEvent, HTTP } = await import('cloudevents');
  const { id, source, structured, subject, type } = flags;
  const data = toEventData(bytes, contentType);
  return () => {
    const event = new CloudEvent({
      id: id ?? randomUUID(),
      source,
      type,
      ...(subject === undefined ? {} : { subject }),
      ...(data === undefined ? {} : { datacontenttype: contentType, data }),
    });
    const sent = structured === true ? HTTP.structured(event) : HTTP.binary(event);
    const own = Object.entries(sent.headers).map(([name, value]) => [name, String(value)]);
    // In binary mode the data is the body, byte by byte.
    const body = structured === true ? Buffer.from(String(sent.body)) : bytes;
    const isBare = structured !== true && data === undefined;
    return {
      headers: Object.fromEntries(
        [...own, ...Object.entries(rest)].filter(([name]) => !isBare || name !== 'content-type'),
      ) as Record<string, string>,
      body,
    };
  };
}

function toEventData(bytes: Buffer, contentType = ''): unknown {
  if (bytes.length === 0) return undefined;
  if (contentType.startsWith('text/')) return bytes.toString();
  if (!/^application\/(?:json|[^;]*\+json)(?:;|$)/.test(contentType)) return new Uint8Array(bytes);
  return JSON.parse(bytes.toString()) as unknown;
}
