// Segments as SkyWalking's collector gets them become trees of spans, one for each trace.

/** What is shown of a segment; the names are those of SkyWalking's protocol. */
export interface TreeSegment {
  readonly traceid: string;
  readonly tracesegmentid: string;
  readonly service: string;
  readonly spansList: readonly TreeSpan[];
}

/** What is shown of a span; times in milliseconds since 1970. */
interface TreeSpan {
  readonly spanid: number;
  /** -1 for the first of a segment. */
  readonly parentspanid: number;
  readonly starttime: number;
  readonly endtime: number;
  readonly operationname: string;
  readonly peer: string;
  readonly iserror: boolean;
  readonly tagsList: readonly { readonly key: string; readonly value: string }[];
  readonly refsList: readonly {
    readonly parenttracesegmentid: string;
    readonly parentspanid: number;
  }[];
}

interface Node {
  readonly service: string;
  readonly span: TreeSpan;
  readonly children: Node[];
}

/**
 * Renders the traces that segments belong to, the oldest first: a line for each span, below the one
 * that it was made in or that called it.
 *
 * @example
 * console.log(renderTraceTree(collector.segments));
 */
export function renderTraceTree(segments: readonly TreeSegment[]): string {
  const ids = [...new Set(segments.map(({ traceid }) => traceid))];
  return ids
    .map((id) =>
      renderTrace(
        id,
        segments.filter(({ traceid }) => traceid === id),
      ),
    )
    .join('\n\n');
}

function renderTrace(id: string, segments: readonly TreeSegment[]): string {
  const roots = toTree(segments);
  const start = Math.min(...roots.map(({ span }) => span.starttime));
  const lines = roots.flatMap((root, index) =>
    renderNode(root, start, '', index === roots.length - 1),
  );
  return [`trace ${id}`, ...lines].join('\n');
}

function toTree(segments: readonly TreeSegment[]): Node[] {
  const nodes = new Map<string, Node>();
  for (const { service, spansList, tracesegmentid } of segments) {
    for (const span of spansList) {
      nodes.set(`${tracesegmentid}/${span.spanid}`, { service, span, children: [] });
    }
  }
  const roots: Node[] = [];
  for (const [key, node] of nodes) {
    const { parentspanid, refsList } = node.span;
    const [ref] = refsList;
    const above =
      parentspanid >= 0
        ? `${key.slice(0, key.lastIndexOf('/'))}/${parentspanid}`
        : `${ref?.parenttracesegmentid}/${ref?.parentspanid}`;
    // What a segment that is not here has called is shown on top.
    (nodes.get(above)?.children ?? roots).push(node);
  }
  for (const { children } of nodes.values()) children.sort(byStart);
  return roots.toSorted(byStart);
}

function byStart(a: Node, b: Node): number {
  return a.span.starttime - b.span.starttime || a.span.spanid - b.span.spanid;
}

function renderNode(
  { children, service, span }: Node,
  start: number,
  indent: string,
  isLast: boolean,
): string[] {
  const { endtime, iserror, operationname, peer, starttime, tagsList } = span;
  const status = tagsList.find(({ key }) => key === 'http.status_code')?.value;
  const line = [
    `${indent}${isLast ? '└─' : '├─'} ${service}: ${operationname}`,
    peer === '' ? '' : `→ ${peer}`,
    status ?? '',
    iserror ? 'ERROR' : '',
    `(at ${starttime - start} ms, ${endtime - starttime} ms)`,
  ];
  const below = indent + (isLast ? '   ' : '│  ');
  return [
    line.filter((part) => part !== '').join(' '),
    ...children.flatMap((child, index) =>
      renderNode(child, start, below, index === children.length - 1),
    ),
  ];
}
