// The OTEL_* variables that are numbers → how many spans are kept, for how long, and how large one is.
//
// They are read here and not by the SDK: it takes any number, and a batch of none keeps it busy for
// ever, a delay past 24 days is one of a millisecond, and an unlimited queue never drops a span.
import type { BufferConfig, SpanLimits } from '@opentelemetry/sdk-trace-base';
import type { Environment } from '@ofn/core';

/** Limits of the span processor and of each span, all with their defaults. */
export interface Limits {
  readonly batch: Readonly<Required<BufferConfig>>;
  readonly span: Readonly<Required<SpanLimits>>;
}

const LONGEST_TIMER = 2 ** 31 - 1;

/** The limits that the environment sets; a value that cannot be used is warned of, and its default holds. */
export function parseLimits(env: Environment, warn: (message: string) => void): Limits {
  const parse = createParser(env, warn);
  // Of each list, the first variable that is set.
  const counted = (...names: string[]): number => parse(names, 128, 0);
  const length = (...names: string[]): number => parse(names, Infinity, 1);
  const milliseconds = (name: string, fallback: number): number =>
    parse([name], fallback, 1, LONGEST_TIMER);
  const span = {
    attributeCountLimit: counted('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'),
    attributeValueLengthLimit: length(
      'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
      'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    ),
    eventCountLimit: counted('OTEL_SPAN_EVENT_COUNT_LIMIT'),
    linkCountLimit: counted('OTEL_SPAN_LINK_COUNT_LIMIT'),
    // The specification's names, and those that the SDK for Node.js has for them.
    attributePerEventCountLimit: counted(
      'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT',
      'OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT',
    ),
    attributePerLinkCountLimit: counted(
      'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT',
      'OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT',
    ),
  };
  const maxQueueSize = parse(['OTEL_BSP_MAX_QUEUE_SIZE'], 2048, 1);
  const batchSize = parse(['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], Math.min(512, maxQueueSize), 1);
  if (batchSize > maxQueueSize) {
    warn(
      `OTEL_BSP_MAX_EXPORT_BATCH_SIZE: ${batchSize} is more than OTEL_BSP_MAX_QUEUE_SIZE, ${maxQueueSize} is used`,
    );
  }
  const batch = {
    maxQueueSize,
    maxExportBatchSize: Math.min(batchSize, maxQueueSize),
    scheduledDelayMillis: milliseconds('OTEL_BSP_SCHEDULE_DELAY', 5000),
    exportTimeoutMillis: milliseconds('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
  };
  return { span, batch };
}

type Parse = (names: readonly string[], fallback: number, least: number, most?: number) => number;

function createParser(env: Environment, warn: (message: string) => void): Parse {
  return (names, fallback, least, most = Number.MAX_SAFE_INTEGER) => {
    for (const name of names) {
      const text = env[name]?.trim() ?? '';
      if (text === '') continue;
      const value = Number(text);
      if (/^\d+$/.test(text) && value >= least && value <= most) return value;
      const upTo = most === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${most}`;
      const used = fallback === Infinity ? 'no limit' : fallback;
      warn(
        `${name}: "${text}" is not a whole number of at least ${least}${upTo}, the default is used: ${used}`,
      );
      return fallback;
    }
    return fallback;
  };
}
