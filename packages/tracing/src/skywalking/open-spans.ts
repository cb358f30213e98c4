// Spans that have not ended. A segment is reported when all of its spans have; one that user code, or a
// library, never ends would keep the whole segment back, and with it the call.
import type { Agent, AgentSpan } from './agent.ts';
import { isFirstOfSegment, type SkyWalkingSpan } from './span.ts';

export interface OpenSpans {
  readonly begun: (span: SkyWalkingSpan) => void;
  readonly ended: (span: SkyWalkingSpan) => void;
  /** Ends segments whose first span ended some time ago. */
  readonly sweep: () => void;
  /** Ends all segments whose first span has ended. */
  readonly endAll: () => void;
}

/**
 * @param patience Milliseconds that the others have once the first span of their segment has ended.
 * @param now Milliseconds of a clock that only goes forward.
 */
export function createOpenSpans(
  { SpanContext, emitter }: Pick<Agent, 'SpanContext' | 'emitter'>,
  patience: number,
  now = () => performance.now(),
): OpenSpans {
  const open = new Map<AgentSpan['context'], Set<SkyWalkingSpan>>();
  // When the first span of a segment ended; in the order in which they did.
  const overdue = new Map<AgentSpan['context'], number>();

  function endSegment(context: AgentSpan['context']): void {
    overdue.delete(context);
    const spans = [...(open.get(context) ?? [])];
    open.delete(context);
    for (const span of spans) span.setAttribute('unfinished', true).end();
    if (context.finished) return;
    // What is open still was begun by a hook of the agent, which keeps no list: it is left out.
    context.finished = true;
    context.nSpans = 0;
    SpanContext.nTotalSegments -= 1;
    emitter.emit('segment-finished', context.segment);
  }

  return {
    begun(span) {
      const { context } = span.agentSpan;
      const spans = open.get(context);
      if (spans === undefined) open.set(context, new Set([span]));
      else spans.add(span);
    },
    ended(span) {
      const { context } = span.agentSpan;
      const spans = open.get(context);
      spans?.delete(span);
      if (spans?.size === 0) open.delete(context);
      if (context.finished) overdue.delete(context);
      else if (isFirstOfSegment(span.agentSpan)) overdue.set(context, now());
    },
    sweep() {
      for (const [context, since] of overdue) {
        if (now() - since < patience) return;
        endSegment(context);
      }
    },
    endAll() {
      for (const context of overdue.keys()) endSegment(context);
    },
  };
}
