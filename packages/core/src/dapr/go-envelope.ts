// The envelope that OpenFunction's Go functions put around what they send when they are traced, opened:
// an event or a payload that is one becomes what its sender meant, and the trace it carries.
import type { Propagation } from '../invocation/propagation.ts';
import { propagationOf } from '../invocation/propagation.ts';

/** What the types of the envelopes begin with. */
export const GO_EVENT_TYPE = 'io.openfunction.function';

/** What was in an envelope. */
export interface OpenedEnvelope {
  /** What its sender sent, byte by byte. */
  readonly bytes: Buffer;
  /** The trace it carries; `undefined` for none. */
  readonly propagation: Propagation | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Opens an envelope.
 *
 * @param attributes Those of the event that was delivered: it may be an envelope itself.
 * @param data Its data, or the payload of a binding: an envelope as a value or as its text.
 * @returns `undefined` for everything that is not an envelope through and through.
 */
export function openGoEnvelope(attributes: Fields, data: unknown): OpenedEnvelope | undefined {
  if (isGoType(attributes['type'])) return open(data);
  const event = typeof data === 'string' ? parseEnvelope(data) : data;
  const isEnvelope =
    isObject(event) && isGoType(event['type']) && typeof event['specversion'] === 'string';
  return isEnvelope ? open(event['data']) : undefined;
}

// Go's JSON has no blanks: the text of an ordinary message is not looked through, unless it is JSON.
function parseEnvelope(text: string): unknown {
  if (!text.startsWith('{') || !text.includes(`"${GO_EVENT_TYPE}`)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const GO_TYPE = /^io\.openfunction\.function(?:\.|$)/;

function isGoType(type: unknown): boolean {
  return typeof type === 'string' && GO_TYPE.test(type);
}

function open(content: unknown): OpenedEnvelope | undefined {
  if (!isObject(content)) return undefined;
  const { userData, metadata = {}, ...more } = content;
  if (Object.keys(more).length > 0) return undefined;
  if (typeof userData !== 'string' || !isStrings(metadata ?? {})) return undefined;
  const bytes = Buffer.from(userData, 'base64');
  // Node passes over what is no base64.
  if (bytes.toString('base64') !== userData) return undefined;
  return { bytes, propagation: propagationOf((metadata ?? {}) as Fields) };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((each) => typeof each === 'string');
}
