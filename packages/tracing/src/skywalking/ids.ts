// Ids of SkyWalking as those that W3C Trace Context has, and that OpenTelemetry's API asks for.
import { createHash } from 'node:crypto';
import type { AgentSpan } from './agent.ts';

const W3C = /^(?!0{32})[\da-f]{32}$/;

/**
 * The trace id: this agent's are 32 hexadecimal digits already. Those of other agents may have another
 * form; each function that the trace comes through makes the same id of it.
 */
export function toW3cTraceId(traceId: string): string {
  if (W3C.test(traceId)) return traceId;
  return createHash('sha256').update(traceId).digest('hex').slice(0, 32);
}

/** The span id: the start of the segment's, and the number of the span in it. 16 hexadecimal digits. */
export function toW3cSpanId({ id, context }: AgentSpan): string {
  const number = (id & 0xffff).toString(16).padStart(4, '0');
  return context.segment.segmentId.toString().slice(0, 12).padStart(12, '0') + number;
}
