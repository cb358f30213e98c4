// The OTEL_* variables that are numbers → how many spans are kept, for how long, and how large one is.
//
// They are read here and not by the SDK: it takes any number, and a batch of none keeps it busy for
// ever, a delay past 24 days is one of a millisecond, and an unlimited queue never drops a span.
import type { BufferConfig, SpanLimits } from '@opentelemetry/sdk-trace-base';
import type { Environment } from '@ofn/core';
import {
  LONGEST_TIMER,
  firstOf,
  variable,
  wholeNumber,
  type Format,
  type Warn,
} from '../setting.ts';
import type { VariableName } from '../variables.ts';

/** Limits of the span processor and of each span, all with their defaults. */
export interface Limits {
  readonly batch: Readonly<Required<BufferConfig>>;
  readonly span: Readonly<Required<SpanLimits>>;
}

/** The limits that the environment sets; a value that cannot be used is warned of, and its default holds. */
export function parseLimits(env: Environment, warn: Warn): Limits {
  const read = <F extends number | undefined>(
    names: readonly VariableName[],
    format: Format<number>,
    fallback: F,
  ): number | F =>
    firstOf(
      names.map((name) => variable(env, name, format)),
      fallback,
      warn,
    );
  const counted = (...names: VariableName[]): number => read(names, wholeNumber(0), 128);
  const length = (...names: VariableName[]): number =>
    read(names, wholeNumber(1), undefined) ?? Infinity;
  const milliseconds = (name: VariableName, fallback: number): number =>
    read([name], wholeNumber(1, LONGEST_TIMER), fallback);
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
  const maxQueueSize = read(['OTEL_BSP_MAX_QUEUE_SIZE'], wholeNumber(1), 2048);
  const batchSize = read(
    ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'],
    wholeNumber(1),
    Math.min(512, maxQueueSize),
  );
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
