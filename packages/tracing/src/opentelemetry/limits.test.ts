import { expect, test } from 'vitest';
import { parseLimits, type Limits } from './limits.ts';

function parse(env: Record<string, string>): Limits & { warnings: string[] } {
  const warnings: string[] = [];
  return { ...parseLimits(env, (each) => warnings.push(each)), warnings };
}

const DEFAULTS = {
  batch: {
    maxQueueSize: 2048,
    maxExportBatchSize: 512,
    scheduledDelayMillis: 5000,
    exportTimeoutMillis: 30_000,
  },
  span: {
    attributeCountLimit: 128,
    attributeValueLengthLimit: Infinity,
    eventCountLimit: 128,
    linkCountLimit: 128,
    attributePerEventCountLimit: 128,
    attributePerLinkCountLimit: 128,
  },
};

test('are the defaults of the specification without variables, or with empty ones', () => {
  expect(parse({})).toEqual({ ...DEFAULTS, warnings: [] });
  expect(parse({ OTEL_BSP_SCHEDULE_DELAY: ' ' })).toEqual({ ...DEFAULTS, warnings: [] });
});

test.each([
  ['OTEL_BSP_MAX_QUEUE_SIZE', 'batch', 'maxQueueSize'],
  ['OTEL_BSP_SCHEDULE_DELAY', 'batch', 'scheduledDelayMillis'],
  ['OTEL_BSP_EXPORT_TIMEOUT', 'batch', 'exportTimeoutMillis'],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'batch', 'maxExportBatchSize'],
  ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'span', 'attributeCountLimit'],
  ['OTEL_ATTRIBUTE_COUNT_LIMIT', 'span', 'attributeCountLimit'],
  ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'span', 'attributeValueLengthLimit'],
  ['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'span', 'attributeValueLengthLimit'],
  ['OTEL_SPAN_EVENT_COUNT_LIMIT', 'span', 'eventCountLimit'],
  ['OTEL_SPAN_LINK_COUNT_LIMIT', 'span', 'linkCountLimit'],
  ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', 'span', 'attributePerEventCountLimit'],
  ['OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT', 'span', 'attributePerEventCountLimit'],
  ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', 'span', 'attributePerLinkCountLimit'],
  ['OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT', 'span', 'attributePerLinkCountLimit'],
] as const)('%s sets %s.%s, and is warned of when it is no such number', (name, part, limit) => {
  expect(parse({ [name]: '600' })[part]).toHaveProperty(limit, 600);
  for (const bad of ['-1', '1.5', 'many', 'Infinity', '1e3', '99999999999999999999']) {
    const { warnings, batch, span } = parse({ [name]: bad });
    expect(warnings).toEqual([
      expect.stringMatching(
        `^${name}: "${bad}" is not a whole number from [01] (?:up|to 2147483647), `,
      ),
    ]);
    expect({ batch, span }).toEqual(DEFAULTS);
  }
});

test.each([
  ['OTEL_BSP_MAX_QUEUE_SIZE', '0'],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '0'],
  ['OTEL_BSP_EXPORT_TIMEOUT', '0'],
  ['OTEL_BSP_SCHEDULE_DELAY', '2147483648'],
  ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', '0'],
])('%s=%s is out of the range that the SDK can stand', (name, value) => {
  const { warnings, batch, span } = parse({ [name]: value });
  expect(warnings).toHaveLength(1);
  expect({ batch, span }).toEqual(DEFAULTS);
});

test('a limit of spans goes before the general one', () => {
  const env = { OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '0', OTEL_ATTRIBUTE_COUNT_LIMIT: '7' };
  expect(parse(env).span.attributeCountLimit).toBe(0);
});

test('a batch is not larger than the queue', () => {
  expect(parse({ OTEL_BSP_MAX_QUEUE_SIZE: '10' })).toMatchObject({
    batch: { maxExportBatchSize: 10 },
    warnings: [],
  });
  const env = { OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '20' };
  expect(parse(env)).toMatchObject({
    batch: { maxExportBatchSize: 10 },
    warnings: [expect.stringContaining('OTEL_BSP_MAX_EXPORT_BATCH_SIZE')],
  });
});
