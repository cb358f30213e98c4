import { ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { expect, test } from 'vitest';
import { parseSampler } from './sampler.ts';

function isSampled(env: Record<string, string>, parent?: TraceFlags): boolean {
  const sampler = parseSampler(env, (warning) => {
    throw new Error(warning);
  });
  const remote = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    isRemote: true,
  };
  const context =
    parent === undefined
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, { ...remote, traceFlags: parent });
  const tracer = new BasicTracerProvider({ sampler }).getTracer('test');
  return tracer.startSpan('call', {}, context).isRecording();
}

test.each([
  // Sampler, argument; decides without parent, of a sampled one, of one that is not.
  ['', '', true, true, false],
  ['always_on', '', true, true, true],
  ['always_off', '', false, false, false],
  ['parentbased_always_on', '', true, true, false],
  ['parentbased_always_off', '', false, true, false],
  ['traceidratio', '0', false, false, false],
  ['traceidratio', '1', true, true, true],
  ['traceidratio', '', true, true, true],
  ['parentbased_traceidratio', '0', false, true, false],
  [' ParentBased_TraceIdRatio ', ' 1 ', true, true, false],
])('OTEL_TRACES_SAMPLER=%s with %s decides %s, %s, %s', (name, ratio, root, sampled, unsampled) => {
  const env = { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio };
  expect(isSampled(env)).toBe(root);
  expect(isSampled(env, TraceFlags.SAMPLED)).toBe(sampled);
  expect(isSampled(env, TraceFlags.NONE)).toBe(unsampled);
});

test.each(['xray', 'constructor', '__proto__'])(
  'the sampler %s is not known and warned of, and the parent decides',
  (name) => {
    const warnings: string[] = [];
    const sampler = parseSampler({ OTEL_TRACES_SAMPLER: name }, (each) => warnings.push(each));
    expect(warnings).toEqual([
      expect.stringMatching(
        `^OTEL_TRACES_SAMPLER: "${name}" is not one of always_on, .*, parentbased_always_on is used$`,
      ),
    ]);
    expect(sampler.toString()).toContain('ParentBased');
  },
);

test.each(['half', '-0.1', '1.1', 'NaN'])('a ratio of %s is warned of, and 1 is used', (ratio) => {
  const warnings: string[] = [];
  const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: ratio };
  const sampler = parseSampler(env, (each) => warnings.push(each));
  expect(warnings).toEqual([
    `OTEL_TRACES_SAMPLER_ARG: "${ratio}" is not a number from 0 to 1, 1 is used`,
  ]);
  expect(sampler.toString()).toContain('{1}');
});
