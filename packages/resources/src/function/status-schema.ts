// `status` of the three resources: what a controller has found out.
import * as v from 'valibot';
import { TextMap } from './primitives.ts';

/** The states of a build, in the order in which they come. */
const BUILD_STATES = [
  '',
  'Created',
  'Building',
  'Succeeded',
  'Failed',
  'Timeout',
  'Canceled',
  'Skipped',
] as const;

/** The states of a serving, in the order in which they come. */
const SERVING_STATES = [
  '',
  'Created',
  'Starting',
  'Running',
  'Failed',
  'Timeout',
  'Skipped',
] as const;

/** The state of a build; `''` before there is one. */
export type BuildState = (typeof BUILD_STATES)[number];

/** The state of a serving; `''` before there is one. */
export type ServingState = (typeof SERVING_STATES)[number];

const Said = v.exactOptional(v.string());

const CONDITION_ENTRIES = {
  reason: Said,
  message: Said,
  resourceRef: Said,
  lastSuccessfulResourceRef: Said,
  resourceHash: Said,
  service: Said,
  buildDuration: Said,
};

const BuildCondition = v.looseObject({
  state: v.exactOptional(v.picklist(BUILD_STATES)),
  ...CONDITION_ENTRIES,
});
const ServingCondition = v.looseObject({
  state: v.exactOptional(v.picklist(SERVING_STATES)),
  ...CONDITION_ENTRIES,
});

const Sources = v.array(
  v.looseObject({
    name: v.string(),
    git: v.exactOptional(v.looseObject({ commitSha: Said, commitAuthor: Said, branchName: Said })),
    bundle: v.exactOptional(v.looseObject({ digest: Said })),
  }),
);

/** What the sources of a build were. */
export type SourceResult = v.InferOutput<typeof Sources>[number];

const RouteStatus = v.looseObject({
  hosts: v.exactOptional(v.array(v.string())),
  paths: v.exactOptional(v.array(v.looseObject({ type: v.string(), value: v.string() }))),
  conditions: v.exactOptional(
    v.array(
      v.looseObject({
        type: v.string(),
        status: v.picklist(['True', 'False', 'Unknown']),
        reason: v.string(),
        message: v.string(),
        lastTransitionTime: v.string(),
      }),
    ),
  ),
});

export const FunctionStatusSchema = v.looseObject({
  route: v.exactOptional(RouteStatus),
  build: v.exactOptional(BuildCondition),
  serving: v.exactOptional(ServingCondition),
  addresses: v.exactOptional(
    v.array(v.looseObject({ type: v.picklist(['Internal', 'External']), value: v.string() })),
  ),
  revision: v.exactOptional(v.looseObject({ imageDigest: Said })),
  sources: v.exactOptional(Sources),
});

export const BuilderStatusSchema = v.looseObject({
  phase: v.exactOptional(v.picklist(['', 'Build'])),
  state: v.exactOptional(v.picklist(BUILD_STATES)),
  reason: Said,
  message: Said,
  buildDuration: Said,
  resourceRef: v.exactOptional(TextMap),
  output: v.exactOptional(v.looseObject({ digest: Said, size: v.exactOptional(v.number()) })),
  sources: v.exactOptional(Sources),
});

export const ServingStatusSchema = v.looseObject({
  phase: v.exactOptional(v.picklist(['', 'Serving'])),
  state: v.exactOptional(v.picklist(SERVING_STATES)),
  reason: Said,
  message: Said,
  resourceRef: v.exactOptional(TextMap),
  url: Said,
});

/** The status of a Function. */
export type FunctionStatus = v.InferOutput<typeof FunctionStatusSchema>;
