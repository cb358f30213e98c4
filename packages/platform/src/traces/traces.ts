// Traces of functions: a small collector of SkyWalking on this machine, and the latest of what it gets.
import { freePort } from '@ofn/keda';
import type { CollectedSegment, Collector } from '@ofn/tracing/testing';

/** What can be listed of a trace; times in milliseconds since 1970. */
export interface TraceSummary {
  readonly id: string;
  readonly start: number;
  /** Milliseconds. */
  readonly duration: number;
  /** The functions that it went through, in the order in which they began. */
  readonly services: readonly string[];
  readonly spans: number;
  readonly isError: boolean;
  /** Its first operation. */
  readonly operation: string;
}

/** A trace. */
export interface Trace extends TraceSummary {
  readonly segments: readonly CollectedSegment[];
  /** A line for each span, as a tree. */
  readonly tree: string;
}

/** The traces of a platform. */
export interface Traces {
  /** The variables by which a function sends its traces here. */
  readonly variables: (name: string, namespace: string) => Readonly<Record<string, string>>;
  /** The latest traces, oldest first. */
  readonly list: () => readonly TraceSummary[];
  /**
   * Finds a trace.
   *
   * @param id The beginning of it is enough.
   */
  readonly find: (id: string) => Trace | undefined;
  readonly stop: () => Promise<void>;
}

// Segments: one for each call of each function.
const LIMIT = 5000;

// Milliseconds: the first instance, which begins with this, has the processor for itself.
const AFTER_FIRST = 300;

/** Creates them; the collector listens a moment later, which functions wait for by themselves. */
export async function createTraces(): Promise<Traces> {
  const port = await freePort('127.0.0.1');
  let collector: Collector | undefined;
  let render: (segments: readonly CollectedSegment[]) => string = () => '';
  let starting: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function start(): Promise<void> {
    const { renderTraceTree, startCollector } = await import('@ofn/tracing/testing');
    render = renderTraceTree;
    collector = await startCollector({ port, limit: LIMIT });
  }

  function byTrace(): ReadonlyMap<string, readonly CollectedSegment[]> {
    const found = new Map<string, CollectedSegment[]>();
    for (const segment of collector?.segments ?? []) {
      const known = found.get(segment.traceid);
      if (known === undefined) found.set(segment.traceid, [segment]);
      else known.push(segment);
    }
    return found;
  }

  return {
    variables(name, namespace) {
      timer ??= setTimeout(() => {
        // Another program may have the port by now: functions go on without, as they do while nothing listens.
        starting = start().catch(() => {});
      }, AFTER_FIRST);
      return {
        SW_AGENT_COLLECTOR_BACKEND_SERVICES: `127.0.0.1:${port}`,
        SW_AGENT_NAME: name,
        SW_AGENT_NAMESPACE: namespace,
      };
    },
    list: () => [...byTrace()].map(([id, segments]) => summarize(id, segments)),
    find(start) {
      const [id, segments] = [...byTrace()].find(([each]) => each.startsWith(start)) ?? [];
      if (id === undefined || segments === undefined) return undefined;
      return { ...summarize(id, segments), segments, tree: render(segments) };
    },
    async stop() {
      clearTimeout(timer);
      await starting;
      await collector?.stop();
    },
  };
}

function summarize(id: string, collected: readonly CollectedSegment[]): TraceSummary {
  const segments = collected.toSorted((one, other) => startOf(one) - startOf(other));
  const spans = segments.flatMap(({ spansList }) => spansList);
  const start = Math.min(...spans.map(({ starttime }) => starttime));
  const end = Math.max(...spans.map(({ endtime }) => endtime));
  const [root] = segments;
  return {
    id,
    start,
    duration: end - start,
    services: [...new Set(segments.map(({ service }) => service))],
    spans: spans.length,
    isError: spans.some(({ iserror }) => iserror),
    operation: root?.spansList.find(({ parentspanid }) => parentspanid === -1)?.operationname ?? '',
  };
}

function startOf({ spansList }: CollectedSegment): number {
  return Math.min(...spansList.map(({ starttime }) => starttime));
}
