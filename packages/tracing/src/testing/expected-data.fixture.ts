// Collected segments become the data that SkyWalking's own tests of agents look at, and are compared
// with an expectation in the format of those tests.
// https://github.com/apache/skywalking-agent-test-tool
import type { CollectedSegment } from './collector.ts';

/** A pair, such as a tag. */
interface Pair {
  readonly key: string;
  readonly value: string;
}

/** The segment that a span goes on from. */
interface ActualRef {
  readonly parentEndpoint: string;
  readonly networkAddress: string;
  readonly refType: string;
  readonly parentSpanId: number;
  readonly parentTraceSegmentId: string;
  readonly parentServiceInstance: string;
  readonly parentService: string;
  readonly traceId: string;
}

/** A span, with the names that SkyWalking's mock collector gives to its values. */
export interface ActualSpan {
  readonly operationName: string;
  readonly parentSpanId: number;
  readonly spanId: number;
  readonly spanLayer: string;
  readonly startTime: number;
  readonly endTime: number;
  readonly componentId: number;
  readonly isError: boolean;
  readonly spanType: string;
  readonly peer: string;
  readonly skipAnalysis: boolean;
  readonly tags: readonly Pair[];
  readonly logs: readonly { readonly logEvent: readonly Pair[] }[];
  readonly refs: readonly ActualRef[];
}

/** What was collected, by service. */
export interface ActualData {
  readonly segmentItems: readonly {
    readonly serviceName: string;
    readonly segmentSize: number;
    readonly segments: readonly {
      readonly segmentId: string;
      readonly spans: readonly ActualSpan[];
    }[];
  }[];
}

/**
 * What is expected of a value: the value itself, or one of `not null`, `null`, `not blank`, `eq x`,
 * `nq x`, `gt 1`, `ge 1`, `start with x`, `end with x`.
 */
type Matcher = string | number | boolean;

type Expected<T> = {
  readonly [K in keyof T]?: T[K] extends readonly (infer Element)[]
    ? readonly Expected<Element>[]
    : Matcher;
};

/**
 * What is expected of the data. What is left out is not looked at. Segments of a service may come in
 * any order; spans, tags and logs are in theirs, and complete. `${orders[0]}` as `parentTraceSegmentId`
 * is the id of the segment that is expected first of the service `orders`.
 */
export interface ExpectedData {
  readonly segmentItems: readonly {
    readonly serviceName: string;
    readonly segmentSize?: Matcher;
    readonly segments?: readonly {
      readonly segmentId?: Matcher;
      readonly spans: readonly Expected<ActualSpan>[];
    }[];
  }[];
}

const LAYERS = ['Unknown', 'Database', 'RPCFramework', 'Http', 'MQ', 'Cache', 'FAAS'];
const TYPES = ['Entry', 'Exit', 'Local'];
const REF_TYPES = ['CrossProcess', 'CrossThread'];

/** Groups segments by their service. */
export function toActualData(segments: readonly CollectedSegment[]): ActualData {
  const services = [...new Set(segments.map(({ service }) => service))];
  return {
    segmentItems: services.map((serviceName) => {
      const ofService = segments.filter(({ service }) => service === serviceName);
      return {
        serviceName,
        segmentSize: ofService.length,
        segments: ofService.map(({ tracesegmentid, spansList }) => ({
          segmentId: tracesegmentid,
          spans: spansList.map(toActualSpan),
        })),
      };
    }),
  };
}

function toActualSpan(span: CollectedSegment['spansList'][number]): ActualSpan {
  return {
    operationName: span.operationname,
    parentSpanId: span.parentspanid,
    spanId: span.spanid,
    spanLayer: LAYERS[span.spanlayer] ?? String(span.spanlayer),
    startTime: span.starttime,
    endTime: span.endtime,
    componentId: span.componentid,
    isError: span.iserror,
    spanType: TYPES[span.spantype] ?? String(span.spantype),
    peer: span.peer,
    skipAnalysis: span.skipanalysis,
    tags: span.tagsList,
    logs: span.logsList.map(({ dataList }) => ({ logEvent: dataList })),
    refs: span.refsList.map((ref) => ({
      parentEndpoint: ref.parentendpoint,
      networkAddress: ref.networkaddressusedatpeer,
      refType: REF_TYPES[ref.reftype] ?? String(ref.reftype),
      parentSpanId: ref.parentspanid,
      parentTraceSegmentId: ref.parenttracesegmentid,
      parentServiceInstance: ref.parentserviceinstance,
      parentService: ref.parentservice,
      traceId: ref.traceid,
    })),
  };
}

