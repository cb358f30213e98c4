// Function, Builder and Serving of core.openfunction.io/v1beta2: the one source of their types, of what is
// checked, and of the JSON Schemas.
import * as v from 'valibot';
import { BUILD_ENTRIES, Build } from './build-schema.ts';
import { LabelValue, Metadata, SecretRef, Text } from './primitives.ts';
import { SERVING_ENTRIES, ServingPart } from './serving-schema.ts';
import { BuilderStatusSchema, FunctionStatusSchema, ServingStatusSchema } from './status-schema.ts';
import { withWasmEdge } from './wasm-edge.ts';

/** The version of the API. */
export const API_VERSION = 'core.openfunction.io/v1beta2';

const Version = v.optional(
  v.pipe(
    LabelValue,
    v.transform((version) => (version === '' ? 'latest' : version)),
  ),
  'latest',
);

const envelope = <const Kind extends string>(kind: Kind) => ({
  apiVersion: v.literal(API_VERSION, `must be ${API_VERSION}`),
  kind: v.literal(kind, `must be ${kind}`),
  metadata: Metadata,
});

const FunctionSpecSchema = v.pipe(
  v.strictObject({
    workloadRuntime: v.optional(v.string(), 'OCIContainer'),
    version: Version,
    image: Text,
    imageCredentials: v.exactOptional(SecretRef),
    build: v.exactOptional(Build),
    serving: v.exactOptional(ServingPart),
  }),
  v.forward(
    v.check(
      ({ build, serving }) => build !== undefined || serving !== undefined,
      'is needed where there is no build',
    ),
    ['serving'],
  ),
  v.forward(
    v.check(
      ({ build, imageCredentials }) =>
        build === undefined ||
        imageCredentials === undefined ||
        (imageCredentials.name ?? '') !== '',
      'must name a secret: a build pushes with it',
    ),
    ['imageCredentials'],
  ),
);

export const FunctionSchema = v.pipe(
  v.strictObject({
    ...envelope('Function'),
    spec: FunctionSpecSchema,
    status: v.exactOptional(FunctionStatusSchema),
  }),
  v.transform(withWasmEdge),
);

export const BuilderSchema = v.strictObject({
  ...envelope('Builder'),
  spec: v.strictObject({
    image: Text,
    imageCredentials: v.exactOptional(SecretRef),
    state: v.exactOptional(v.picklist(['', 'Cancelled'], 'must be Cancelled')),
    ...BUILD_ENTRIES,
  }),
  status: v.exactOptional(BuilderStatusSchema),
});

// The types of its fields by themselves: what is inferred of all of it at once is too deep for TypeScript.
export const ServingSchema: v.GenericSchema<unknown, ServingResource> = v.strictObject({
  ...envelope('Serving'),
  spec: v.strictObject({
    version: Version,
    image: Text,
    imageCredentials: v.exactOptional(SecretRef),
    ...SERVING_ENTRIES,
  }),
  status: v.exactOptional(ServingStatusSchema),
});

/** A Function, with every default. */
export interface FunctionResource extends v.InferOutput<typeof FunctionSchema> {}
type FunctionServing = NonNullable<FunctionResource['spec']['serving']>;
/** A Builder: one build of a Function. */
export interface BuilderResource extends v.InferOutput<typeof BuilderSchema> {}
// By way of the Function, of which TypeScript knows it already: by itself it is too deep.
interface ServingResourceSpec extends FunctionServing {
  version: string;
  image: string;
  imageCredentials?: v.InferOutput<typeof SecretRef>;
}
/** A Serving: one revision of a running Function. */
export interface ServingResource {
  apiVersion: typeof API_VERSION;
  kind: 'Serving';
  metadata: v.InferOutput<typeof Metadata>;
  spec: ServingResourceSpec;
  status?: v.InferOutput<typeof ServingStatusSchema>;
}
