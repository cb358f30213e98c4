// Dapr components, of a function and by themselves, and what a function has of them.
import * as v from 'valibot';
import { Annotations, DnsLabel, DnsName, Labels, Text, TextMap } from './primitives.ts';

const KeyRef = v.strictObject({ name: v.string(), key: v.string() });

/** What a component says, as Dapr has it. */
const COMPONENT_ENTRIES = {
  version: v.optional(v.string(), 'v1'),
  ignoreErrors: v.exactOptional(v.boolean()),
  metadata: v.optional(
    v.array(
      v.strictObject({
        name: Text,
        value: v.exactOptional(v.unknown()),
        secretKeyRef: v.exactOptional(KeyRef),
        envRef: v.exactOptional(v.string()),
      }),
    ),
    [],
  ),
  initTimeout: v.exactOptional(v.string()),
};

const component = (prefix: string) =>
  v.strictObject({
    type: v.pipe(
      v.string(),
      v.regex(
        new RegExp(`^${prefix}\\.[^.]`),
        `must be a type of "${prefix}", such as ${prefix}.redis`,
      ),
    ),
    ...COMPONENT_ENTRIES,
  });

/** The spec of a Dapr component. */
export type ComponentSpec = v.InferOutput<ReturnType<typeof component>>;

/** A Component of `dapr.io/v1alpha1` that stands by itself. */
export const ComponentSchema = v.strictObject({
  apiVersion: v.literal('dapr.io/v1alpha1'),
  kind: v.literal('Component'),
  metadata: v.looseObject({
    name: DnsName,
    namespace: v.exactOptional(DnsLabel),
    labels: v.exactOptional(Labels),
    annotations: v.exactOptional(Annotations),
  }),
  spec: v.strictObject({
    type: v.pipe(v.string(), v.regex(/^[^.]+\.[^.]/, 'must be a type such as pubsub.redis')),
    ...COMPONENT_ENTRIES,
  }),
  auth: v.exactOptional(v.strictObject({ secretStore: v.string() })),
  scopes: v.optional(v.array(Text), []),
});

/** A Component, with every default. */
export interface ComponentResource extends v.InferOutput<typeof ComponentSchema> {}

export const Bindings = v.record(DnsName, component('bindings'));
export const Pubsub = v.record(DnsName, component('pubsub'));
export const States = v.record(
  DnsName,
  v.strictObject({ spec: v.exactOptional(component('state')) }),
);

const REF_ENTRIES = {
  name: Text,
  type: v.exactOptional(v.string()),
  topic: v.exactOptional(v.string()),
};

export const DaprTrigger = v.strictObject({
  ...REF_ENTRIES,
  inputName: v.exactOptional(v.string()),
});

export const Input = v.strictObject({ dapr: v.exactOptional(v.strictObject(REF_ENTRIES)) });

export const Output = v.strictObject({
  dapr: v.exactOptional(
    v.strictObject({
      ...REF_ENTRIES,
      metadata: v.exactOptional(TextMap),
      operation: v.exactOptional(v.string()),
      outputName: v.exactOptional(v.string()),
    }),
  ),
});