/**
 * Compares data with what is expected of it.
 *
 * @throws With the path of the first thing that is different, in the segment that comes closest.
 */
export function assertExpectedData(actual: ActualData, expected: ExpectedData): void {
  const ids = new Map<string, string>();
  // Which segment is which is known after the first pass only.
  checkItems(actual, expected, (reference, id) => void ids.set(reference, id));
  checkItems(actual, expected, () => {}, ids);
}

type Ids = ReadonlyMap<string, string>;
type Item = ActualData['segmentItems'][number];

function checkItems(
  actual: ActualData,
  expected: ExpectedData,
  found: (reference: string, id: string) => void,
  ids?: Ids,
): void {
  for (const [
    index,
    { serviceName, segmentSize, segments = [] },
  ] of expected.segmentItems.entries()) {
    const path = `segmentItems[${index}]`;
    const item = actual.segmentItems.find((other) => other.serviceName === serviceName);
    if (item === undefined) {
      const names = actual.segmentItems.map((other) => other.serviceName);
      throw new Mismatch(`${path}.serviceName`, serviceName, names.join(', ') || 'nothing', 0);
    }
    createComparison(ids).compare(`${path}.segmentSize`, segmentSize, item.segmentSize);
    for (const [at, segment] of segments.entries()) {
      const { segmentId } = findSegment(`${path}.segments[${at}]`, segment, item, ids);
      found(`\${${serviceName}[${at}]}`, segmentId);
    }
  }
}

function findSegment(path: string, expected: object, { segments }: Item, ids?: Ids) {
  let closest = new Mismatch(path, 'a segment', 'none', -1);
  for (const segment of segments) {
    try {
      createComparison(ids).compare(path, expected, segment);
      return segment;
    } catch (error) {
      if (!(error instanceof Mismatch)) throw error;
      if (error.equal > closest.equal) closest = error;
    }
  }
  throw closest;
}

class Mismatch extends Error {
  /** How much was as expected before. */
  readonly equal: number;

  constructor(path: string, expected: unknown, actual: unknown, equal: number) {
    super(`${path}: expected ${render(expected)}, got ${render(actual)}`);
    this.name = 'Mismatch';
    this.equal = equal;
  }
}

function render(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
}

function createComparison(ids: Ids | undefined) {
  let equal = 0;

  function compare(path: string, expected: unknown, actual: unknown): void {
    const fail = (wanted: unknown, got: unknown, at = path): never => {
      throw new Mismatch(at, wanted, got, equal);
    };
    if (expected === undefined || expected === null) return;
    if (Array.isArray(expected)) {
      const list: unknown[] = Array.isArray(actual) ? actual : fail(expected, actual);
      if (list.length !== expected.length) {
        fail(expected.length, `${list.length}: ${JSON.stringify(list)}`, `${path}.length`);
      }
      for (const [index, element] of expected.entries()) {
        compare(`${path}[${index}]`, element, list[index]);
      }
    } else if (isRecord(expected)) {
      const fields = isRecord(actual) ? actual : fail(expected, actual);
      for (const [name, value] of Object.entries(expected)) {
        if (!(name in fields)) fail(value, 'no such field', `${path}.${name}`);
        compare(`${path}.${name}`, value, fields[name]);
      }
    } else {
      if (!matches(render(expected), actual, ids)) fail(expected, actual);
      equal += 1;
    }
  }

  return { compare };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const OPERATORS: Record<string, (actual: string, expected: string) => boolean> = {
  eq: (actual, expected) => actual === expected,
  nq: (actual, expected) => actual !== expected,
  gt: (actual, expected) => Number(actual) > Number(expected),
  ge: (actual, expected) => Number(actual) >= Number(expected),
  'start with': (actual, expected) => actual.startsWith(expected),
  'end with': (actual, expected) => actual.endsWith(expected),
};
const OPERATION = /^(?<operator>eq|nq|gt|ge|start with|end with)\s+(?<operand>.*)$/s;
const REFERENCE = /^\$\{.*\[\d+\]\}$/;

function matches(expected: string, actual: unknown, ids: Ids | undefined): boolean {
  const known = actual !== undefined && actual !== null;
  if (expected === 'not null') return known;
  if (expected === 'null') return !known;
  const text = render(actual);
  if (expected === 'not blank') return known && text.trim() !== '';
  if (REFERENCE.test(expected)) return ids === undefined || ids.get(expected) === text;
  const { operator = 'eq', operand = expected } = OPERATION.exec(expected.trim())?.groups ?? {};
  return OPERATORS[operator]?.(text, operand) ?? false;
}
