// FUNC_CONTEXT and FUNC_CONTEXT_V1BETA2, the two JSON values OpenFunction's controller sets, as one
// frozen FunctionContext. The newer variable wins where it says something; the older one fills.
import * as v from 'valibot';
import { OfnError, type Issue } from '../errors.ts';

// valibot takes an array for an object; JSON does not.
const NotArray = v.custom<object>(
  (input) => typeof input === 'object' && input !== null && !Array.isArray(input),
  (issue) => `Invalid type: Expected Object but received ${issue.received}`,
);

const object = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(NotArray, v.looseObject(entries));

const mapOf = <const Value extends v.GenericSchema>(value: Value) =>
  v.pipe(NotArray, v.record(v.string(), value));

const StringMap = mapOf(v.string());

// The controller writes the port as a string in one variable and as a number in the other.
const Port = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d+$/), v.transform(Number))]),
  v.integer(),
  v.minValue(0),
  v.maxValue(65535),
);

// Holds a schema to a type that is written out: each field of it is there, and no other.
type EntriesOf<T> = { readonly [Name in keyof T]-?: v.GenericSchema<unknown, T[Name]> };

const Component = object({
  uri: v.optional(v.string()),
  topic: v.optional(v.string()),
  componentName: v.optional(v.string()),
  componentType: v.optional(v.string()),
  operation: v.optional(v.string()),
  metadata: v.optional(StringMap),
} satisfies EntriesOf<ContextComponent>);

const TracingProvider = object({
  name: v.optional(v.string()),
  oapServer: v.optional(v.string()),
  exporter: v.optional(object({})),
} satisfies EntriesOf<ContextTracingProvider>);

const Tracing = object({
  enabled: v.optional(v.boolean()),
  provider: v.optional(TracingProvider),
  tags: v.optional(StringMap),
  baggage: v.optional(StringMap),
} satisfies EntriesOf<ContextTracing>);

const Components = mapOf(Component);

const RUNTIMES = ['knative', 'async'] as const;
const ENGINES = ['knative', 'keda'] as const;

const oneOf = <const Name extends string>(names: readonly Name[]) =>
  v.pipe(
    v.string(),
    v.transform((name) => name.toLowerCase()),
    v.picklist(names),
  );

const V1Beta1 = object({
  name: v.optional(v.string()),
  version: v.optional(v.string()),
  runtime: v.optional(oneOf(RUNTIMES)),
  port: v.optional(
    v.union([
      v.pipe(
        v.literal(''),
        v.transform(() => undefined),
      ),
      Port,
    ]),
  ),
  inputs: v.nullish(Components),
  outputs: v.nullish(Components),
  states: v.nullish(Components),
  prePlugins: v.nullish(v.array(v.string())),
  postPlugins: v.nullish(v.array(v.string())),
  pluginsTracing: v.nullish(Tracing),
});

const DaprTrigger = object({
  name: v.string(),
  type: v.optional(v.string()),
  topic: v.optional(v.string()),
  inputName: v.optional(v.string()),
});

const V1Beta2 = object({
  name: v.optional(v.string()),
  version: v.optional(v.string()),
  triggers: v.nullish(
    object({
      http: v.nullish(object({ port: v.optional(Port), engine: v.optional(oneOf(ENGINES)) })),
      dapr: v.nullish(v.array(DaprTrigger)),
      inputs: v.nullish(v.array(object({ dapr: v.nullish(DaprTrigger) }))),
    }),
  ),
  inputs: v.nullish(Components),
  outputs: v.nullish(Components),
  states: v.nullish(Components),
  preHooks: v.nullish(v.array(v.string())),
  postHooks: v.nullish(v.array(v.string())),
  tracing: v.nullish(Tracing),
});

// The public types are written out: those that valibot infers would need valibot to be installed.

