// Builders: made of a function, asked to end, ended.
import type { BuildSpec } from '../function/build-schema.ts';
import { API_VERSION, type BuilderResource, type FunctionResource } from '../function/schema.ts';
import type { BuildResult } from './build-progress.ts';
import { parseDuration, renderDuration } from '../function/duration.ts';
import type { EventObject } from './events.ts';
import { hashOf, shortHash } from '../function/hash.ts';
import { toTimestamp } from './objects.ts';

/** The hash of what is built; the same for functions that differ in what is not. */
export function buildHash({ spec }: FunctionResource): string {
  if (spec.build === undefined) return hashOf({});
  const {
    builderMaxAge: _age,
    failedBuildsHistoryLimit: _failed,
    successfulBuildsHistoryLimit: _successful,
    timeout: _timeout,
    ...build
  } = spec.build;
  return hashOf({ ...build, image: spec.image, imageCredentials: spec.imageCredentials });
}

/** A new Builder, the `count`th of its function. */
export function toBuilder(
  owner: FunctionResource,
  build: BuildSpec,
  count: number,
  at: number,
): BuilderResource {
  const { name, namespace = 'default' } = owner.metadata;
  return {
    apiVersion: API_VERSION,
    kind: 'Builder',
    metadata: {
      name: `builder-${shortHash([namespace, name, buildHash(owner), count])}`,
      namespace,
      labels: { 'openfunction.io/function': name },
      creationTimestamp: toTimestamp(at),
    },
    spec: toBuilderSpec(owner, build),
    status: { phase: 'Build', state: 'Created' },
  };
}

/** What a function says to its Builder. */
export function toBuilderSpec(
  { spec }: FunctionResource,
  build: BuildSpec,
): BuilderResource['spec'] {
  const { image, imageCredentials } = spec;
  return { image, ...(imageCredentials === undefined ? {} : { imageCredentials }), ...build };
}

/** The Builder, asked to end. */
export function toCanceling(builder: BuilderResource): BuilderResource {
  return { ...builder, spec: { ...builder.spec, state: 'Cancelled' } };
}

/** The Builder, ended, with how long it took. */
export function toEnded(
  builder: BuilderResource,
  result: BuildResult,
  at: number,
): BuilderResource {
  const { duration, imageDigest, sources, state } = result;
  const { message = state, reason = state } = result;
  const limit = state === 'Timeout' ? timeLimitOf(builder) : undefined;
  return {
    ...builder,
    status: {
      ...builder.status,
      state,
      reason,
      message,
      buildDuration:
        duration === undefined
          ? renderDuration(limit ?? at - createdAt(builder))
          : renderDuration(duration, 'ms'),
      ...(imageDigest === undefined ? {} : { output: { digest: imageDigest } }),
      ...(sources === undefined ? {} : { sources: [...sources] }),
    },
  };
}

/** Whether the Builder has not ended. */
export function isRunning({ status }: BuilderResource): boolean {
  return ['', 'Created', 'Building'].includes(status?.state ?? '');
}

/** Whether a Builder that runs has had its time. */
export function isOverdue(builder: BuilderResource, at: number): boolean {
  const limit = timeLimitOf(builder);
  return limit !== undefined && at - createdAt(builder) >= limit;
}

function timeLimitOf({ spec }: BuilderResource): number | undefined {
  return spec.timeout === undefined ? undefined : parseDuration(spec.timeout);
}

function createdAt({ metadata }: BuilderResource): number {
  return Date.parse(metadata.creationTimestamp ?? '');
}

/** The Builder that an event is about. */
export function builderObject({ metadata }: BuilderResource): EventObject {
  const { name, namespace = 'default' } = metadata;
  return { kind: 'Builder', name, namespace };
}
