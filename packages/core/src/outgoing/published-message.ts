// A payload as the message that is published: as it is, or as an event where the sidecar would lose
// some of it.
import { randomUUID } from 'node:crypto';
import { currentInvocation } from '../invocation/invoke.ts';
import { NO_PROPAGATION } from '../invocation/propagation.ts';
import { BYTES, CLOUD_EVENT, type Payload } from './payload.ts';
import { parseObject } from './sidecar-failure.ts';

/**
 * The payload as it is published. The sidecar puts it into a CloudEvent; where that would lose
 * something, the event is made here: of bytes with a type that it takes for text, and for baggage and a
 * SkyWalking trace, which it does not hand on.
 */
export function toMessage(payload: Payload, metadata: Readonly<Record<string, string>>): Payload {
  if (metadata['rawPayload'] === 'true') return payload;
  const { contentType, body } = payload;
  const trace = traceAttributes();
  if (contentType.startsWith(CLOUD_EVENT)) {
    if (trace === undefined || typeof body !== 'string') return payload;
    return { contentType, body: JSON.stringify({ ...trace, ...parseObject(body) }) };
  }
  const isText = typeof body === 'string' || TEXTUAL.test(contentType);
  if (trace === undefined && (isText || contentType.startsWith(BYTES))) return payload;
  const source = currentInvocation()?.name;
  const event = {
    specversion: '1.0',
    id: randomUUID(),
    type: 'com.dapr.event.sent',
    ...(source === undefined ? {} : { source }),
    datacontenttype: contentType,
    ...trace,
    ...toEventData(payload),
  };
  return { contentType: CLOUD_EVENT, body: JSON.stringify(event) };
}

const TEXTUAL = /^(text\/|application\/(json|xml)\b|.*\+(json|xml)\b)/i;

// The names of extension attributes are letters and digits only.
function traceAttributes(): Record<string, string> | undefined {
  const {
    baggage,
    sw8,
    'sw8-correlation': correlation,
    'sw8-x': extension,
  } = currentInvocation()?.propagation ?? NO_PROPAGATION;
  const attributes = {
    ...(sw8 === undefined ? {} : { sw8 }),
    ...(sw8 === undefined || correlation === undefined ? {} : { sw8correlation: correlation }),
    ...(sw8 === undefined || extension === undefined ? {} : { sw8x: extension }),
    ...(baggage === undefined ? {} : { baggage }),
  };
  return Object.keys(attributes).length === 0 ? undefined : attributes;
}

function toEventData({ contentType, body }: Payload): Record<string, unknown> {
  if (typeof body !== 'string') return { data_base64: Buffer.from(body).toString('base64') };
  if (!/^application\/json\b/i.test(contentType)) return { data: body };
  // Text that was said to be JSON, and is none, stays text, as the sidecar does it.
  try {
    return { data: JSON.parse(body) as unknown };
  } catch {
    return { data: body };
  }
}
