// OTEL_TRACES_SAMPLER and its argument → which traces are recorded.
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace-base';
import type { Environment } from '@ofn/core';

const DEFAULT = 'parentbased_always_on';

const SAMPLERS: ReadonlyMap<string, (ratio: () => number) => Sampler> = new Map<
  string,
  (ratio: () => number) => Sampler
>([
  ['always_on', () => new AlwaysOnSampler()],
  ['always_off', () => new AlwaysOffSampler()],
  ['traceidratio', (ratio) => new TraceIdRatioBasedSampler(ratio())],
  [DEFAULT, () => new ParentBasedSampler({ root: new AlwaysOnSampler() })],
  ['parentbased_always_off', () => new ParentBasedSampler({ root: new AlwaysOffSampler() })],
  [
    'parentbased_traceidratio',
    (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio()) }),
  ],
]);

/** The sampler that the environment names; one that is not known is warned of, and the default holds. */
export function parseSampler(env: Environment, warn: (message: string) => void): Sampler {
  const name = env['OTEL_TRACES_SAMPLER']?.trim().toLowerCase() || DEFAULT;
  const create = SAMPLERS.get(name);
  if (create !== undefined) return create(() => parseRatio(env, warn));
  warn(
    `OTEL_TRACES_SAMPLER: "${name}" is not known, ${DEFAULT} is used; known are ${[...SAMPLERS.keys()].join(', ')}`,
  );
  return new ParentBasedSampler({ root: new AlwaysOnSampler() });
}

function parseRatio(env: Environment, warn: (message: string) => void): number {
  const text = env['OTEL_TRACES_SAMPLER_ARG']?.trim() ?? '';
  if (text === '') return 1;
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  warn(`OTEL_TRACES_SAMPLER_ARG: "${text}" is not a number from 0 to 1, 1 is used`);
  return 1;
}
