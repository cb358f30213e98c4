// OTEL_TRACES_SAMPLER and its argument → which traces are recorded.
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace-base';
import type { Environment } from '@ofn/core';
import { firstOf, oneOf, variable, type Format, type Warn } from '../setting.ts';

const NAME = oneOf([
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
]);

const RATIO: Format<number> = {
  expected: 'a number from 0 to 1',
  parse: (text) => (Number(text) >= 0 && Number(text) <= 1 ? Number(text) : undefined),
};

/** The sampler that the environment names; one that is not known is warned of, and the default holds. */
export function parseSampler(env: Environment, warn: Warn): Sampler {
  const name = firstOf([variable(env, 'OTEL_TRACES_SAMPLER', NAME)], 'parentbased_always_on', warn);
  const ratio = (): number => firstOf([variable(env, 'OTEL_TRACES_SAMPLER_ARG', RATIO)], 1, warn);
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio());
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio()) });
  }
}
