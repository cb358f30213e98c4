// Spans that have not ended. A segment is reported when all of its spans have; one that user code never
// ends would keep the whole segment back, and with it the call.
import type { AgentSpan } from './agent.ts';
import { isFirstOfSegment, type SkyWalkingSpan } from './span.ts';

export interface OpenSpans {
  readonly begun: (span: SkyWalkingSpan) => void;
  readonly ended: (span: SkyWalkingSpan) => void;
  /** Ends what is left open of segments whose first span ended some time ago. */
  readonly sweep: () => void;
  /** Ends what is left open of all segments whose first span has ended. */
  readonly endAll: () => void;
}

/**
 * @param patience Milliseconds that the others have once the first span of their segment has ended.
 * @param now Milliseconds of a clock that only goes forward.
 */
export function createOpenSpans(patience: number, now = () => performance.now()): OpenSpans {
  const open = new Map<AgentSpan['context'], Set<SkyWalkingSpan>>();
  // When the first span of a segment ended; in the order in which they did.
  const overdue = new Map<AgentSpan['context'], number>();

  function forget(context: AgentSpan['context']): void {
    open.delete(context);
    overdue.delete(context);
  }

  function endOthers(context: AgentSpan['context']): void {
    const spans = [...(open.get(context) ?? [])];
    forget(context);
    for (const span of spans) span.setAttribute('unfinished', true).end();
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
      if (spans === undefined || spans.size === 0) forget(context);
      else if (isFirstOfSegment(span.agentSpan)) overdue.set(context, now());
    },
    sweep() {
      for (const [context, since] of overdue) {
        if (now() - since < patience) return;
        endOthers(context);
      }
    },
    endAll() {
      for (const context of overdue.keys()) endOthers(context);
    },
  };
}