/** A Dapr component as a function's input, output or state store. */
export interface ContextComponent {
  /** Topic of a pub/sub component, as the older variable says it; for a binding, the component's name. */
  readonly uri?: string | undefined;
  /** Topic of a pub/sub component, as the newer variable says it. */
  readonly topic?: string | undefined;
  /** Name of the component in Dapr. */
  readonly componentName?: string | undefined;
  /** Such as `pubsub.kafka`, `bindings.mqtt` or `state.postgresql`. */
  readonly componentType?: string | undefined;
  /** What an output binding is asked to do, such as `create`. */
  readonly operation?: string | undefined;
  /** Of the subscription, or of what is sent. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** What the function context says of tracing. */
interface ContextTracing {
  /** Whether calls are traced, where no option or variable says it. Default `false`. */
  readonly enabled?: boolean | undefined;
  readonly provider?: ContextTracingProvider | undefined;
  /** On the span of each call. `func` names the service, `instance` the instance. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Travels with the trace to the functions that are sent to. */
  readonly baggage?: Readonly<Record<string, string>> | undefined;
}

/** Where spans are reported to. */
interface ContextTracingProvider {
  /** `skywalking` or `opentelemetry`. Default: `opentelemetry` for an exporter alone, else `skywalking`. */
  readonly name?: string | undefined;
  /** SkyWalking's collector, as `host:port`. */
  readonly oapServer?: string | undefined;
  /** OpenTelemetry's exporter, as it was given; its fields are parsed by `@ofn/tracing`. */
  readonly exporter?: Readonly<Record<string, unknown>> | undefined;
}

/** What the controller says of this function: both variables, merged. */
export interface FunctionContext {
  readonly name: string | undefined;
  readonly version: string | undefined;
  /** `async` for functions that take events. */
  readonly runtime: 'knative' | 'async';
  /** What stands in front of an HTTP function. Default `knative`. */
  readonly engine: 'knative' | 'keda';
  readonly port: number | undefined;
  readonly inputs: Readonly<Record<string, ContextComponent>>;
  readonly outputs: Readonly<Record<string, ContextComponent>>;
  readonly states: Readonly<Record<string, ContextComponent>>;
  /** Names of the plugins that run before the handler, in order; `undefined` when not said. */
  readonly preHooks: readonly string[] | undefined;
  /** Names of the plugins that run after the handler, in order; `undefined` when not said. */
  readonly postHooks: readonly string[] | undefined;
  readonly tracing: ContextTracing | undefined;
}

/**
 * Parses and merges both variables.
 *
 * @param v1beta1 Value of FUNC_CONTEXT; absent or empty means not set.
 * @param v1beta2 Value of FUNC_CONTEXT_V1BETA2; absent or empty means not set.
 * @param v1beta1Name What errors call the older one. Default `FUNC_CONTEXT`.
 * @returns The merged context, or `undefined` when neither is set.
 * @throws OfnError `OFN_CONTEXT_MALFORMED`, naming the variable and each field that is wrong.
 */
export function parseFunctionContext(
  v1beta1: string | undefined,
  v1beta2: string | undefined,
  v1beta1Name = 'FUNC_CONTEXT',
): FunctionContext | undefined {
  const older = parseVariable(v1beta1Name, V1Beta1, v1beta1);
  const newer = parseVariable('FUNC_CONTEXT_V1BETA2', V1Beta2, v1beta2);
  if (older === undefined && newer === undefined) return undefined;

  // A Dapr trigger makes it async, an HTTP trigger alone does not; without either the older says.
  const { dapr, http } = newer?.triggers ?? {};
  const said = http === undefined || http === null ? older?.runtime : 'knative';
  const runtime = (dapr?.length ?? 0) > 0 ? 'async' : (said ?? 'knative');
  return deepFreeze({
    name: newer?.name ?? older?.name,
    version: newer?.version ?? older?.version,
    runtime,
    engine: newer?.triggers?.http?.engine ?? 'knative',
    port: newer?.triggers?.http?.port ?? older?.port,
    inputs: mergeInputs(mergeComponents(older?.inputs, newer?.inputs), newer?.triggers),
    outputs: mergeComponents(older?.outputs, newer?.outputs),
    states: mergeComponents(older?.states, newer?.states),
    preHooks: newer?.preHooks ?? older?.prePlugins ?? undefined,
    postHooks: newer?.postHooks ?? older?.postPlugins ?? undefined,
    tracing: newer?.tracing ?? older?.pluginsTracing ?? undefined,
  });
}

function parseVariable<const S extends v.GenericSchema>(
  variable: string,
  schema: S,
  text: string | undefined,
): v.InferOutput<S> | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new OfnError(
      'OFN_CONTEXT_MALFORMED',
      `${variable} is not valid JSON: ${(cause as Error).message}`,
      { cause },
    );
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const issues: Issue[] = result.issues.map((issue) => ({
    message: issue.message,
    path: issue.path?.map((item) => item.key as string | number) ?? [],
  }));
  const said = issues.map(({ path, message }) => `${path?.join('.') || 'the value'}: ${message}`);
  throw new OfnError('OFN_CONTEXT_MALFORMED', `${variable} is malformed; ${said.join('; ')}`, {
    issues,
  });
}

function mergeComponents(
  older: Readonly<Record<string, ContextComponent>> | null | undefined,
  newer: Readonly<Record<string, ContextComponent>> | null | undefined,
): Readonly<Record<string, ContextComponent>> {
  const merged: Record<string, ContextComponent> = { ...older };
  for (const [name, component] of Object.entries(newer ?? {})) {
    merged[name] = { ...merged[name], ...component };
  }
  return merged;
}

type Triggers = v.InferOutput<typeof V1Beta2>['triggers'];

// The newer variable lists inputs by their components, not by the names that the older one gives.
function mergeInputs(
  inputs: Readonly<Record<string, ContextComponent>>,
  triggers: Triggers,
): Readonly<Record<string, ContextComponent>> {
  const merged: Record<string, ContextComponent> = { ...inputs };
  const further = (triggers?.inputs ?? []).flatMap(({ dapr }) => dapr ?? []);
  for (const { name, type, topic, inputName } of [...(triggers?.dapr ?? []), ...further]) {
    const known = Object.entries(inputs).find(
      ([, { componentName, topic: said, uri }]) =>
        componentName === name && (topic === undefined || (said ?? uri) === topic),
    );
    const key = known?.[0] ?? inputName ?? free(name, merged);
    merged[key] = {
      ...known?.[1],
      componentName: name,
      ...(type === undefined ? {} : { componentType: type }),
      ...(topic === undefined ? {} : { topic }),
    };
  }
  return merged;
}

// Two topics of one component are two inputs.
function free(name: string, taken: Readonly<Record<string, unknown>>): string {
  let key = name;
  for (let count = 2; key in taken; count += 1) key = `${name}-${count}`;
  return key;
}

// No call may change what the next one sees.
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
